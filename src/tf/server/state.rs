//! UpgradeResourceState and UpgradeResourceIdentity: stored state and identities for the current schema.
//! Hosts call them for every stored object at every read, also for the current version.

use super::Server;
use super::coding::encode;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::plan::drop_write_only;
use crate::tf::value::{Type, Value};
use crate::tf::wire;
use omni_proto::tfplugin6::{RawState, ResourceIdentityData, upgrade_resource_identity, upgrade_resource_state};
use serde_json::Map;

type Json = Map<String, serde_json::Value>;

/// UpgradeResourceState.
pub(super) fn state(
    server: &Server,
    request: upgrade_resource_state::Request,
) -> Result<upgrade_resource_state::Response, Diagnostics> {
    let name = &request.type_name;
    let managed = server.registry().resource(name)?;
    let what = format!("the stored state of `{name}`");
    let stored = parse(request.raw_state.as_ref(), &what)?;
    let stored = managed.item.upgrade(request.version, stored)?;
    let mut state = typed(stored, managed.of(), &what)?;
    drop_write_only(&managed.item.schema().attributes, &mut state);
    let upgraded_state = Some(encode(&state, managed.of(), &what)?);
    Ok(upgrade_resource_state::Response { upgraded_state, ..Default::default() })
}

/// UpgradeResourceIdentity.
pub(super) fn identity(
    server: &Server,
    request: upgrade_resource_identity::Request,
) -> Result<upgrade_resource_identity::Response, Diagnostics> {
    let name = &request.type_name;
    let managed = server.registry().resource(name)?;
    let of = managed.identity().ok_or_else(|| without_identity(name))?;
    let what = format!("the stored identity of `{name}`");
    let identity = typed(parse(request.raw_identity.as_ref(), &what)?, of, &what)?;
    let data = ResourceIdentityData { identity_data: Some(encode(&identity, of, &what)?) };
    Ok(upgrade_resource_identity::Response { upgraded_identity: Some(data), ..Default::default() })
}

pub(super) fn without_identity(name: &str) -> Diagnostic {
    Diagnostic::error(format!("`{name}` has no identity"), "Objects of this type cannot be named by identity.")
        .hint("Name the object by `id`.")
}

pub(super) fn parse(raw: Option<&RawState>, what: &str) -> Result<Json, Diagnostic> {
    let summary = || format!("Could not read {what}");
    match raw {
        Some(raw) if !raw.json.is_empty() => match wire::parse(&raw.json) {
            Ok(serde_json::Value::Object(members)) => Ok(members),
            Ok(_) => Err(Diagnostic::error(summary(), "It is no JSON object.")),
            Err(error) => Err(Diagnostic::from_error(summary(), &error)),
        },
        Some(raw) if !raw.flatmap.is_empty() => Err(Diagnostic::error(
            summary(),
            "It was written by Terraform 0.11 or older, in a form that is no longer read.",
        )
        .hint("Run `refresh` once with Terraform 0.12 or later and the older provider, then come back.")),
        _ => Err(Diagnostic::error(summary(), "The host sent nothing.")),
    }
}

pub(super) fn typed(json: Json, of: &Type, what: &str) -> Result<Value, Diagnostic> {
    wire::from_state_json(&serde_json::Value::Object(json), of).map_err(|error| {
        Diagnostic::from_error(format!("Could not read {what}"), &error)
            .hint("It may have been written by a newer version of the provider, or by hand.")
    })
}
