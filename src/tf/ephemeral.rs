//! What the server asks of an ephemeral resource type: a value that exists while it is used, and is stored nowhere.

use super::described::Described;
use super::diag::Diagnostics;
use super::done::Done;
use super::resource::{Context, Private};
use super::value::Value;
use async_trait::async_trait;
use std::time::Duration;

/// What an open resource is.
#[derive(Debug)]
pub struct Opened {
    /// The configuration with the computed attributes filled in; wholly known.
    pub value: Value,
    /// Given back on renewals and when the resource is closed; hosts keep it in memory only.
    pub private: Private,
    /// When it has to be renewed, since 1970; never when there is nothing to renew.
    pub renew_at: Option<Duration>,
}

impl Opened {
    /// A value that nothing has to be done about any more.
    #[must_use]
    pub fn new(value: Value) -> Self {
        Self { value, private: Private::default(), renew_at: None }
    }
}

/// What a renewal came to.
#[derive(Debug, Default)]
pub struct Renewed {
    /// Replaces what was kept before.
    pub private: Private,
    /// When it has to be renewed again, since 1970.
    pub renew_at: Option<Duration>,
}

/// An ephemeral resource type.
///
/// A host calls `validate` and `open`, `renew` as often as the value asks for it, and `close` once it needs the value no more.
#[async_trait]
pub trait Ephemeral: Described {
    /// Makes the value; the configuration is wholly known, and defaults are filled in.
    /// A host opens it in the plan and again in the apply.
    ///
    /// # Errors
    /// With every problem found; then nothing is left behind.
    async fn open(&self, context: &Context, config: Value) -> Result<Done<Opened>, Diagnostics>;

    /// Makes the value last longer; the value itself cannot change. Terraform shows only the warnings of the closing.
    ///
    /// # Errors
    /// With every problem found.
    async fn renew(&self, _context: &Context, private: Private) -> Result<Done<Renewed>, Diagnostics> {
        Ok(Renewed { private, ..Renewed::default() }.into())
    }

    /// Takes back what opening made; what was kept is that of the opening, not of a renewal.
    ///
    /// # Errors
    /// With every problem found.
    async fn close(&self, _context: &Context, _private: Private) -> Result<Done<()>, Diagnostics> {
        Ok(().into())
    }
}
