//! The provider service of plugin protocol 6: one thin function for each RPC, implemented with the traits of the provider.
//! It knows no provider and no transport. A problem is always a diagnostic in the response, never a gRPC status.

mod action;
mod apply;
mod coding;
mod data;
mod ephemeral;
mod functions;
mod generate;
mod import;
mod list_resource;
mod moves;
mod plan;
mod read;
mod registry;
mod respond;
mod schema;
mod service;
mod state;
mod stream;
mod unsupported;
mod validate;

#[cfg(test)]
mod tests;

use super::diag::{Diagnostic, Diagnostics};
use super::done::Deferral;
use super::provider::Provider;
use super::resource::Context;
use super::schema::Schema;
use super::value::Value;
use omni_proto::tfplugin6::{ClientCapabilities, Deferred};
use registry::Registry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The server of a provider, which is created by the first call that needs it.
pub struct Server {
    make: Box<dyn Fn() -> Arc<dyn Provider> + Send + Sync>,
    registry: OnceLock<Registry>,
    /// Cancelled and replaced when the host asks to stop.
    running: Mutex<CancellationToken>,
    /// The client capability at the last ConfigureProvider; apply requests do not repeat it.
    write_only_allowed: AtomicBool,
    /// The open ephemeral resources.
    open: ephemeral::Open,
}

impl Server {
    /// A server of the provider that `make` returns.
    pub fn new(make: impl Fn() -> Arc<dyn Provider> + Send + Sync + 'static) -> Self {
        Self {
            make: Box::new(make),
            registry: OnceLock::new(),
            running: Mutex::new(CancellationToken::new()),
            write_only_allowed: AtomicBool::new(false),
            open: ephemeral::Open::default(),
        }
    }

    /// Closes the open ephemeral resources, within this time: an interrupted or killed host does not.
    pub async fn close_all(&self, limit: Duration) {
        ephemeral::close_all(self, limit).await;
    }

    /// Cancels the calls in progress; later calls are not affected.
    pub fn stop(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *running, CancellationToken::new()).cancel();
    }

    fn registry(&self) -> &Registry {
        self.registry.get_or_init(|| Registry::new((self.make)()))
    }

    fn context(&self, client: Option<&ClientCapabilities>) -> Context {
        let remembered = self.write_only_allowed.load(Ordering::Relaxed);
        Context {
            cancel: self.running.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            write_only_allowed: client.map_or(remembered, |c| c.write_only_attributes_allowed),
            deferral_allowed: client.is_some_and(|c| c.deferral_allowed),
        }
    }

    /// The deferral of every call, if there is one and the host allows it.
    fn waits(&self, context: &Context) -> Option<Deferral> {
        self.registry().provider.deferral().filter(|_| context.deferral_allowed)
    }
}

/// What is known of a result that is deferred: the configuration; what is computed is not known.
fn preliminary(schema: &Schema, mut config: Value) -> Value {
    for attribute in schema.attributes.iter().filter(|attribute| attribute.computed_mode()) {
        if config.get(attribute.name).is_null() {
            config.set(attribute.name, Value::UNKNOWN);
        }
    }
    config
}

/// Encodes a deferral; one that the host does not allow is an error.
fn deferral(
    context: &Context,
    deferral: Option<Deferral>,
    what: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Deferred> {
    let deferral = deferral?;
    if !context.deferral_allowed {
        diagnostics.push(
            Diagnostic::error(
                format!("The provider deferred {what}"),
                "The host does not allow it, so the values that are missing have to be known now.",
            )
            .hint("This is a bug of the provider. Please report it with the configuration that leads to it."),
        );
        return None;
    }
    Some(deferral.to_proto())
}
