//! Checks of configurations, and the provider's own configuration.

use super::Server;
use super::coding::decode;
use crate::tf::diag::Diagnostics;
use crate::tf::plan;
use omni_proto::tfplugin6::{
    configure_provider, validate_data_resource_config, validate_provider_config, validate_resource_config,
};
use std::sync::atomic::Ordering;

const BLOCK: &str = "the provider block";

/// ValidateProviderConfig; the block may have unknown values.
pub(super) async fn provider(
    server: &Server,
    request: validate_provider_config::Request,
) -> Result<validate_provider_config::Response, Diagnostics> {
    let provider = &server.registry().provider;
    let schema = provider.schema();
    let config = decode(request.config.as_ref(), &schema.object_type(), BLOCK)?;
    let context = server.context(None);
    let mut diagnostics = Diagnostics::new();
    plan::validate(schema, &config, context.write_only_allowed, &mut diagnostics);
    provider.validate(&context, &config, &mut diagnostics).await;
    Ok(validate_provider_config::Response { diagnostics: diagnostics.to_proto() })
}

/// ConfigureProvider.
pub(super) async fn configure(
    server: &Server,
    request: configure_provider::Request,
) -> Result<configure_provider::Response, Diagnostics> {
    let provider = &server.registry().provider;
    let config = decode(request.config.as_ref(), &provider.schema().object_type(), BLOCK)?;
    let context = server.context(request.client_capabilities.as_ref());
    server.write_only_allowed.store(context.write_only_allowed, Ordering::Relaxed);
    let diagnostics = provider.configure(&context, config, &request.terraform_version).await;
    Ok(configure_provider::Response { diagnostics: diagnostics.to_proto() })
}

/// ValidateResourceConfig.
pub(super) async fn resource(
    server: &Server,
    request: validate_resource_config::Request,
) -> Result<validate_resource_config::Response, Diagnostics> {
    let name = &request.type_name;
    let managed = server.registry().resource(name)?;
    let config = decode(request.config.as_ref(), managed.of(), &format!("the configuration of `{name}`"))?;
    let context = server.context(request.client_capabilities.as_ref());
    let diagnostics = managed.validate(&context, &config).await;
    Ok(validate_resource_config::Response { diagnostics: diagnostics.to_proto() })
}

/// ValidateDataResourceConfig.
pub(super) async fn data(
    server: &Server,
    request: validate_data_resource_config::Request,
) -> Result<validate_data_resource_config::Response, Diagnostics> {
    let name = &request.type_name;
    let data = server.registry().data_source(name)?;
    let config = decode(request.config.as_ref(), data.of(), &format!("the configuration of `{name}`"))?;
    let diagnostics = data.validate(&server.context(None), &config).await;
    Ok(validate_data_resource_config::Response { diagnostics: diagnostics.to_proto() })
}
