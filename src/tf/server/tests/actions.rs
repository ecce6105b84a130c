//! Actions: plans, and streams that end with exactly one completion and never hold an empty event.

use super::*;
use pb::invoke_action::event::Type as Event;
use tokio_stream::StreamExt as _;

fn config(mode: Value) -> Option<pb::DynamicValue> {
    let config = Value::object([("mode", mode), ("times", Value::Null)]);
    wired(&config, &provider::ring_schema().object_type())
}

fn invocation(mode: impl Into<Value>) -> pb::invoke_action::Request {
    pb::invoke_action::Request { action_type: provider::RING.into(), config: config(mode.into()), ..Default::default() }
}

async fn invoke(mode: impl Into<Value>) -> Vec<Event> {
    let stream = host().await.invoke_action(invocation(mode)).await.unwrap().into_inner();
    stream.map(|event| event.unwrap().r#type.expect("hosts panic on an empty event")).collect().await
}

#[tokio::test]
async fn progress_is_followed_by_one_completion() {
    for (mode, summaries) in [
        ("plain", vec![]),
        ("loud", vec!["Loud"]),
        ("fails", vec!["Refused"]),
        ("panics", vec!["The provider has a bug"]),
    ] {
        let events = invoke(mode).await;
        let (last, progress) = events.split_last().unwrap();
        let lines: Vec<_> = progress
            .iter()
            .map(|event| match event {
                Event::Progress(progress) => progress.message.as_str(),
                Event::Completed(_) => panic!("{mode}: completed twice"),
            })
            .collect();
        assert_eq!(lines, ["ring 0", "ring 1"], "{mode}: no empty lines");
        let Event::Completed(end) = last else { panic!("{mode}: not completed") };
        assert_eq!(end.diagnostics.iter().map(|d| d.summary.as_str()).collect::<Vec<_>>(), summaries, "{mode}");
    }
}

#[tokio::test]
async fn unknown_values_are_refused() {
    let events = invoke(Value::UNKNOWN).await;
    let [Event::Completed(end)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(errors(&end.diagnostics), ["Action `test_ring` was invoked with values that are not known"]);
}

#[tokio::test]
async fn an_action_is_cancelled_by_a_host_that_goes_away_or_stops() {
    let mut first = host().await;
    let mut stream = first.invoke_action(invocation("hangs")).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    drop(stream);
    provider::CANCELLED.acquire().await.unwrap().forget();

    let mut stream = first.invoke_action(invocation("hangs")).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    first.stop_provider(pb::stop_provider::Request::default()).await.unwrap();
    let mut end = None;
    while let Some(event) = stream.message().await.unwrap() {
        end = event.r#type;
    }
    let Some(Event::Completed(end)) = end else { panic!("{end:?}") };
    assert_eq!(errors(&end.diagnostics), ["Stopped"]);
}

#[tokio::test]
async fn plans_warn_refuse_and_defer_where_the_host_allows_it() {
    let mut host = host().await;
    for (mode, allowed, summaries, deferred) in [
        ("plain", false, vec![], None),
        ("loud", false, vec!["Loud"], None),
        ("refused", false, vec!["Refused"], None),
        ("late", false, vec!["The provider deferred action `test_ring`"], None),
        ("late", true, vec![], Some(pb::deferred::Reason::ProviderConfigUnknown)),
    ] {
        let capabilities = pb::ClientCapabilities { deferral_allowed: allowed, ..Default::default() };
        let request = pb::plan_action::Request {
            action_type: provider::RING.into(),
            config: config(mode.into()),
            client_capabilities: Some(capabilities),
        };
        let answer = host.plan_action(request).await.unwrap().into_inner();
        assert_eq!(answer.diagnostics.iter().map(|d| d.summary.as_str()).collect::<Vec<_>>(), summaries, "{mode}");
        assert_eq!(answer.deferred.map(|d| d.reason()), deferred, "{mode}");
    }
}

#[tokio::test]
async fn the_block_is_checked() {
    let mut host = host().await;
    for (mode, expected) in [("plain", None), ("bad", Some("mode"))] {
        let request =
            pb::validate_action_config::Request { type_name: provider::RING.into(), config: config(mode.into()) };
        let answer = host.validate_action_config(request).await.unwrap().into_inner();
        assert_eq!(answer.diagnostics.first().and_then(blamed), expected);
    }
}

/// A host validates before it knows the values of variables, and does not come back.
#[tokio::test]
async fn values_that_were_unknown_in_the_validation_are_judged_by_plan_and_invocation() {
    let plan = pb::plan_action::Request {
        action_type: provider::RING.into(),
        config: config("bad".into()),
        ..Default::default()
    };
    let planned = host().await.plan_action(plan).await.unwrap().into_inner();
    assert_eq!(errors(&planned.diagnostics), ["Bad mode"]);
    for (mode, summary) in [(Value::from("bad"), "Bad mode"), (Value::Null, "Missing attribute")] {
        let events = invoke(mode).await;
        let [Event::Completed(end)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(errors(&end.diagnostics), [summary]);
    }
}
