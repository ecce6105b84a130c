//! What the server asks of a data source type.

use super::diag::Diagnostics;
use super::resource::Context;
use super::schema::Schema;
use super::value::Value;
use async_trait::async_trait;

/// A data source type.
#[async_trait]
pub trait DataSource: Send + Sync {
    /// Its full name: `omni_machines`.
    fn type_name(&self) -> &'static str;

    /// Its schema.
    fn schema(&self) -> &Schema;

    /// Checks beyond the schema's own; the configuration may hold unknowns and the provider may be unconfigured.
    async fn validate(&self, _context: &Context, _config: &Value, _diags: &mut Diagnostics) {}

    /// Reads it; the configuration is wholly known, and defaults are filled in.
    ///
    /// # Errors
    /// With every problem found.
    async fn read(&self, context: &Context, config: Value) -> Result<Value, Diagnostics>;
}
