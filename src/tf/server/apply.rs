//! ApplyResourceChange: creates, changes and removes objects.
//! Whatever goes wrong, the answer says what the host shall keep: losing track of an object is the worst outcome.

use super::Server;
use super::coding::{decode, decode_identity, encode, encode_identity, settle};
use crate::pb::tfplugin6::apply_resource_change::{Request, Response};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::plan::{drop_write_only, keep_same};
use crate::tf::resource::{Create, Delete, Outcome, Private, Update};
use crate::tf::value::Value;

/// Applies, and keeps the prior state when there is nothing better to keep.
pub(super) async fn apply(server: &Server, request: Request) -> Result<Response, Diagnostics> {
    let name = &request.type_name;
    let managed = server.registry().resource(name)?;
    let resource = &managed.resource;
    let of = managed.of();
    let context = server.context(None);
    let prior = decode(request.prior_state.as_ref(), of, &format!("the prior state of `{name}`"))?;
    let planned = decode(request.planned_state.as_ref(), of, &format!("the planned state of `{name}`"))?;
    let config = decode(request.config.as_ref(), of, &format!("the configuration of `{name}`"))?;
    let planned_identity = decode_identity(request.planned_identity.as_ref(), managed.identity(), name)?;
    let private = Private::from_bytes(&request.planned_private);

    let (deletes, creates) = (planned.is_null(), prior.is_null());
    // A text that was planned must come back as it was, also where the server writes it otherwise.
    let promised = planned.clone();
    let mut outcome = match (creates, deletes) {
        (true, true) => Outcome::default(),
        (false, true) => resource.delete(&context, Delete { prior: prior.clone(), private }).await,
        (true, false) => resource.create(&context, Create { planned, config, private }).await,
        (false, false) => resource.update(&context, Update { prior: prior.clone(), planned, config, private }).await,
    };

    if !deletes && outcome.state.is_none() && !outcome.diags.has_errors() {
        outcome.diags.push(
            Diagnostic::error(format!("The provider lost `{name}`"), "The provider reports success, but no object.")
                .hint("This is a bug of the provider. Please report it with the configuration that leads to it."),
        );
    }
    let kept = outcome.state.is_none() && outcome.diags.has_errors() && !creates;
    if kept {
        return Ok(Response {
            new_state: request.prior_state,
            private: request.planned_private,
            new_identity: request.planned_identity,
            diagnostics: outcome.diags.to_proto(),
            ..Default::default()
        });
    }

    let what = format!("the new state of `{name}`");
    let mut state = outcome.state.unwrap_or(Value::Null);
    settle(&mut state, &format!("`{name}`"), &mut outcome.diags);
    drop_write_only(&resource.schema().attributes, &mut state);
    let state = keep_same(resource.schema(), &promised, state);
    // Hosts refuse an object that came without its identity once it had one.
    let identity = outcome.identity.or(planned_identity.filter(Value::is_wholly_known)).filter(|_| !state.is_null());
    Ok(Response {
        new_state: Some(encode(&state, of, &what)?),
        private: outcome.private.to_bytes(),
        new_identity: encode_identity(identity.as_ref(), managed.identity(), name)?,
        diagnostics: outcome.diags.to_proto(),
        ..Default::default()
    })
}
