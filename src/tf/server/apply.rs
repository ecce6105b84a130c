//! ApplyResourceChange: creates, updates and deletes objects.
//! Every response has the state that the host stores, also after errors: losing track of an object is the worst outcome.

use super::Server;
use super::coding::{decode, decode_identity, encode, encode_identity, settle};
use super::plan::CONFIGURED;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::plan::{Configured, drop_write_only, keep_promises, keep_same};
use crate::tf::resource::{Create, Delete, Outcome, Private, Update};
use crate::tf::value::Value;
use omni_proto::tfplugin6::apply_resource_change::{Request, Response};

/// Somebody was faster than the answer; a host would take it for a defect if the state said so now.
fn changed(path: Path) -> Diagnostic {
    Diagnostic::warning(
        format!("`{path}` was written, but has another value now"),
        "It was changed since, or the server stored another value. The state contains the planned value.",
    )
    .hint("Plan again to see its value.")
    .at(path)
}

/// Applies, and returns the prior state if there is no newer one.
pub(super) async fn apply(server: &Server, request: Request) -> Result<Response, Diagnostics> {
    let name = &request.type_name;
    let managed = server.registry().resource(name)?;
    let resource = &managed.item;
    let of = managed.of();
    let context = server.context(None);
    let prior = decode(request.prior_state.as_ref(), of, &format!("the prior state of `{name}`"))?;
    let planned = decode(request.planned_state.as_ref(), of, &format!("the planned state of `{name}`"))?;
    let config = decode(request.config.as_ref(), of, &format!("the configuration of `{name}`"))?;
    let planned_identity = decode_identity(request.planned_identity.as_ref(), managed.identity(), name)?;
    let private = Private::from_bytes(&request.planned_private);

    let (deletes, creates) = (planned.is_null(), prior.is_null());
    // Planned values must be returned unchanged, even if the server formats them differently.
    let promised = planned.clone();
    let mut outcome = match (creates, deletes) {
        (true, true) => Outcome::default(),
        (false, true) => resource.delete(&context, Delete { prior: prior.clone(), private }).await,
        (true, false) => resource.create(&context, Create { planned, config: config.clone(), private }).await,
        (false, false) => {
            resource.update(&context, Update { prior: prior.clone(), planned, config: config.clone(), private }).await
        }
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
    let mut state = keep_same(resource.schema(), &promised, state);
    if !deletes && !outcome.diags.has_errors() {
        let (kept, differing) = keep_promises(resource.schema(), &promised, &state);
        state = kept;
        differing.into_iter().for_each(|path| outcome.diags.push(changed(path)));
        outcome.private.set(CONFIGURED, Configured::of(resource.schema(), &config, &state));
    }
    // Hosts refuse a response without an identity for an object that had one.
    let identity = outcome.identity.or(planned_identity.filter(Value::is_wholly_known)).filter(|_| !state.is_null());
    Ok(Response {
        new_state: Some(encode(&state, of, &what)?),
        private: outcome.private.to_bytes(),
        new_identity: encode_identity(identity.as_ref(), managed.identity(), name)?,
        diagnostics: outcome.diags.to_proto(),
        ..Default::default()
    })
}
