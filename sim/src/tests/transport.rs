//! The port: compression, TLS, the log, and what goes wrong on purpose.

use super::client::{Client, Signer, path, resource};
use crate::faults::{Action, Fault};
use crate::{Options, Request, Sim};
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::state_client::StateClient;
use omni_proto::specs::MachineClassSpec;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

const CLASS: &str = "MachineClasses.omni.sidero.dev";
const ME: &str = "CurrentUsers.omni.sidero.dev";

fn class(id: &str) -> pb::Resource {
    resource(CLASS, id, &MachineClassSpec { match_labels: vec!["a".into()], ..Default::default() })
}

async fn start() -> (Sim, Client) {
    let sim = Sim::start(Options::stepped()).await.unwrap();
    let client = Client::new(&sim).await;
    (sim, client)
}

#[tokio::test]
async fn gzip_both_ways() {
    let (_sim, mut client) = start().await;
    client.state = client.state.clone().send_compressed(Gzip).accept_compressed(Gzip);
    client.create(class("z"), "").await.unwrap();
    assert_eq!(client.list(CLASS, Default::default()).await.unwrap(), ["z"]);
}

#[tokio::test]
async fn tls_with_its_own_authority() {
    let sim = Sim::start(Options { tls: true, ..Options::stepped() }).await.unwrap();
    assert!(sim.endpoint().starts_with("https://127.0.0.1:"));
    let trusted = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(sim.ca_pem().unwrap()));
    let endpoint = Endpoint::from_shared(sim.endpoint().to_owned()).unwrap();
    let channel = endpoint.clone().tls_config(trusted).unwrap().connect().await.unwrap();
    let mut state = StateClient::new(channel);
    let signer = Signer::new(sim.service_account_key());
    let mut request = tonic::Request::new(pb::GetRequest {
        namespace: "virtual".into(),
        r#type: ME.into(),
        id: "current".into(),
        options: None,
    });
    signer.seal(&path("Get"), sim.store().time(), &mut request);
    state.get(request).await.unwrap();

    let other = Sim::start(Options { tls: true, ..Options::stepped() }).await.unwrap();
    let stranger = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(other.ca_pem().unwrap()));
    assert!(endpoint.tls_config(stranger).unwrap().connect().await.is_err(), "another authority vouches for nothing");
}

#[tokio::test]
async fn calls_are_logged_in_order() {
    let (sim, mut client) = start().await;
    client.create(class("a"), "").await.unwrap();
    sim.forget_requests();
    client.get(CLASS, "a").await.unwrap();
    client.list(CLASS, Default::default()).await.unwrap();
    client.teardown(CLASS, "a").await.unwrap();
    let call = |name: &str, id: &str| Request { method: path(name), kind: CLASS.into(), id: id.into() };
    assert_eq!(sim.requests(), [call("Get", "a"), call("List", ""), call("Teardown", "a")]);
    assert_eq!(sim.requests()[0].name(), "Get");
}

#[tokio::test]
async fn faults_before_and_after_the_work() {
    let (sim, mut client) = start().await;
    let there = |sim: &Sim, id: &str| sim.store().get(&crate::kinds::key(CLASS, id)).is_some();

    sim.faults().add(Fault::new("Create", Action::Refuse(Code::Unavailable, "busy".into())).of(CLASS));
    let status = client.create(class("a"), "").await.unwrap_err();
    assert_eq!((status.code(), status.message(), there(&sim, "a")), (Code::Unavailable, "busy", false));

    sim.faults().add(Fault::new("Create", Action::FailAfterwards(Code::Unavailable, "lost".into())));
    let status = client.create(class("a"), "").await.unwrap_err();
    assert_eq!((status.code(), status.message(), there(&sim, "a")), (Code::Unavailable, "lost", true));

    sim.faults().add(Fault::new("Create", Action::DropBefore));
    client.create(class("b"), "").await.unwrap_err();
    assert!(!there(&sim, "b"));

    sim.faults().add(Fault::new("Create", Action::DropAfterwards));
    client.create(class("b"), "").await.unwrap_err();
    assert!(there(&sim, "b"));

    sim.faults().add(Fault::new("Get", Action::Delay(Duration::from_millis(1))));
    client.get(CLASS, "b").await.unwrap();
    assert_eq!(sim.faults().left(), 0);
}

#[tokio::test]
async fn a_list_breaks_in_the_middle() {
    let (sim, mut client) = start().await;
    for id in ["a", "b", "c"] {
        client.create(class(id), "").await.unwrap();
    }
    sim.faults().add("List of MachineClasses break 2".parse().unwrap());
    let message = pb::ListRequest { namespace: "default".into(), r#type: CLASS.into(), options: None };
    let request = client.request("List", message);
    let mut stream = client.state.list(request).await.unwrap().into_inner();
    for _ in 0..2 {
        stream.message().await.unwrap().unwrap();
    }
    let status = stream.message().await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "the stream was broken on purpose"));
    assert_eq!(client.list(CLASS, Default::default()).await.unwrap(), ["a", "b", "c"], "the next one is whole");
}

#[tokio::test]
async fn an_update_comes_second() {
    let (sim, mut client) = start().await;
    client.create(class("a"), "").await.unwrap();
    sim.faults().add("Update conflict".parse().unwrap());
    let read = client.get(CLASS, "a").await.unwrap();
    let status = client.update(read, "", None).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("update conflict"), "{status}");
    let read = client.get(CLASS, "a").await.unwrap();
    client.update(read, "", None).await.unwrap();
}

#[tokio::test]
async fn a_server_goes_and_comes_back() {
    let (sim, mut client) = start().await;
    sim.leave(Some(Duration::from_secs(60))).await;
    let refused = Endpoint::from_shared(sim.endpoint().replace("grpc", "http")).unwrap();
    client.get(ME, "current").await.unwrap_err();
    assert!(refused.connect().await.is_err(), "nothing listens");
    sim.advance(Duration::from_secs(59));
    assert!(refused.connect().await.is_err(), "its time is not over");
    sim.advance(Duration::from_secs(1));
    back(&refused).await;
    sim.leave(None).await;
    sim.come_back();
    back(&refused).await;
    sim.faults().add("Get gone 60s".parse().unwrap());
    Client::new(&sim).await.get(ME, "current").await.unwrap_err();
    sim.come_back();
    back(&refused).await;
    Client::new(&sim).await.get(ME, "current").await.unwrap();
}

/// Waits until something listens again.
async fn back(endpoint: &Endpoint) {
    while endpoint.connect().await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_handshake_is_refused() {
    let sim = Sim::start(Options { tls: true, ..Options::stepped() }).await.unwrap();
    sim.faults().add("Handshake refuse".parse().unwrap());
    let trusted = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(sim.ca_pem().unwrap()));
    let endpoint = Endpoint::from_shared(sim.endpoint().to_owned()).unwrap().tls_config(trusted).unwrap();
    let error = format!("{:?}", endpoint.connect().await.unwrap_err());
    assert!(error.contains("AlertReceived(HandshakeFailure)"), "{error}");
    endpoint.connect().await.unwrap();
}

/// A client that says nothing costs a connection, but not for ever; the clock of the test moves on by itself.
#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_let_go() {
    for tls in [false, true] {
        let options = Options { tls, handshake: Duration::from_mins(3), ..Options::stepped() };
        let sim = Sim::start(options).await.unwrap();
        let address = sim.endpoint().rsplit('/').next().unwrap().to_owned();
        let mut silent = TcpStream::connect(&address).await.unwrap();
        let begin = tokio::time::Instant::now();
        assert_eq!(silent.read(&mut [0; 16]).await.unwrap_or(0), 0, "tls {tls}");
        let waited = begin.elapsed();
        assert!((Duration::from_mins(3)..Duration::from_mins(4)).contains(&waited), "tls {tls}: {waited:?}");
    }
}

/// Browsers and curl are told what they have found.
#[tokio::test]
async fn who_speaks_no_grpc_is_told_so() {
    let (sim, _client) = start().await;
    let address = sim.endpoint().rsplit('/').next().unwrap().to_owned();
    for (path, kind) in
        [("/", ""), ("/api/omni.resources.ResourceService/List", "application/json"), ("/x", "application/grpc-web")]
    {
        let mut tcp = TcpStream::connect(&address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n");
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{path}: {answer}");
        assert!(
            answer.contains("content-type: text/plain") && answer.contains("This is omni-sim, a simulation"),
            "{answer}"
        );
    }
    assert_eq!(sim.requests(), [], "none of these is a call");
}

#[tokio::test]
async fn connections_break_and_others_are_welcome() {
    let (sim, mut client) = start().await;
    let message = pb::WatchRequest { namespace: "default".into(), r#type: CLASS.into(), ..Default::default() };
    let request = client.request("Watch", message);
    let mut watch = client.state.watch(request).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    sim.drop_connections();
    assert!(watch.message().await.is_err(), "the watch breaks");
    Client::new(&sim).await.get(ME, "current").await.unwrap();
}

#[tokio::test]
async fn a_stopped_server_frees_its_port() {
    let (sim, mut client) = start().await;
    let listen = sim.endpoint().trim_start_matches("grpc://").parse().unwrap();
    sim.stop().await;
    client.get(ME, "current").await.unwrap_err();
    let again = Sim::start(Options { listen, ..Options::stepped() }).await.unwrap();
    Client::new(&again).await.get(ME, "current").await.unwrap();
    let taken = Sim::start(Options { listen, ..Options::stepped() }).await.unwrap_err();
    assert!(taken.to_string().contains("cannot listen on 127.0.0.1:"), "{taken}");
}
