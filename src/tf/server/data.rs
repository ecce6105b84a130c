//! ReadDataSource: reads a data source.

use super::Server;
use super::coding::{decode, encode, settle};
use super::{deferral, preliminary};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::done::Done;
use crate::tf::plan;
use omni_proto::tfplugin6::read_data_source::{Request, Response};

/// Reads a data source; its configuration is wholly known.
pub(super) async fn read(server: &Server, request: Request) -> Result<Response, Diagnostics> {
    let name = &request.type_name;
    let data = server.registry().data_source(name)?;
    let context = server.context(request.client_capabilities.as_ref());
    let config = decode(request.config.as_ref(), data.of(), &format!("the configuration of `{name}`"))?;
    let config = plan::with_defaults(data.item.schema(), &config, &config);

    let done = match server.waits(&context) {
        Some(deferral) => Done::from(preliminary(data.item.schema(), config)).defer(deferral),
        None => data.item.read(&context, config).await?,
    };
    let (mut result, mut diagnostics) = (done.value, done.warnings);
    let deferred = deferral(&context, done.deferral, &format!("`{name}`"), &mut diagnostics);
    if result.is_null() {
        diagnostics.push(
            Diagnostic::error(format!("The provider found nothing for `{name}`"), "It reports success, but no result.")
                .hint("This is a bug of the provider. Please report it with the configuration that leads to it."),
        );
    }
    // A deferred result may have unknown values.
    if deferred.is_none() {
        settle(&mut result, &format!("`{name}`"), &mut diagnostics);
    }
    Ok(Response {
        state: Some(encode(&result, data.of(), &format!("the result of `{name}`"))?),
        diagnostics: diagnostics.to_proto(),
        deferred,
    })
}
