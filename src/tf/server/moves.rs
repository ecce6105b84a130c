//! MoveResourceState: the state of an object that a `moved` block brings from another provider.
//!
//! A host calls it for another type, and for the same type under another provider address, such as that of a fork.
//! The address is a full one, or, from some releases of OpenTofu, only the local name of the provider.

use super::Server;
use super::coding::encode;
use super::state::{parse, typed};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::plan::drop_write_only;
use crate::tf::schema::Schema;
use omni_proto::tfplugin6::move_resource_state::{Request, Response};

/// Converts state of the same type as an upgrade does, and that of another type as the target says.
pub(super) fn moved(server: &Server, request: &Request) -> Result<Response, Diagnostics> {
    let target = &request.target_type_name;
    let managed = server.registry().resource(target)?;
    let source = &request.source_type_name;
    let converted = managed.item.schema().moves.iter().find(|(from, _)| from == source).map(|(_, convert)| convert);
    if (source != target && converted.is_none()) || !is_namesake(&request.source_provider_address, target) {
        return Err(refused(request, managed.item.schema()).into());
    }
    let what = format!("the state of `{source}` that is moved to `{target}`");
    let mut stored = parse(request.source_state.as_ref(), &what)?;
    match converted {
        Some(convert) => convert(&mut stored)?,
        None => stored = managed.item.upgrade(request.source_schema_version, stored)?,
    }
    let mut state = typed(stored, managed.of(), &what)?;
    drop_write_only(&managed.item.schema().attributes, &mut state);
    // Private state of another provider means nothing here; the next read writes ours.
    Ok(Response { target_state: Some(encode(&state, managed.of(), &what)?), ..Default::default() })
}

/// Whether the provider of this address has the name that the types begin with.
fn is_namesake(address: &str, target: &str) -> bool {
    let name = address.rsplit('/').next().unwrap_or_default();
    target.split_once('_').is_some_and(|(prefix, _)| prefix == name)
}

fn refused(request: &Request, schema: &Schema) -> Diagnostic {
    let others: Vec<_> = schema.moves.iter().map(|(name, _)| format!("`{name}`")).collect();
    let types = match others.as_slice() {
        [] => "the same type".to_owned(),
        others => format!("the same type and of {}", others.join(", ")),
    };
    let Request { source_type_name: source, source_provider_address: from, target_type_name: target, .. } = request;
    Diagnostic::error(
        format!("`{source}` cannot be moved to `{target}`"),
        format!("The source is `{source}` of the provider `{from}`. `{target}` takes over the state of {types}, of a provider of the same name."),
    )
    .hint("Remove the `moved` block. To keep the object, add a `removed` block with `destroy = false` for the source and an `import` block for the target.")
}
