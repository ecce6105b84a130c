//! The service as a host meets it: a gRPC client, the real server, and a small provider made for the purpose.

mod actions;
mod changes;
mod checks;
mod deferral;
mod faults;
mod fleeting;
mod fuzz;
mod lists;
mod moves;
mod provider;
mod reads;
mod stored;
mod unsupported;
mod vault;

use super::Server;
use crate::tf::value::{Type, Value};
use crate::tf::{plugin, wire};
use hyper_util::rt::TokioIo;
use omni_proto::tfplugin6 as pb;
use omni_proto::tfplugin6::provider_client::ProviderClient;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

const LARGEST: usize = 256 * 1024 * 1024;

/// A client that is connected to a fresh server of the test provider.
async fn host() -> ProviderClient<Channel> {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = Arc::new(Server::new(provider::new));
    let services = plugin::services(server, &CancellationToken::new()).await;
    tokio::spawn(services.serve_with_incoming(tokio_stream::once(Ok::<_, std::io::Error>(theirs))));
    let mut ours = Some(ours);
    let connect = tower::service_fn(move |_| {
        let stream = ours.take().map(TokioIo::new);
        async move { stream.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected)) }
    });
    let channel = Endpoint::from_static("http://localhost").connect_with_connector(connect).await.unwrap();
    ProviderClient::new(channel).max_decoding_message_size(LARGEST).max_encoding_message_size(LARGEST)
}

fn wired(value: &Value, of: &Type) -> Option<pb::DynamicValue> {
    Some(wire::encode(value, of).unwrap())
}

fn read_back(value: Option<&pb::DynamicValue>, of: &Type) -> Value {
    wire::decode(value, of).unwrap()
}

/// The state or configuration of the test resource: everything null but these.
fn thing(attributes: &[(&str, Value)]) -> Value {
    let mut thing = provider::thing_schema().null_object();
    attributes.iter().for_each(|(name, value)| thing.set(name, value.clone()));
    thing
}

fn thing_type() -> Type {
    provider::thing_schema().object_type()
}

fn wired_thing(value: &Value) -> Option<pb::DynamicValue> {
    wired(value, &thing_type())
}

fn read_thing(value: Option<&pb::DynamicValue>) -> Value {
    read_back(value, &thing_type())
}

fn identity_type() -> Type {
    provider::thing_identity().object_type()
}

fn wired_identity(id: &str) -> Option<pb::ResourceIdentityData> {
    Some(pb::ResourceIdentityData { identity_data: wired(&Value::object([("id", id.into())]), &identity_type()) })
}

/// The id in an identity.
fn id_of(data: Option<&pb::ResourceIdentityData>) -> String {
    let identity = read_back(data.unwrap().identity_data.as_ref(), &identity_type());
    identity.get("id").as_str().unwrap().to_owned()
}

/// The summaries of the errors.
fn errors(diagnostics: &[pb::Diagnostic]) -> Vec<&str> {
    let errors = diagnostics.iter().filter(|d| d.severity() == pb::diagnostic::Severity::Error);
    errors.map(|d| d.summary.as_str()).collect()
}

/// The attribute that a diagnostic blames, when it is one at the top.
fn blamed(diagnostic: &pb::Diagnostic) -> Option<&str> {
    match diagnostic.attribute.as_ref()?.steps.first()?.selector.as_ref()? {
        pb::attribute_path::step::Selector::AttributeName(name) => Some(name),
        _ => None,
    }
}

/// A plan of a resource that is not there yet.
async fn plan_create(host: &mut ProviderClient<Channel>, config: &Value) -> pb::plan_resource_change::Response {
    plan(host, &Value::Null, config, config).await
}

async fn plan(
    host: &mut ProviderClient<Channel>,
    prior: &Value,
    proposed: &Value,
    config: &Value,
) -> pb::plan_resource_change::Response {
    let request = pb::plan_resource_change::Request {
        type_name: provider::THING.into(),
        prior_state: wired_thing(prior),
        proposed_new_state: wired_thing(proposed),
        config: wired_thing(config),
        prior_private: br#"{"from":"state"}"#.to_vec(),
        prior_identity: if prior.is_null() { None } else { wired_identity("id-a") },
        ..Default::default()
    };
    host.plan_resource_change(request).await.unwrap().into_inner()
}

async fn apply(
    host: &mut ProviderClient<Channel>,
    prior: &Value,
    planned: &Value,
    config: &Value,
) -> pb::apply_resource_change::Response {
    let request = pb::apply_resource_change::Request {
        type_name: provider::THING.into(),
        prior_state: wired_thing(prior),
        planned_state: wired_thing(planned),
        config: wired_thing(config),
        planned_private: br#"{"from":"plan"}"#.to_vec(),
        ..Default::default()
    };
    host.apply_resource_change(request).await.unwrap().into_inner()
}
