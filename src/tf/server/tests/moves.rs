//! `moved` blocks between providers, and generated configurations.

use super::*;

async fn moved(provider: &str, source: &str, text: &str) -> pb::move_resource_state::Response {
    let request = pb::move_resource_state::Request {
        source_provider_address: provider.into(),
        source_type_name: source.into(),
        target_type_name: provider::THING.into(),
        source_state: Some(pb::RawState { json: text.as_bytes().to_vec(), ..Default::default() }),
        source_private: b"{\"of\":\"another\"}".to_vec(),
        ..Default::default()
    };
    host().await.move_resource_state(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn state_of_the_same_type_moves_from_a_provider_of_the_same_name() {
    for provider in ["registry.terraform.io/other/test", "registry.opentofu.org/other/test", "test"] {
        let answer = moved(provider, provider::THING, r#"{"title":"a","size":3,"secret":"s","colour":[]}"#).await;
        assert_eq!(errors(&answer.diagnostics), [""; 0], "{provider}");
        let expected = thing(&[("name", "a".into()), ("size", 3.into())]);
        assert_eq!(read_thing(answer.target_state.as_ref()), expected, "{provider}");
        assert_eq!(answer.target_private, b"", "{provider}: private state of another provider is not kept");
    }
}

#[tokio::test]
async fn state_of_another_type_is_converted() {
    for provider in ["registry.terraform.io/other/test", "test"] {
        let answer = moved(provider, "test_box", r#"{"title":"a","size":3,"colour":[]}"#).await;
        assert_eq!(errors(&answer.diagnostics), [""; 0], "{provider}");
        let expected = thing(&[("name", "a".into()), ("size", 3.into())]);
        assert_eq!(read_thing(answer.target_state.as_ref()), expected, "{provider}");
    }
    let answer = moved("test", "test_box", "{}").await;
    assert_eq!(answer.diagnostics.len(), 1);
    assert_eq!(answer.diagnostics[0].summary, "Empty box");
    assert!(answer.target_state.is_none());
}

#[tokio::test]
async fn other_moves_are_refused_with_both_ends_named() {
    for (provider, source) in [
        ("registry.terraform.io/other/test", "test_bag"),
        ("registry.terraform.io/other/box", "test_box"),
        ("registry.terraform.io/other/box", provider::THING),
        ("registry.terraform.io/test/box", provider::THING),
        ("", provider::THING),
    ] {
        let answer = moved(provider, source, "{}").await;
        let [problem] = answer.diagnostics.as_slice() else { panic!("{provider}: {:?}", answer.diagnostics) };
        for part in [source, provider, provider::THING, "removed"] {
            assert!(problem.summary.contains(part) || problem.detail.contains(part), "{part}: {problem:?}");
        }
        assert!(answer.target_state.is_none(), "{provider}");
    }
}

#[tokio::test]
async fn the_generated_configuration_is_what_the_object_is_configured_with() {
    let mut host = host().await;
    let state = thing(&[("id", "one".into()), ("name", "a".into()), ("size", 3.into())]);
    for (state, expected) in [(state, thing(&[("name", "a".into()), ("size", 3.into())])), (Value::Null, Value::Null)] {
        let request =
            pb::generate_resource_config::Request { type_name: provider::THING.into(), state: wired_thing(&state) };
        let answer = host.generate_resource_config(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), [""; 0]);
        assert_eq!(read_thing(answer.config.as_ref()), expected);
    }
}
