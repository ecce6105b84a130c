//! Reads, imports and data sources.

use super::*;

async fn read(host: &mut ProviderClient<Channel>, state: &Value, identity: bool) -> pb::read_resource::Response {
    let request = pb::read_resource::Request {
        type_name: provider::THING.into(),
        current_state: wired_thing(state),
        private: br#"{"from":"state"}"#.to_vec(),
        current_identity: if identity { wired_identity("id-a") } else { None },
        ..Default::default()
    };
    host.read_resource(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_read_returns_private_and_identity_again() {
    let mut host = host().await;
    let answer = read(&mut host, &thing(&[("name", "a".into())]), true).await;
    assert_eq!(read_thing(answer.new_state.as_ref()).get("note").as_str(), Some("id-a"));
    assert_eq!(answer.private, br#"{"c":{},"from":"state"}"#);
    assert_eq!(id_of(answer.new_identity.as_ref()), "id-a");
    // Older hosts keep no identity.
    assert!(read(&mut host, &thing(&[("name", "a".into())]), false).await.new_identity.is_none());
}

#[tokio::test]
async fn a_text_that_means_the_same_is_no_drift() {
    let mut host = host().await;
    let answer = read(&mut host, &thing(&[("name", "a".into()), ("label", "Quiet".into())]), true).await;
    assert_eq!(read_thing(answer.new_state.as_ref()).get("label").as_str(), Some("Quiet"));
}

#[tokio::test]
async fn gone_is_null_and_a_failure_keeps_the_state() {
    let mut host = host().await;
    let answer = read(&mut host, &thing(&[("name", "gone".into())]), true).await;
    assert!(answer.diagnostics.is_empty() && answer.new_identity.is_none());
    assert!(answer.new_state.is_some() && read_thing(answer.new_state.as_ref()).is_null());
    let state = thing(&[("name", "refused".into())]);
    let answer = read(&mut host, &state, true).await;
    assert_eq!(errors(&answer.diagnostics), ["Refused"]);
    assert_eq!(read_thing(answer.new_state.as_ref()), state);
}

#[tokio::test]
async fn imports_go_by_id_and_by_identity() {
    let mut host = host().await;
    for (id, identity) in [("one", None), ("", wired_identity("one"))] {
        let by_identity = identity.is_some();
        let request = pb::import_resource_state::Request {
            type_name: provider::THING.into(),
            id: id.into(),
            identity,
            ..Default::default()
        };
        let answer = host.import_resource_state(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), [""; 0]);
        let imported = &answer.imported_resources[0];
        assert_eq!(imported.type_name, provider::THING);
        assert_eq!(read_thing(imported.state.as_ref()), thing(&[("id", "one".into())]));
        assert_eq!(imported.private, br#"{"from":"import"}"#);
        assert_eq!(imported.identity.is_some(), by_identity);
    }
}

#[tokio::test]
async fn an_import_of_nothing_is_an_error() {
    let mut host = host().await;
    let request = pb::import_resource_state::Request {
        type_name: provider::THING.into(),
        id: "missing".into(),
        ..Default::default()
    };
    let answer = host.import_resource_state(request).await.unwrap().into_inner();
    assert!(answer.imported_resources.is_empty());
    assert_eq!(errors(&answer.diagnostics), ["Nothing to import as `test_thing`"]);
}

async fn look_up(host: &mut ProviderClient<Channel>, key: &str) -> (Value, Vec<pb::Diagnostic>) {
    let of = provider::lookup_schema().object_type();
    let config = Value::object([("key", key.into()), ("prefix", Value::Null), ("value", Value::Null)]);
    let request = pb::read_data_source::Request {
        type_name: provider::LOOKUP.into(),
        config: wired(&config, &of),
        ..Default::default()
    };
    let answer = host.read_data_source(request).await.unwrap().into_inner();
    (read_back(answer.state.as_ref(), &of), answer.diagnostics)
}

#[tokio::test]
async fn a_data_source_gets_defaults_and_gives_a_whole_result() {
    let mut host = host().await;
    let (result, diagnostics) = look_up(&mut host, "you").await;
    assert!(diagnostics.is_empty());
    assert_eq!(result.get("value").as_str(), Some("to you"));
}

#[tokio::test]
async fn a_data_source_without_a_whole_result_is_an_error() {
    let mut host = host().await;
    for (key, error) in [
        ("missing", "Not found"),
        ("null", "The provider found nothing for `test_lookup`"),
        ("open", "The provider left a value of `test_lookup` open"),
        ("bug", "The provider has a bug"),
    ] {
        let (_, diagnostics) = look_up(&mut host, key).await;
        assert_eq!(errors(&diagnostics), [error], "{key}");
    }
}

#[tokio::test]
async fn data_sources_warn_and_defer_where_the_host_allows_it() {
    let mut host = host().await;
    let of = provider::lookup_schema().object_type();
    for (key, allowed, summaries, deferred) in [
        ("odd", false, vec!["Odd key"], None),
        ("late", true, vec![], Some(pb::deferred::Reason::AbsentPrereq)),
        ("late", false, vec!["The provider deferred `test_lookup`"], None),
    ] {
        let mut config = provider::lookup_schema().null_object();
        config.set("key", key.into());
        let request = pb::read_data_source::Request {
            type_name: provider::LOOKUP.into(),
            config: wired(&config, &of),
            client_capabilities: Some(pb::ClientCapabilities { deferral_allowed: allowed, ..Default::default() }),
            ..Default::default()
        };
        let answer = host.read_data_source(request).await.unwrap().into_inner();
        assert_eq!(answer.diagnostics.iter().map(|d| d.summary.as_str()).collect::<Vec<_>>(), summaries, "{key}");
        assert_eq!(answer.deferred.map(|d| d.reason()), deferred, "{key}");
        assert_eq!(read_back(answer.state.as_ref(), &of).get("key").as_str(), Some(key));
    }
}
