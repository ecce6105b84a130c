//! What the server asks of a data source type.

use super::described::Described;
use super::diag::Diagnostics;
use super::done::Done;
use super::resource::Context;
use super::value::Value;
use async_trait::async_trait;

/// A data source type.
#[async_trait]
pub trait DataSource: Described {
    /// Reads it; the configuration is wholly known, and defaults are filled in.
    ///
    /// # Errors
    /// With every problem found.
    async fn read(&self, context: &Context, config: Value) -> Result<Done<Value>, Diagnostics>;
}
