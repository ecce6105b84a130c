//! What the server asks of an action type: an operation that leaves no object in the state.

use super::described::Described;
use super::diag::Diagnostics;
use super::done::Done;
use super::resource::Context;
use super::value::Value;
use async_trait::async_trait;

/// Takes what an action reports while it runs.
#[async_trait]
pub trait Progress: Send + Sync {
    /// Shows a line to the person at the terminal; an empty one is not sent.
    async fn report(&self, text: String);
}

/// An action type.
///
/// A host calls `validate`, then `plan` with the plan in which the action stands, then `invoke`.
#[async_trait]
pub trait Action: Described {
    /// Checks what would be done; the configuration may hold unknowns.
    ///
    /// # Errors
    /// With every problem found; they stop the plan.
    async fn plan(&self, _context: &Context, _config: &Value) -> Result<Done<()>, Diagnostics> {
        Ok(().into())
    }

    /// Does it; the configuration is wholly known, and defaults are filled in.
    /// The context is cancelled when the host asks to stop or goes away.
    ///
    /// # Errors
    /// With every problem found.
    async fn invoke(&self, context: &Context, config: Value, progress: &dyn Progress) -> Result<Done<()>, Diagnostics>;
}
