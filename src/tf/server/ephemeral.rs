//! Ephemeral resources: validated, opened, renewed and closed.

use super::Server;
use super::coding::{decode, encode, settle};
use super::{deferral, preliminary};
use crate::tf::diag::Diagnostics;
use crate::tf::plan;
use crate::tf::resource::Private;
use omni_proto::tfplugin6::{
    close_ephemeral_resource, open_ephemeral_resource, renew_ephemeral_resource, validate_ephemeral_resource_config,
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The open resources: type and private data. One without private data needs no closing.
#[derive(Default)]
pub(super) struct Open(Mutex<Vec<(String, Vec<u8>)>>);

impl Open {
    fn lock(&self) -> MutexGuard<'_, Vec<(String, Vec<u8>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, name: &str, private: Option<&[u8]>) {
        self.lock().extend(private.map(|private| (name.to_owned(), private.to_vec())));
    }

    fn remove(&self, name: &str, private: Option<&[u8]>) {
        let mut all = self.lock();
        if let Some(at) = all.iter().position(|(of, kept)| of == name && Some(kept.as_slice()) == private) {
            all.swap_remove(at);
        }
    }
}

/// An ephemeral block.
pub(super) async fn validate(
    server: &Server,
    request: validate_ephemeral_resource_config::Request,
) -> Result<validate_ephemeral_resource_config::Response, Diagnostics> {
    let name = &request.type_name;
    let entry = server.registry().ephemeral(name)?;
    let config = decode(request.config.as_ref(), entry.of(), &format!("the configuration of `{name}`"))?;
    let context = server.context(None);
    let diagnostics = entry.validate(&context, &config).await;
    Ok(validate_ephemeral_resource_config::Response { diagnostics: diagnostics.to_proto() })
}

/// Opens the resource; its configuration is wholly known.
pub(super) async fn open(
    server: &Server,
    request: open_ephemeral_resource::Request,
) -> Result<open_ephemeral_resource::Response, Diagnostics> {
    let name = &request.type_name;
    let entry = server.registry().ephemeral(name)?;
    let context = server.context(request.client_capabilities.as_ref());
    let config = decode(request.config.as_ref(), entry.of(), &format!("the configuration of `{name}`"))?;
    let given = plan::with_defaults(entry.item.schema(), &config, &config);

    if let Some(deferral) = server.waits(&context) {
        // Nothing is open that would have to be closed.
        let value = preliminary(entry.item.schema(), given);
        return Ok(open_ephemeral_resource::Response {
            result: Some(encode(&value, entry.of(), &format!("the value of `{name}`"))?),
            deferred: Some(deferral.to_proto()),
            ..Default::default()
        });
    }
    let done = entry.item.open(&context, given).await?;
    let (mut opened, mut diagnostics) = (done.value, done.warnings);
    let deferred = deferral(&context, done.deferral, &format!("`{name}`"), &mut diagnostics);
    // A deferred result may have unknown values.
    if deferred.is_none() {
        settle(&mut opened.value, &format!("`{name}`"), &mut diagnostics);
    }
    let result = match encode(&opened.value, entry.of(), &format!("the value of `{name}`")) {
        Ok(result) if !diagnostics.has_errors() => result,
        unusable => {
            diagnostics.extend(unusable.err().into_iter().collect());
            // Hosts close only what was opened without errors.
            if let Err(more) = entry.item.close(&context, opened.private).await {
                diagnostics.extend(more);
            }
            return Err(diagnostics);
        }
    };
    let private = bytes(&opened.private);
    server.open.add(name, private.as_deref());
    Ok(open_ephemeral_resource::Response {
        result: Some(result),
        private,
        renew_at: opened.renew_at.and_then(timestamp),
        diagnostics: diagnostics.to_proto(),
        deferred,
    })
}

/// Renews the value.
pub(super) async fn renew(
    server: &Server,
    request: renew_ephemeral_resource::Request,
) -> Result<renew_ephemeral_resource::Response, Diagnostics> {
    let entry = server.registry().ephemeral(&request.type_name)?;
    let done = entry.item.renew(&server.context(None), stored(request.private.as_deref())).await?;
    let renewed = done.value;
    let private = bytes(&renewed.private);
    server.open.remove(&request.type_name, request.private.as_deref());
    server.open.add(&request.type_name, private.as_deref());
    Ok(renew_ephemeral_resource::Response {
        private,
        renew_at: renewed.renew_at.and_then(timestamp),
        diagnostics: done.warnings.to_proto(),
    })
}

/// Closes the resource. It is not cancelled when the host asks to stop: nothing else cleans up.
pub(super) async fn close(
    server: &Server,
    request: close_ephemeral_resource::Request,
) -> Result<close_ephemeral_resource::Response, Diagnostics> {
    let entry = server.registry().ephemeral(&request.type_name)?;
    let closed = entry.item.close(&server.context(None), stored(request.private.as_deref())).await;
    // A failed closing is retried when the process exits.
    let done = closed?;
    server.open.remove(&request.type_name, request.private.as_deref());
    Ok(close_ephemeral_resource::Response { diagnostics: done.warnings.to_proto() })
}

/// Closes the open resources. The host is gone, so errors are logged.
pub(super) async fn close_all(server: &Server, limit: Duration) {
    let left = std::mem::take(&mut *server.open.lock());
    let closing = left.into_iter().map(|(name, private)| async move {
        let Ok(entry) = server.registry().ephemeral(&name) else { return };
        tracing::debug!(name, "closing what the host has left open");
        let closed = entry.item.close(&server.context(None), stored(Some(&private))).await;
        let said = closed.map_or_else(|failed| failed, |done| done.warnings);
        for problem in said.iter() {
            tracing::error!(name, "{}: {}", problem.summary, problem.text());
        }
    });
    if tokio::time::timeout(limit, futures_util::future::join_all(closing)).await.is_err() {
        tracing::error!("the process ends before everything that was open is closed");
    }
}

fn stored(private: Option<&[u8]>) -> Private {
    Private::from_bytes(private.unwrap_or_default())
}

fn bytes(private: &Private) -> Option<Vec<u8>> {
    Some(private.to_bytes()).filter(|bytes| !bytes.is_empty())
}

fn timestamp(at: Duration) -> Option<prost_types::Timestamp> {
    let nanos = i32::try_from(at.subsec_nanos()).ok()?;
    Some(prost_types::Timestamp { seconds: i64::try_from(at.as_secs()).ok()?, nanos })
}
