//! ReadResource: refreshes an object.

use super::Server;
use super::coding::{decode, decode_identity, encode, encode_identity, settle};
use super::deferral;
use super::plan::CONFIGURED;
use crate::tf::diag::Diagnostics;
use crate::tf::plan::{Configured, drop_write_only, keep_same};
use crate::tf::resource::{Private, Read};
use crate::tf::value::Value;
use omni_proto::tfplugin6::read_resource::{Request, Response};

/// Refreshes an object; one that no longer exists has a null state.
pub(super) async fn read(server: &Server, request: Request) -> Result<Response, Diagnostics> {
    let name = &request.type_name;
    let managed = server.registry().resource(name)?;
    let of = managed.of();
    let context = server.context(request.client_capabilities.as_ref());
    let state = decode(request.current_state.as_ref(), of, &format!("the current state of `{name}`"))?;
    let identity = decode_identity(request.current_identity.as_ref(), managed.identity(), name)?;
    if state.is_null() {
        return Ok(Response { new_state: request.current_state, private: request.private, ..Default::default() });
    }

    if let Some(deferral) = server.waits(&context) {
        return Ok(Response {
            new_state: request.current_state,
            private: request.private,
            new_identity: request.current_identity,
            deferred: Some(deferral.to_proto()),
            ..Default::default()
        });
    }

    // A semantically equal string is no drift.
    let known = state.clone();
    let private = Private::from_bytes(&request.private);
    let mut outcome = managed.item.read(&context, Read { state, private, identity: identity.clone() }).await;
    if outcome.state.is_none() && outcome.diags.has_errors() {
        return Ok(Response {
            new_state: request.current_state,
            private: request.private,
            new_identity: request.current_identity,
            diagnostics: outcome.diags.to_proto(),
            ..Default::default()
        });
    }

    let mut state = outcome.state.unwrap_or(Value::Null);
    let deferred = deferral(&context, outcome.deferral, &format!("`{name}`"), &mut outcome.diags);
    // A deferred result may have unknown values.
    if deferred.is_none() {
        settle(&mut state, &format!("`{name}`"), &mut outcome.diags);
    }
    drop_write_only(&managed.item.schema().attributes, &mut state);
    let state = keep_same(managed.item.schema(), &known, state);
    if !state.is_null() && !outcome.diags.has_errors() && outcome.private.get::<Configured>(CONFIGURED).is_none() {
        outcome.private.set(CONFIGURED, Configured::default());
    }
    let identity = outcome.identity.or(identity).filter(|_| !state.is_null());
    Ok(Response {
        new_state: Some(encode(&state, of, &format!("the state of `{name}`"))?),
        private: outcome.private.to_bytes(),
        new_identity: encode_identity(identity.as_ref(), managed.identity(), name)?,
        diagnostics: outcome.diags.to_proto(),
        deferred,
    })
}
