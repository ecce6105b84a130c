//! Stored states and identities.

use super::*;

async fn upgrade(
    host: &mut ProviderClient<Channel>,
    version: i64,
    raw: pb::RawState,
) -> pb::upgrade_resource_state::Response {
    let request =
        pb::upgrade_resource_state::Request { type_name: provider::THING.into(), version, raw_state: Some(raw) };
    host.upgrade_resource_state(request).await.unwrap().into_inner()
}

fn json(text: &str) -> pb::RawState {
    pb::RawState { json: text.as_bytes().to_vec(), ..Default::default() }
}

#[tokio::test]
async fn state_of_any_shape_becomes_state_of_this_version() {
    let mut host = host().await;
    let stored = thing(&[("name", "a".into()), ("size", 3.into())]);
    for (version, text) in [
        // Of this version, with all that hosts write.
        (0, r#"{"name":"a","size":3,"note":null,"secret":null,"id":null,"count":null}"#),
        // With an attribute under its older name, some missing and one that is no more.
        (0, r#"{"title":"a","size":3,"colour":["red"]}"#),
        // A write-only value that should never have been stored.
        (0, r#"{"name":"a","size":3,"secret":"s"}"#),
    ] {
        let answer = upgrade(&mut host, version, json(text)).await;
        assert_eq!(errors(&answer.diagnostics), [""; 0], "{text}");
        assert_eq!(read_thing(answer.upgraded_state.as_ref()), stored, "{text}");
    }
}

#[tokio::test]
async fn state_that_cannot_be_read_is_an_error() {
    let mut host = host().await;
    let flat = pb::RawState { flatmap: [("name".to_owned(), "a".to_owned())].into(), ..Default::default() };
    for (version, raw, part) in [
        (0, flat, "Terraform 0.11"),
        (0, json("[1]"), "stored state"),
        (0, json("{"), "stored state"),
        (0, json(""), "nothing"),
        (0, json(r#"{"size":{}}"#), "stored state"),
        (8, json("{}"), "future"),
    ] {
        let answer = upgrade(&mut host, version, raw).await;
        let [problem] = answer.diagnostics.as_slice() else { panic!("{part}: {:?}", answer.diagnostics) };
        assert!(problem.summary.contains(part) || problem.detail.contains(part), "{part}: {problem:?}");
        assert!(answer.upgraded_state.is_none());
    }
}

#[tokio::test]
async fn identities_are_read_the_same_way() {
    let mut host = host().await;
    let request = pb::upgrade_resource_identity::Request {
        type_name: provider::THING.into(),
        version: 0,
        raw_identity: Some(json(r#"{"id":"one","gone":1}"#)),
    };
    let answer = host.upgrade_resource_identity(request).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), [""; 0]);
    assert_eq!(id_of(answer.upgraded_identity.as_ref()), "one");
}
