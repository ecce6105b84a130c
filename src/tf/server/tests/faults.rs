//! Panics, stops, and values or names that make no sense.

use super::*;

#[tokio::test]
async fn a_panic_is_a_diagnostic_and_the_next_call_is_served() {
    let mut host = host().await;
    let config = thing(&[("name", "bug in plan".into())]);
    let answer = plan_create(&mut host, &config).await;
    assert_eq!(errors(&answer.diagnostics), ["The provider has a bug"]);
    assert!(answer.diagnostics[0].detail.contains("PlanResourceChange"));
    let answer = plan_create(&mut host, &thing(&[("name", "a".into())])).await;
    assert_eq!(errors(&answer.diagnostics), [""; 0]);
}

#[tokio::test]
async fn a_panic_in_an_apply_keeps_the_prior_state() {
    let mut host = host().await;
    let answer = apply(&mut host, &Value::Null, &thing(&[("name", "bug".into())]), &Value::Null).await;
    assert_eq!(errors(&answer.diagnostics), ["The provider has a bug"]);
    assert!(read_thing(answer.new_state.as_ref()).is_null());

    let prior = thing(&[("name", "a".into()), ("id", "id-a".into())]);
    let planned = thing(&[("name", "a".into()), ("id", "id-a".into()), ("note", "bug".into())]);
    let answer = apply(&mut host, &prior, &planned, &planned).await;
    assert_eq!(errors(&answer.diagnostics), ["The provider has a bug"]);
    assert_eq!(read_thing(answer.new_state.as_ref()), prior);
    assert_eq!(answer.private, br#"{"from":"plan"}"#);
}

#[tokio::test]
async fn stop_cuts_short_what_runs_and_serves_on() {
    let mut host = host().await;
    let mut other = host.clone();
    let planned = thing(&[("name", "slow".into()), ("id", Value::UNKNOWN), ("count", Value::UNKNOWN)]);
    let mut slow = tokio::spawn(async move { apply(&mut other, &Value::Null, &planned, &planned).await });
    // The call may take its token after one stop, but not after every one.
    let answer = loop {
        let stopped = host.stop_provider(pb::stop_provider::Request {}).await.unwrap().into_inner();
        assert_eq!(stopped.error, "");
        tokio::select! {
            biased;
            answer = &mut slow => break answer.unwrap(),
            () = tokio::task::yield_now() => {}
        }
    };
    assert_eq!(errors(&answer.diagnostics), ["Stopped"]);
    assert_eq!(read_thing(answer.new_state.as_ref()).get("id").as_str(), Some("id-slow"), "half done is still there");

    let answer = apply(&mut host, &Value::Null, &thing(&[("name", "a".into())]), &Value::Null).await;
    assert_eq!(errors(&answer.diagnostics), [""; 0]);
}

#[tokio::test]
async fn later_calls_are_not_stopped() {
    let server = Server::new(provider::new);
    let before = server.context(None);
    server.stop();
    assert!(before.cancel.is_cancelled());
    assert!(!server.context(None).cancel.is_cancelled());
}

#[tokio::test]
async fn a_result_of_the_wrong_form_is_an_error() {
    let mut host = host().await;
    let answer = apply(&mut host, &Value::Null, &thing(&[("name", "strange".into())]), &Value::Null).await;
    assert_eq!(errors(&answer.diagnostics), ["Could not write the new state of `test_thing`"]);
}

#[tokio::test]
async fn bytes_that_are_no_value_are_an_error() {
    let mut host = host().await;
    let nonsense = Some(pb::DynamicValue { msgpack: vec![0xdd, 0xff, 0xff, 0xff, 0xff], json: Vec::new() });
    let request = pb::validate_resource_config::Request {
        type_name: provider::THING.into(),
        config: nonsense,
        ..Default::default()
    };
    let answer = host.validate_resource_config(request).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), ["Could not read the configuration of `test_thing`"]);
}

#[tokio::test]
async fn types_that_are_not_there_are_named() {
    let mut host = host().await;
    let request = pb::read_resource::Request { type_name: "test_other".into(), ..Default::default() };
    let answer = host.read_resource(request).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), ["No resource type `test_other`"]);
    let request = pb::read_data_source::Request { type_name: "test_other".into(), ..Default::default() };
    let answer = host.read_data_source(request).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), ["No data source type `test_other`"]);
}
