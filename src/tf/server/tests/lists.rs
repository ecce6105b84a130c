//! List resources: what hosts make of each event, and what they do when they have enough.

use super::*;
use std::sync::atomic::Ordering;
use tokio_stream::StreamExt as _;

fn config(mode: &str, count: i64) -> Option<pb::DynamicValue> {
    let config = Value::object([("mode", mode.into()), ("count", count.into())]);
    wired(&config, &provider::list_schema().object_type())
}

fn request(mode: &str, limit: i64, include_resource_object: bool) -> pb::list_resource::Request {
    let config = config(mode, 1000);
    pb::list_resource::Request { type_name: provider::THING.into(), config, include_resource_object, limit }
}

async fn list(request: pb::list_resource::Request) -> Vec<pb::list_resource::Event> {
    let stream = host().await.list_resource(request).await.unwrap().into_inner();
    stream.map(Result::unwrap).collect().await
}

#[tokio::test]
async fn events_carry_identity_name_and_the_object_where_it_is_asked_for() {
    for include in [false, true] {
        let events = list(request("plain", 3, include)).await;
        assert_eq!(events.len(), 3);
        for (n, event) in events.iter().enumerate() {
            assert_eq!(id_of(event.identity.as_ref()), format!("id-{n}"));
            assert_eq!(event.display_name, format!("Thing {n}"));
            assert_eq!(event.diagnostic, []);
            assert_eq!(event.resource_object.is_some(), include);
        }
        if include {
            let object = read_thing(events[0].resource_object.as_ref());
            assert_eq!(object.get("name").as_str(), Some("thing 0"));
            assert!(object.get("secret").is_null(), "write-only values are not listed");
        }
    }
}

#[tokio::test]
async fn the_block_may_be_left_out() {
    let nothing = Value::object([("mode", Value::Null), ("count", Value::Null)]);
    let config = wired(&nothing, &provider::list_schema().object_type());
    let events = list(pb::list_resource::Request { config, ..request("plain", 2, false) }).await;
    assert_eq!(events.len(), 2, "defaults are filled in");
}

#[tokio::test]
async fn a_limit_of_zero_lists_nothing_and_does_no_work() {
    for limit in [0, -1] {
        assert_eq!(list(request("fails", limit, false)).await, []);
    }
}

#[tokio::test]
async fn the_work_ends_at_the_limit() {
    assert_eq!(list(request("counted", 5, false)).await.len(), 5);
    assert_eq!(provider::LISTED.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn only_the_event_with_the_error_has_no_identity() {
    for (mode, before, summary) in [
        ("fails", 2, "Lost the server"),
        ("panics", 2, "The provider has a bug"),
        ("no identity", 0, "The provider listed a `test_thing` without an identity"),
        ("no object", 0, "The provider listed a `test_thing` without the state of the object"),
    ] {
        let events = list(request(mode, 10, true)).await;
        let (last, listed) = events.split_last().unwrap();
        assert_eq!(listed.len(), before, "{mode}");
        assert!(listed.iter().all(|event| event.identity.is_some() && event.diagnostic.is_empty()), "{mode}");
        assert_eq!(errors(&last.diagnostic), [summary], "{mode}");
        assert!(last.identity.is_none() && last.resource_object.is_none(), "{mode}");
    }
}

#[tokio::test]
async fn warnings_travel_with_their_object() {
    let events = list(request("warns", 2, false)).await;
    assert_eq!(events.len(), 2);
    for event in events {
        assert!(event.identity.is_some());
        assert_eq!(event.diagnostic[0].summary, "Half a thing");
    }
}

#[tokio::test]
async fn the_work_is_cancelled_when_the_host_goes_away() {
    let mut stream = host().await.list_resource(request("hangs", 10, false)).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    drop(stream);
    provider::CANCELLED.acquire().await.unwrap().forget();
}

#[tokio::test]
async fn the_block_is_checked() {
    let mut host = host().await;
    for (mode, expected) in [("plain", None), ("bad", Some("mode"))] {
        let request = pb::validate_list_resource_config::Request {
            type_name: provider::THING.into(),
            config: config(mode, 1),
            ..Default::default()
        };
        let answer = host.validate_list_resource_config(request).await.unwrap().into_inner();
        assert_eq!(answer.diagnostics.first().and_then(blamed), expected);
    }
}
