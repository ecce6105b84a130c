//! The provider: the provider block, resources, data sources, and the engine behind them.
//! All of Terraform is accessed through [`crate::tf`], all of Omni through [`crate::omni`].

mod annotation;
pub(crate) mod check;
mod config;
mod connection;
pub(crate) mod dual;
pub(crate) mod duration;
pub(crate) mod engine;
pub(crate) mod errors;
mod export;
mod file;
mod functions;
pub(crate) mod handover;
mod host_command;
mod key_lock;
pub(crate) mod ledger;
pub(crate) mod lookup;
pub(crate) mod naming;
mod objects;
mod references;
mod refusals;
pub(crate) mod roles;
pub(crate) mod session;
pub(crate) mod since;
pub(crate) mod timeouts;
pub(crate) mod timestamp;
mod types;
pub(crate) mod view;
mod wait;

use crate::tf::action::Action;
use crate::tf::data_source::DataSource;
use crate::tf::diag::Diagnostics;
use crate::tf::done::Deferral;
use crate::tf::ephemeral::Ephemeral;
use crate::tf::function::Function;
use crate::tf::list_resource::ListResource;
use crate::tf::provider::Provider;
use crate::tf::resource::{Context, Resource};
use crate::tf::schema::Schema;
use crate::tf::value::Value;
use async_trait::async_trait;
use host_command::Host;
use kit::clock::{Clock, SystemClock};
use session::Handle;
use std::sync::Arc;
use types::Types;

struct Omni {
    schema: Schema,
    handle: Handle,
    clock: Arc<dyn Clock>,
    host: Arc<Host>,
    resources: Vec<Arc<dyn Resource>>,
    data_sources: Vec<Arc<dyn DataSource>>,
    ephemerals: Vec<Arc<dyn Ephemeral>>,
    list_resources: Vec<Arc<dyn ListResource>>,
    actions: Vec<Arc<dyn Action>>,
    functions: Vec<Arc<dyn Function>>,
}

/// The provider, not configured yet.
#[must_use]
pub fn new() -> Arc<dyn Provider> {
    with(Arc::new(SystemClock), Host::parent())
}

/// The provider with another clock than the machine's, and as a host starts it that was called with this command line;
/// an empty one stands for a host that does not show it.
#[must_use]
pub fn called_by(command: &[String], clock: Arc<dyn Clock>) -> Arc<dyn Provider> {
    with(clock, Host::called(command))
}

fn with(clock: Arc<dyn Clock>, host: Host) -> Arc<dyn Provider> {
    let handle = Handle::default();
    let Types { resources, data_sources, ephemerals, list_resources, actions, functions, .. } = Types::all(&handle);
    let host = Arc::new(host);
    Arc::new(Omni {
        schema: config::schema(),
        clock,
        host,
        resources,
        data_sources,
        ephemerals,
        list_resources,
        actions,
        functions,
        handle,
    })
}

#[async_trait]
impl Provider for Omni {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn validate(&self, _context: &Context, config: &Value, diags: &mut Diagnostics) {
        config::validate(config, diags);
    }

    async fn configure(&self, context: &Context, config: Value, terraform_version: &str) -> Diagnostics {
        let mut diags = Diagnostics::new();
        let state = config::configure(context, &config, terraform_version, (&self.clock, &self.host), &mut diags).await;
        self.handle.put(state);
        diags
    }

    fn deferral(&self) -> Option<Deferral> {
        self.handle.is_deferred().then_some(Deferral::ProviderConfigUnknown)
    }

    fn resources(&self) -> &[Arc<dyn Resource>] {
        &self.resources
    }

    fn data_sources(&self) -> &[Arc<dyn DataSource>] {
        &self.data_sources
    }

    fn ephemerals(&self) -> &[Arc<dyn Ephemeral>] {
        &self.ephemerals
    }

    fn list_resources(&self) -> &[Arc<dyn ListResource>] {
        &self.list_resources
    }

    fn actions(&self) -> &[Arc<dyn Action>] {
        &self.actions
    }

    fn functions(&self) -> &[Arc<dyn Function>] {
        &self.functions
    }
}
