//! The acceptance of the EULA: by anybody, through ResourceService, once.

use super::client::{Client, channel};
use crate::names::kind;
use crate::{Options, Sim};
use omni_proto::cosi::resource as cosi;
use omni_proto::omni::resources as pb;
use omni_proto::omni::resources::resource_service_client::ResourceServiceClient;
use omni_proto::specs::EulaAcceptanceSpec;
use tonic::{Code, Request, Status};

const CREATE: &str = "/omni.resources.ResourceService/Create";
const ME: &str = "CurrentUsers.omni.sidero.dev";
const SPEC: &str = r#"{"accepted_by_name":"Jane","accepted_by_email":"jane@example.org"}"#;

fn unaccepted() -> Options {
    let world = Some("instance: {eula_accepted: false}".parse().unwrap());
    Options { world, machines: 0, ..Options::stepped() }
}

fn request(kind: &str, id: &str, spec: &str) -> Request<pb::CreateRequest> {
    let metadata =
        cosi::Metadata { namespace: "default".into(), r#type: kind.into(), id: id.into(), ..cosi::Metadata::default() };
    let resource = Some(pb::Resource { metadata: Some(metadata), spec: spec.into() });
    let mut request = Request::new(pb::CreateRequest { resource });
    request.metadata_mut().insert("runtime", "Omni".parse().unwrap());
    request
}

async fn send(sim: &Sim, request: Request<pb::CreateRequest>) -> Result<(), Status> {
    ResourceServiceClient::new(channel(sim).await).create(request).await.map(drop)
}

fn refused(answer: Result<(), Status>, code: Code, text: &str) {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), code, "{status:?}");
    assert!(status.message().contains(text), "{status:?}");
}

#[tokio::test]
async fn anybody_accepts_it_once() {
    let sim = Sim::start(unaccepted()).await.unwrap();
    let mut client = Client::new(&sim).await;
    assert_eq!(client.get(ME, "current").await.unwrap_err().code(), Code::FailedPrecondition);
    // No other type passes.
    let class = request(kind::MACHINE_CLASS, "c", r#"{"match_labels":["a"]}"#);
    refused(send(&sim, class).await, Code::FailedPrecondition, "EULA has not been accepted");
    let nameless = request(kind::EULA_ACCEPTANCE, "eula", r#"{"accepted_by_email":"a@b.c"}"#);
    refused(send(&sim, nameless).await, Code::InvalidArgument, "name is required when accepting the EULA");

    send(&sim, request(kind::EULA_ACCEPTANCE, "eula", SPEC)).await.unwrap();
    client.get(ME, "current").await.unwrap();
    let stored = sim.store().get(&crate::eula::key()).unwrap();
    assert_eq!((stored.version, stored.spec::<EulaAcceptanceSpec>().accepted_by_name.as_str()), (1, "Jane"));
    let again = send(&sim, request(kind::EULA_ACCEPTANCE, "eula", SPEC)).await;
    refused(again, Code::InvalidArgument, "EULA has already been accepted");
}

#[tokio::test]
async fn other_types_need_a_signature() {
    let sim = Sim::start(Options::stepped()).await.unwrap();
    let class = || request(kind::MACHINE_CLASS, "c", r#"{"match_labels":["a"]}"#);
    refused(send(&sim, class()).await, Code::Unauthenticated, "unauthenticated: missing valid signature");
    let client = Client::new(&sim).await;
    let mut signed = class();
    client.signer.seal(CREATE, client.now(), &mut signed);
    send(&sim, signed).await.unwrap();
    assert!(sim.store().get(&crate::kinds::key(kind::MACHINE_CLASS, "c")).is_some());
    let mut aimless = class();
    aimless.metadata_mut().remove("runtime");
    client.signer.seal(CREATE, client.now(), &mut aimless);
    refused(send(&sim, aimless).await, Code::InvalidArgument, "missing runtime metadata");
}

#[tokio::test]
async fn an_acceptance_survives_a_restart_and_so_does_its_absence() {
    let folder = tempfile::tempdir().unwrap();
    let on = || Options { data: Some(folder.path().to_owned()), tls: false, ..unaccepted() };
    Sim::start(on()).await.unwrap().stop().await;
    let sim = Sim::start(on()).await.unwrap();
    assert!(sim.store().get(&crate::eula::key()).is_none());
    send(&sim, request(kind::EULA_ACCEPTANCE, "eula", SPEC)).await.unwrap();
    sim.stop().await;
    let sim = Sim::start(on()).await.unwrap();
    let stored = sim.store().get(&crate::eula::key()).unwrap();
    assert_eq!(stored.spec::<EulaAcceptanceSpec>().accepted_by_name, "Jane");
}
