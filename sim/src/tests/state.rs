//! What calls of State answer, word for word where a real server's answer is known.

use super::client::{Client, path, resource, with};
use crate::{Options, Release, Role, Sim, kinds};
use omni_proto::cosi::resource as pb;
use omni_proto::specs::machine_class_spec::Provision;
use omni_proto::specs::{ConfigPatchSpec, InfraProviderStatusSpec, MachineClassSpec, MachineLabelsSpec, PublicKeySpec};
use prost::Message;
use std::time::Duration;
use tonic::{Code, Status};

const CLASS: &str = "MachineClasses.omni.sidero.dev";
const LABELS: &str = "MachineLabels.omni.sidero.dev";

fn class(id: &str) -> pb::Resource {
    resource(CLASS, id, &MachineClassSpec { match_labels: vec!["a = b".into()], ..Default::default() })
}

async fn start() -> (Sim, Client) {
    let sim = Sim::start(Options::stepped()).await.unwrap();
    let client = Client::new(&sim).await;
    (sim, client)
}

fn metadata(resource: pb::Resource) -> pb::Metadata {
    resource.metadata.unwrap()
}

#[track_caller]
fn answers(result: Result<impl std::fmt::Debug, Status>, code: Code, text: &str) {
    let status = result.unwrap_err();
    assert_eq!((status.code(), status.message()), (code, text));
}

#[tokio::test]
async fn incomplete_messages() {
    let (_sim, mut client) = start().await;
    let empty = pb::Resource::default();
    let no_spec = pb::Resource { spec: None, ..class("w") };
    let mut garbage = class("w");
    garbage.spec.as_mut().unwrap().proto_spec = vec![0xff, 0xff, 0xff];
    for (sent, text) in [
        (empty, "metadata is missing"),
        (no_spec, "spec is missing"),
        (
            with(class("w"), |m| m.version.clear()),
            "error parsing version: strconv.ParseInt: parsing \"\": invalid syntax",
        ),
        (with(class("w"), |m| m.phase.clear()), "unknown phase: "),
        (with(class("w"), |m| m.phase = "gone".into()), "unknown phase: gone"),
        (garbage, "unexpected EOF"),
    ] {
        answers(client.create(sent, "").await, Code::Unknown, text);
    }
    for version in ["0", "7"] {
        let stored = client.create(with(class("w"), |m| m.version = version.into()), "").await.unwrap();
        assert_eq!(metadata(stored).version, "1", "sent as {version}");
        client.destroy(CLASS, "w", "").await.unwrap();
    }
}

#[tokio::test]
async fn an_object_through_its_life() {
    let (_sim, mut client) = start().await;
    let sent = with(class("u"), |m| {
        m.labels.insert("one".into(), "1".into());
        m.annotations.insert("note".into(), "x".into());
    });
    let stored = client.create(sent.clone(), "").await.unwrap();
    assert_eq!(metadata(stored.clone()).version, "1");
    let read = client.get(CLASS, "u").await.unwrap();
    assert_eq!(read, stored);
    assert_eq!(read.spec.unwrap().yaml_spec, "matchlabels:\n    - a = b\nautoprovision: null\n");

    let replaced = with(stored.clone(), |m| m.labels = [("two".to_owned(), "2".to_owned())].into());
    let stored = metadata(client.update(replaced.clone(), "", Some("running")).await.unwrap());
    assert_eq!((stored.version.as_str(), stored.labels.len()), ("2", 1));
    assert_eq!(stored.labels["two"], "2");
    assert_eq!(stored.created, metadata(replaced.clone()).created);

    answers(
        client.update(replaced.clone(), "", Some("running")).await,
        Code::FailedPrecondition,
        r"failed to update: resource MachineClasses.omni.sidero.dev(default/u@2) update conflict: expected version '\x01', actual version '\x02'",
    );
    answers(
        client.create(sent, "").await,
        Code::AlreadyExists,
        "failed to create: resource MachineClasses.omni.sidero.dev(default/u@undefined) already exists",
    );
    let at = |version: &str| with(replaced.clone(), |m| m.version = version.into());
    let same = client.update(at("2"), "", Some("running")).await.unwrap();
    assert_eq!(metadata(same).version, "3", "an update that changes nothing counts");
    answers(
        client.update(at("3"), "", Some("tearingDown")).await,
        Code::InvalidArgument,
        "failed to update: resource MachineClasses.omni.sidero.dev(default/u@3) is not in phase tearingDown",
    );
    answers(
        client.update(at("undefined"), "", None).await,
        Code::FailedPrecondition,
        r"failed to update: resource MachineClasses.omni.sidero.dev(default/u@3) update conflict: expected version '\x00', actual version '\x03'",
    );
    answers(
        client.update(class("missing"), "", None).await,
        Code::NotFound,
        "resource MachineClasses.omni.sidero.dev(default/missing@undefined) doesn't exist",
    );
    let leaving = with(at("3"), |m| m.phase = "tearingDown".into());
    let left = metadata(client.update(leaving, "", Some("running")).await.unwrap());
    assert_eq!((left.phase.as_str(), left.version.as_str()), ("tearingDown", "4"));
    client.destroy(CLASS, "u", "").await.unwrap();
    answers(
        client.get(CLASS, "u").await,
        Code::NotFound,
        "resource MachineClasses.omni.sidero.dev(default/u@undefined) doesn't exist",
    );
    let again = client.create(class("u"), "").await.unwrap();
    assert_eq!(metadata(again).version, "1", "versions start anew");
}

#[tokio::test]
async fn owners_and_finalizers() {
    let (_sim, mut client) = start().await;
    let owned = metadata(client.create(class("o"), "Somebody").await.unwrap());
    assert_eq!(owned.owner, "Somebody");
    let mine = with(class("o"), |m| m.version = "1".into());
    let stranger = r#"resource MachineClasses.omni.sidero.dev(default/o@1) is owned by "Somebody""#;
    answers(
        client.update(mine.clone(), "", None).await,
        Code::PermissionDenied,
        &format!("failed to update: {stranger}"),
    );
    answers(client.destroy(CLASS, "o", "").await, Code::PermissionDenied, &format!("failed to destroy: {stranger}"));
    answers(client.teardown(CLASS, "o").await, Code::PermissionDenied, &format!("failed to update: {stranger}"));
    client.update(mine, "Somebody", None).await.unwrap();
    client.destroy(CLASS, "o", "Somebody").await.unwrap();
    let disputed = with(class("o"), |m| m.owner = "A".into());
    answers(client.create(disputed, "B").await, Code::Unknown, r#"owner is already set to "A""#);

    client.create(with(class("f"), |m| m.finalizers = vec!["b".into(), "a".into()]), "").await.unwrap();
    answers(
        client.destroy(CLASS, "f", "").await,
        Code::FailedPrecondition,
        "failed to destroy: resource MachineClasses.omni.sidero.dev(default/f@1) has pending finalizers &[a b]",
    );
    assert!(!client.teardown(CLASS, "f").await.unwrap());
    let freed = with(class("f"), |m| {
        m.version = "2".into();
        m.phase = "tearingDown".into();
    });
    client.update(freed, "", None).await.unwrap();
    assert!(client.teardown(CLASS, "f").await.unwrap());
    client.destroy(CLASS, "f", "").await.unwrap();
}

#[tokio::test]
async fn refusals_are_gathered() {
    let (_sim, mut client) = start().await;
    let key = resource("PublicKeys.omni.sidero.dev", "x", &());
    answers(
        client.create(key, "").await,
        Code::PermissionDenied,
        "failed to validate: 2 errors occurred:\n\t* rpc error: code = PermissionDenied desc = no access is permitted\n\t* \
         unknown role to parse: \"\"\n\n",
    );
}

#[tokio::test]
async fn a_class_by_labels_does_not_become_one_by_provider() {
    let (sim, mut client) = start().await;
    client.create(class("c"), "").await.unwrap();
    let provider = kinds::key("InfraProviderStatuses.omni.sidero.dev", "p");
    sim.store().put("", &provider, |o| o.spec = InfraProviderStatusSpec::default().encode_to_vec());
    let provision = Provision { provider_id: "p".into(), ..Default::default() };
    let spec = MachineClassSpec { auto_provision: Some(provision), ..Default::default() };
    let by_provider = with(resource(CLASS, "c", &spec), |m| m.version = "1".into());
    let stumbles = "runtime error: invalid memory address or nil pointer dereference";
    answers(client.update(by_provider, "", None).await, Code::Internal, stumbles);
}

#[tokio::test]
async fn access() {
    let (sim, mut client) = start().await;
    let shaped = |text: &str| {
        format!("failed to validate: 1 error occurred:\n\t* rpc error: code = PermissionDenied desc = {text}\n\n")
    };
    let nothing = shaped("no access is permitted");
    let key = PublicKeySpec { role: "Reader".into(), ..Default::default() };
    for (kind, spec) in [
        ("NoSuchThings.omni.sidero.dev", vec![]),
        ("ClusterSecrets.omni.sidero.dev", vec![]),
        ("PublicKeys.omni.sidero.dev", key.encode_to_vec()),
    ] {
        answers(client.list(kind, Default::default()).await, Code::PermissionDenied, &nothing);
        answers(client.get(kind, "x").await, Code::PermissionDenied, &nothing);
        let mut sent = resource(kind, "x", &());
        sent.spec.as_mut().unwrap().proto_spec = spec;
        answers(client.create(sent, "").await, Code::PermissionDenied, &nothing);
        answers(client.teardown(kind, "x").await, Code::PermissionDenied, &nothing);
    }
    for kind in ["ClusterStatuses.omni.sidero.dev", "TalosVersions.omni.sidero.dev", "Machines.omni.sidero.dev"] {
        let text = shaped("only read access is permitted");
        answers(client.create(resource(kind, "x", &()), "").await, Code::PermissionDenied, &text);
    }
    answers(
        client.get("Users.omni.sidero.dev", "x").await,
        Code::NotFound,
        "failed to get: resource Users.omni.sidero.dev(default/x@undefined) doesn't exist",
    );
    answers(
        client.get("CurrentUsers.omni.sidero.dev", "other").await,
        Code::NotFound,
        "resource CurrentUsers.omni.sidero.dev(virtual/other@undefined) doesn't exist",
    );
    let mut reader = Client::with_key(&sim, &sim.key_for(Role::Reader).unwrap()).await;
    reader.list(CLASS, Default::default()).await.unwrap();
    let short = shaped(r#"unauthorized: access denied: insufficient role: "Reader""#);
    answers(reader.create(class("r"), "").await, Code::PermissionDenied, &short);
    let mut operator = Client::with_key(&sim, &sim.key_for(Role::Operator).unwrap()).await;
    operator.create(class("r"), "").await.unwrap();
    answers(reader.teardown(CLASS, "r").await, Code::PermissionDenied, &short);
    answers(reader.destroy(CLASS, "r", "").await, Code::PermissionDenied, &short);
}

#[tokio::test]
async fn a_link_is_torn_down_by_the_call_for_it_alone() {
    let (sim, mut client) = start().await;
    let kind = "Links.omni.sidero.dev";
    sim.store().put("", &crate::kinds::key(kind, "extra"), |_| {});
    let link = client.get(kind, "extra").await.unwrap();
    for sent in [link.clone(), with(link, |m| m.phase = "tearingDown".into())] {
        let status = client.update(sent, "", None).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
        assert!(status.message().contains("only read and delete access is permitted"), "{status:?}");
    }
    client.teardown(kind, "extra").await.unwrap();
}

#[tokio::test]
async fn lists_are_ordered_and_filtered() {
    let (_sim, mut client) = start().await;
    for (id, label) in [("q-b", "x"), ("q-a", "x"), ("q-c", "y")] {
        let labelled = with(resource(LABELS, id, &MachineLabelsSpec {}), |m| {
            m.labels.insert("l".into(), label.into());
        });
        client.create(labelled, "").await.unwrap();
    }
    let id_query = Some(pb::IdQuery { regexp: "^q-".into() });
    let all = pb::ListOptions { id_query, ..Default::default() };
    assert_eq!(client.list(LABELS, all.clone()).await.unwrap(), ["q-a", "q-b", "q-c"]);
    let equal = pb::label_term::Operation::Equal.into();
    let term = pb::LabelTerm { key: "l".into(), op: equal, value: vec!["x".into()], invert: false };
    let some =
        pb::ListOptions { label_query: vec![pb::LabelQuery { terms: vec![term.clone()] }], ..Default::default() };
    assert_eq!(client.list(LABELS, some.clone()).await.unwrap(), ["q-a", "q-b"]);
    let inverted = pb::LabelTerm { invert: true, ..term };
    let rest = pb::ListOptions { label_query: vec![pb::LabelQuery { terms: vec![inverted] }], ..all };
    assert_eq!(client.list(LABELS, rest).await.unwrap(), ["q-c"]);
    let me = "CurrentUsers.omni.sidero.dev";
    assert_eq!(client.list(me, Default::default()).await.unwrap(), ["current"]);
    assert_eq!(client.list(me, some).await.unwrap_err().code(), Code::Unimplemented);
    assert_eq!(
        client.list("AdvertisedEndpoints.omni.sidero.dev", Default::default()).await.unwrap_err().code(),
        Code::Unimplemented
    );
    let elsewhere = pb::ListRequest { namespace: "nowhere".into(), r#type: LABELS.into(), options: None };
    let request = client.request("List", elsewhere);
    assert!(client.state.list(request).await.unwrap().into_inner().message().await.unwrap().is_none());
}

#[tokio::test]
async fn specs_are_kept_as_sent() {
    let (_sim, mut client) = start().await;
    let mut sent = class("k");
    // Field 1023, which no definition knows.
    sent.spec.as_mut().unwrap().proto_spec.extend([0xf8, 0x3f, 0x01]);
    client.create(sent.clone(), "").await.unwrap();
    let read = client.get(CLASS, "k").await.unwrap();
    assert_eq!(read.spec.unwrap().proto_spec, sent.spec.unwrap().proto_spec);
}

#[tokio::test]
async fn an_old_server_has_no_teardown() {
    let sim = Sim::start(Options { release: Release::V1_6, ..Options::stepped() }).await.unwrap();
    let mut client = Client::new(&sim).await;
    client.create(class("t"), "").await.unwrap();
    answers(
        client.teardown(CLASS, "t").await,
        Code::Unimplemented,
        "unknown method Teardown for service cosi.resource.State",
    );
    let both = client.teardown_and_destroy(CLASS, "t").await;
    answers(both, Code::Unimplemented, "unknown method TeardownAndDestroy for service cosi.resource.State");
}

#[tokio::test]
async fn calls_for_talos_are_not_answered() {
    let (_sim, mut client) = start().await;
    let message = pb::GetRequest { r#type: CLASS.into(), ..Default::default() };
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("runtime", "Talos".parse().unwrap());
    client.signer.seal(&path("Get"), client.now(), &mut request);
    assert_eq!(client.state.get(request).await.unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test]
async fn cached_reads_lag() {
    let lag = Duration::from_secs(2);
    let sim = Sim::start(Options { lag, ..Options::stepped() }).await.unwrap();
    let mut client = Client::new(&sim).await;
    client.create(class("l"), "").await.unwrap();
    let changed = with(class("l"), |m| m.version = "1".into());
    assert_eq!(client.get(CLASS, "l").await.unwrap_err().code(), Code::NotFound, "not seen yet");
    assert_eq!(client.update(changed.clone(), "", None).await.unwrap_err().code(), Code::NotFound, "writes look first");
    assert!(client.list(CLASS, Default::default()).await.unwrap().is_empty());
    sim.advance(lag);
    client.update(changed, "", None).await.unwrap();
    assert_eq!(metadata(client.get(CLASS, "l").await.unwrap()).version, "1", "the version before");
    sim.advance(lag);
    assert_eq!(metadata(client.get(CLASS, "l").await.unwrap()).version, "2");
    client.destroy(CLASS, "l", "").await.unwrap();
    assert_eq!(client.list(CLASS, Default::default()).await.unwrap(), ["l"], "still seen");
    sim.advance(lag);
    assert!(client.list(CLASS, Default::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn large_messages_pass() {
    let (_sim, mut client) = start().await;
    let data = format!("machine:\n  env:\n    A: {}\n", "x".repeat(8 << 20));
    let patch = resource("ConfigPatches.omni.sidero.dev", "big", &ConfigPatchSpec { data, ..Default::default() });
    client.create(patch, "").await.unwrap();
}
