//! ImportResourceState: imports an existing object; the host reads it right after.

use super::Server;
use super::coding::{decode_identity, encode, encode_identity, settle};
use super::deferral;
use super::state::without_identity;
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::plan::drop_write_only;
use crate::tf::resource::ImportBy;
use omni_proto::tfplugin6::import_resource_state::{ImportedResource, Request, Response};

/// Imports by ID or by identity.
pub(super) async fn import(server: &Server, request: Request) -> Result<Response, Diagnostics> {
    let name = &request.type_name;
    let managed = server.registry().resource(name)?;
    let context = server.context(request.client_capabilities.as_ref());
    let identity = match &request.identity {
        Some(_) if managed.identity().is_none() && request.id.is_empty() => return Err(without_identity(name).into()),
        data => decode_identity(data.as_ref(), managed.identity(), name)?,
    };
    let by = match &identity {
        Some(identity) if request.id.is_empty() => ImportBy::Identity(identity.clone()),
        _ => ImportBy::Id(request.id.clone()),
    };

    if let Some(deferral) = server.waits(&context) {
        return Ok(Response { deferred: Some(deferral.to_proto()), ..Default::default() });
    }
    let mut outcome = managed.item.import(&context, by).await;
    let deferred = deferral(&context, outcome.deferral, &format!("`{name}`"), &mut outcome.diags);
    let imported = match outcome.state {
        None => {
            if !outcome.diags.has_errors() {
                outcome.diags.push(not_found(name));
            }
            None
        }
        Some(mut state) => {
            // A deferred result may have unknown values.
            if deferred.is_none() {
                settle(&mut state, &format!("`{name}`"), &mut outcome.diags);
            }
            drop_write_only(&managed.item.schema().attributes, &mut state);
            // An import by identity must return an identity.
            let identity = outcome.identity.or(identity);
            Some(ImportedResource {
                type_name: name.clone(),
                state: Some(encode(&state, managed.of(), &format!("the imported state of `{name}`"))?),
                private: outcome.private.to_bytes(),
                identity: encode_identity(identity.as_ref(), managed.identity(), name)?,
            })
        }
    };
    Ok(Response { imported_resources: imported.into_iter().collect(), diagnostics: outcome.diags.to_proto(), deferred })
}

fn not_found(name: &str) -> Diagnostic {
    Diagnostic::error(format!("Nothing to import as `{name}`"), "There is no such object.").hint("Check its name.")
}
