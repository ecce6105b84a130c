//! What the server asks of the provider as a whole.

use super::action::Action;
use super::data_source::DataSource;
use super::diag::Diagnostics;
use super::ephemeral::Ephemeral;
use super::function::Function;
use super::list_resource::ListResource;
use super::resource::{Context, Resource};
use super::schema::Schema;
use super::value::Value;
use async_trait::async_trait;
use std::sync::Arc;

/// A provider: its own configuration and the types that it offers.
/// Resources and data sources reach what `configure` set up through a handle of their own.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The schema of the provider block.
    fn schema(&self) -> &Schema;

    /// Checks of the provider block beyond the schema's own; it may hold unknowns.
    async fn validate(&self, _context: &Context, _config: &Value, _diags: &mut Diagnostics) {}

    /// Takes the provider block; in a plan it may hold unknowns. Called again in a process that serves several runs.
    async fn configure(&self, context: &Context, config: Value, terraform_version: &str) -> Diagnostics;

    /// The managed resource types.
    fn resources(&self) -> &[Arc<dyn Resource>];

    /// The data source types.
    fn data_sources(&self) -> &[Arc<dyn DataSource>];

    /// The ephemeral resource types.
    fn ephemerals(&self) -> &[Arc<dyn Ephemeral>] {
        &[]
    }

    /// The list resource types; each has the name of a managed type with identities.
    fn list_resources(&self) -> &[Arc<dyn ListResource>] {
        &[]
    }

    /// The action types.
    fn actions(&self) -> &[Arc<dyn Action>] {
        &[]
    }

    /// The functions; they work without `configure`.
    fn functions(&self) -> &[Arc<dyn Function>] {
        &[]
    }
}
