//! GenerateResourceConfig: the configuration of an existing object, when a host writes one for an import or a query.

use super::Server;
use super::coding::{decode, encode};
use crate::tf::diag::Diagnostics;
use crate::tf::plan::configuration;
use omni_proto::tfplugin6::generate_resource_config::{Request, Response};

/// A query without the states of its results sends a null state, whose configuration is null.
pub(super) fn generate(server: &Server, request: &Request) -> Result<Response, Diagnostics> {
    let name = &request.type_name;
    let managed = server.registry().resource(name)?;
    let state = decode(request.state.as_ref(), managed.of(), &format!("the state of `{name}`"))?;
    let config = configuration(managed.item.schema(), &state);
    let config = encode(&config, managed.of(), &format!("the configuration of `{name}`"))?;
    Ok(Response { config: Some(config), ..Default::default() })
}
