//! What every type of a provider has that takes a configuration: a name, a schema, and checks beyond the schema.

use super::diag::Diagnostics;
use super::resource::Context;
use super::schema::Schema;
use super::value::Value;
use async_trait::async_trait;

/// A type with a configuration: a resource, a data source, an ephemeral resource, a list resource or an action.
#[async_trait]
pub trait Described: Send + Sync {
    /// Its full name: `omni_cluster`.
    fn type_name(&self) -> &'static str;

    /// The schema of its configuration, and of its state where it has one.
    fn schema(&self) -> &Schema;

    /// Checks beyond the schema's own; the configuration may hold unknowns and the provider may be unconfigured.
    async fn validate(&self, _context: &Context, _config: &Value, _diags: &mut Diagnostics) {}
}
