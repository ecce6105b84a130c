//! What the server does by itself, and what watchers see of it.

use super::client::{Client, resource, with};
use crate::{Mode, Options, Release, Sim, kinds};
use omni_proto::cosi::resource as pb;
use omni_proto::specs::{JoinTokenSpec, MachineClassSpec};
use std::time::Duration;
use tonic::Code;

const CLASS: &str = "MachineClasses.omni.sidero.dev";

fn class(id: &str) -> pb::Resource {
    resource(CLASS, id, &MachineClassSpec { match_labels: vec!["a".into()], ..Default::default() })
}

async fn settled(options: Options) -> (Sim, Client) {
    let sim = Sim::start(options).await.unwrap();
    sim.settle().unwrap();
    let client = Client::new(&sim).await;
    (sim, client)
}

#[tokio::test]
async fn the_server_takes_away_what_is_torn_down_and_free() {
    let (sim, mut client) = settled(Options::stepped()).await;
    client.create(class("free"), "").await.unwrap();
    client.create(with(class("held"), |m| m.finalizers = vec!["Holder".into()]), "").await.unwrap();
    client.create(class("owned"), "Somebody").await.unwrap();
    for id in ["free", "held", "owned"] {
        sim.store().teardown(&kinds::key(CLASS, id));
    }
    client.get(CLASS, "free").await.expect("nothing happens before a step");
    sim.settle().unwrap();
    assert_eq!(client.list(CLASS, Default::default()).await.unwrap(), ["held", "owned"]);
    sim.store().remove_finalizer(&kinds::key(CLASS, "held"), "Holder");
    sim.settle().unwrap();
    assert_eq!(client.list(CLASS, Default::default()).await.unwrap(), ["owned"]);
}

#[tokio::test]
async fn older_servers_and_other_types_leave_that_to_the_caller() {
    let (sim, mut client) = settled(Options { release: Release::V1_6, ..Options::stepped() }).await;
    client.create(class("stays"), "").await.unwrap();
    sim.store().teardown(&kinds::key(CLASS, "stays"));
    sim.settle().unwrap();
    client.destroy(CLASS, "stays", "").await.unwrap();

    let (sim, mut client) = settled(Options::stepped()).await;
    let token = kinds::key("JoinTokens.omni.sidero.dev", "secret");
    sim.store().put("", &token, |o| {
        o.spec = prost::Message::encode_to_vec(&JoinTokenSpec { name: "t".into(), ..Default::default() });
    });
    sim.store().teardown(&token);
    sim.settle().unwrap();
    client.get("JoinTokens.omni.sidero.dev", "secret").await.unwrap();
}

#[tokio::test]
async fn teardown_and_destroy_waits_for_finalizers() {
    let (sim, mut client) = settled(Options::stepped()).await;
    client.create(with(class("w"), |m| m.finalizers = vec!["Holder".into()]), "").await.unwrap();
    let mut changes = sim.store().subscribe();
    let waiting = tokio::spawn(client.teardown_and_destroy(CLASS, "w"));
    let torn = changes.next().await.unwrap();
    assert!(torn.new.as_ref().unwrap().tearing_down);
    assert!(!waiting.is_finished());
    sim.store().remove_finalizer(&kinds::key(CLASS, "w"), "Holder");
    waiting.await.unwrap().unwrap();
    assert_eq!(client.get(CLASS, "w").await.unwrap_err().code(), Code::NotFound);
    let gone = client.teardown_and_destroy(CLASS, "w").await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn a_teardown_was_an_update_at_first() {
    for (release, refused) in [(Release::V1_8, true), (Release::V1_9, false)] {
        let (sim, mut client) = settled(Options { release, ..Options::stepped() }).await;
        // As it may lie there from before the rules were what they are.
        sim.store().put("", &kinds::key(CLASS, "stale"), |object| {
            let spec = MachineClassSpec { match_labels: vec!["a b c".into()], ..Default::default() };
            object.spec = prost::Message::encode_to_vec(&spec);
        });
        sim.settle().unwrap();
        let answer = client.teardown(CLASS, "stale").await;
        assert_eq!(answer.as_ref().err().map(|status| status.code()), refused.then_some(Code::InvalidArgument));
        let missing = client.teardown(CLASS, "nosuch").await.unwrap_err();
        assert_eq!(missing.code(), Code::NotFound, "{release}");
    }
}

#[tokio::test]
async fn a_teardown_outlives_the_call_that_asked_for_it() {
    let (sim, mut client) = settled(Options::stepped()).await;
    client.create(with(class("w"), |m| m.finalizers = vec!["Holder".into()]), "").await.unwrap();
    let mut changes = sim.store().subscribe();
    let waiting = tokio::spawn(client.teardown_and_destroy(CLASS, "w"));
    changes.next().await.unwrap();
    waiting.abort();
    sim.store().remove_finalizer(&kinds::key(CLASS, "w"), "Holder");
    sim.settle().unwrap();
    assert_eq!(client.get(CLASS, "w").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn watchers_see_writes_as_they_happen() {
    let (sim, mut client) =
        settled(Options { mode: Mode::Auto { tick: Duration::from_millis(1) }, ..Options::default() }).await;
    let message = pb::WatchRequest {
        namespace: "default".into(),
        r#type: CLASS.into(),
        id: None,
        options: Some(pb::WatchOptions { bootstrap_contents: true, ..Default::default() }),
        api_version: 1,
    };
    let request = client.request("Watch", message);
    let mut watch = client.state.watch(request).await.unwrap().into_inner();
    assert!(watch.message().await.unwrap().unwrap().event.is_empty(), "the ready marker comes first");
    let mut next = async || {
        let event = watch.message().await.unwrap().unwrap().event.remove(0);
        let metadata = event.resource.clone().unwrap().metadata.unwrap();
        (event.event_type(), metadata.version, event.old.is_some())
    };
    assert_eq!(next().await.0, pb::EventType::Bootstrapped);
    client.create(class("a"), "").await.unwrap();
    assert_eq!(next().await, (pb::EventType::Created, "1".to_owned(), false));
    assert!(client.teardown(CLASS, "a").await.unwrap());
    assert_eq!(next().await, (pb::EventType::Updated, "2".to_owned(), true));
    // Nobody destroys it: the server does, on its own timer.
    assert_eq!(next().await, (pb::EventType::Destroyed, "2".to_owned(), false));

    let hidden = pb::WatchRequest {
        namespace: "default".into(),
        r#type: "ClusterSecrets.omni.sidero.dev".into(),
        ..Default::default()
    };
    let request = client.request("Watch", hidden);
    assert_eq!(client.state.watch(request).await.err().unwrap().code(), Code::PermissionDenied);
    let computed = pb::WatchRequest {
        namespace: "virtual".into(),
        r#type: "CurrentUsers.omni.sidero.dev".into(),
        ..Default::default()
    };
    let request = client.request("Watch", computed);
    assert_eq!(client.state.watch(request).await.err().unwrap().code(), Code::Unimplemented);
    sim.stop().await;
}
