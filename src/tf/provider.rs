//! The trait of a provider: its configuration and its types.

use super::action::Action;
use super::data_source::DataSource;
use super::diag::Diagnostics;
use super::done::Deferral;
use super::ephemeral::Ephemeral;
use super::function::Function;
use super::list_resource::ListResource;
use super::resource::{Context, Resource};
use super::schema::Schema;
use super::value::Value;
use async_trait::async_trait;
use std::sync::Arc;

/// A provider: its configuration and the types that it offers.
///
/// A host asks for `schema` and the types, then calls `validate` and `configure`, then the types' methods.
/// `validate` of a type and functions are also called without `configure`.
/// The types share what `configure` sets up by a handle that their implementation holds.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The schema of the provider block.
    fn schema(&self) -> &Schema;

    /// Checks what the schema of the provider block cannot express; the block may have unknown values.
    async fn validate(&self, _context: &Context, _config: &Value, _diags: &mut Diagnostics) {}

    /// Configures the provider; in a plan the block may have unknown values.
    /// It is called again when one process serves several runs, and replaces the previous configuration.
    /// Errors make the host stop before it calls anything else.
    async fn configure(&self, context: &Context, config: Value, terraform_version: &str) -> Diagnostics;

    /// Why calls have to wait, where the host allows it: asked before each call that needs what `configure` sets up.
    /// The server then answers with the deferral, and asks no type but for its plan.
    fn deferral(&self) -> Option<Deferral> {
        None
    }

    /// The managed resource types, in any order; names are unique.
    fn resources(&self) -> &[Arc<dyn Resource>];

    /// The data source types.
    fn data_sources(&self) -> &[Arc<dyn DataSource>];

    /// The ephemeral resource types.
    fn ephemerals(&self) -> &[Arc<dyn Ephemeral>] {
        &[]
    }

    /// The list resource types; each has the name of a managed resource type with an identity schema.
    fn list_resources(&self) -> &[Arc<dyn ListResource>] {
        &[]
    }

    /// The action types.
    fn actions(&self) -> &[Arc<dyn Action>] {
        &[]
    }

    /// The functions; hosts call them without `configure`.
    fn functions(&self) -> &[Arc<dyn Function>] {
        &[]
    }
}
