//! What the server asks of an ephemeral resource type: a value that exists while it is used, and is stored nowhere.

use super::diag::Diagnostics;
use super::resource::{Context, Private};
use super::schema::Schema;
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
    /// Problems that do not keep it from being used.
    pub warnings: Diagnostics,
}

impl Opened {
    /// A value that nothing has to be done about any more.
    #[must_use]
    pub fn new(value: Value) -> Self {
        Self { value, private: Private::default(), renew_at: None, warnings: Diagnostics::new() }
    }
}

/// What a renewal came to.
#[derive(Debug, Default)]
pub struct Renewed {
    /// Replaces what was kept before.
    pub private: Private,
    /// When it has to be renewed again, since 1970.
    pub renew_at: Option<Duration>,
    /// Problems that do not keep it from being used; Terraform shows only those of the closing.
    pub warnings: Diagnostics,
}

/// An ephemeral resource type.
#[async_trait]
pub trait Ephemeral: Send + Sync {
    /// Its full name: `omni_kubeconfig`.
    fn type_name(&self) -> &'static str;

    /// Its schema.
    fn schema(&self) -> &Schema;

    /// Checks beyond the schema's own; the configuration may hold unknowns and the provider may be unconfigured.
    async fn validate(&self, _context: &Context, _config: &Value, _diags: &mut Diagnostics) {}

    /// Makes the value; the configuration is wholly known, and defaults are filled in.
    /// A host opens it in the plan and again in the apply.
    ///
    /// # Errors
    /// With every problem found; then nothing is left behind.
    async fn open(&self, context: &Context, config: Value) -> Result<Opened, Diagnostics>;

    /// Makes the value last longer; the value itself cannot change.
    ///
    /// # Errors
    /// With every problem found.
    async fn renew(&self, _context: &Context, private: Private) -> Result<Renewed, Diagnostics> {
        Ok(Renewed { private, ..Renewed::default() })
    }

    /// Takes back what opening made; what was kept is that of the opening, not of a renewal.
    ///
    /// # Errors
    /// With every problem found; warnings alone do not make it fail.
    async fn close(&self, _context: &Context, _private: Private) -> Result<(), Diagnostics> {
        Ok(())
    }
}
