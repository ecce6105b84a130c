//! Schemas, checks and configuration.

use super::*;

#[tokio::test]
async fn the_schema_lists_everything_under_its_name() {
    let mut host = host().await;
    let schema = host.get_provider_schema(pb::get_provider_schema::Request {}).await.unwrap().into_inner();
    assert!(schema.diagnostics.is_empty());
    let names = |block: Option<&pb::Schema>| -> Vec<String> {
        block.unwrap().block.as_ref().unwrap().attributes.iter().map(|a| a.name.clone()).collect()
    };
    assert_eq!(names(schema.provider.as_ref()), ["endpoint"]);
    let thing = schema.resource_schemas.get(provider::THING);
    assert_eq!(names(thing), ["count", "id", "label", "name", "note", "secret", "size"]);
    assert_eq!(names(schema.data_source_schemas.get(provider::LOOKUP)), ["key", "prefix", "value"]);
    let able = schema.server_capabilities.unwrap();
    assert!(able.plan_destroy && able.get_provider_schema_optional);
    assert!(able.move_resource_state && able.generate_resource_config);
}

#[tokio::test]
async fn metadata_and_identities_agree_with_the_schema() {
    let mut host = host().await;
    let metadata = host.get_metadata(pb::get_metadata::Request {}).await.unwrap().into_inner();
    assert_eq!(metadata.resources[0].type_name, provider::THING);
    assert_eq!(metadata.data_sources[0].type_name, provider::LOOKUP);
    assert!(metadata.server_capabilities.unwrap().plan_destroy);

    let request = pb::get_resource_identity_schemas::Request {};
    let identities = host.get_resource_identity_schemas(request).await.unwrap().into_inner();
    let id = &identities.identity_schemas[provider::THING].identity_attributes[0];
    assert_eq!((id.name.as_str(), id.r#type.as_slice()), ("id", br#""string""#.as_slice()));
    assert!(id.required_for_import && !id.optional_for_import);
}

fn provider_config(endpoint: &str) -> Option<pb::DynamicValue> {
    wired(&Value::object([("endpoint", endpoint.into())]), &provider::provider_schema().object_type())
}

#[tokio::test]
async fn configure_may_be_the_first_call_and_come_again() {
    let mut host = host().await;
    for endpoint in ["one", "two"] {
        let request = pb::configure_provider::Request {
            terraform_version: "1.11.4".into(),
            config: provider_config(endpoint),
            ..Default::default()
        };
        let answer = host.configure_provider(request).await.unwrap().into_inner();
        assert_eq!(answer.diagnostics[0].detail, format!("{endpoint} by 1.11.4"));
        assert_eq!(answer.diagnostics[0].severity(), pb::diagnostic::Severity::Warning);
    }
}

#[tokio::test]
async fn problems_name_the_attribute() {
    let mut host = host().await;
    let request = pb::validate_provider_config::Request { config: provider_config("nowhere") };
    let answer = host.validate_provider_config(request).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), ["No such place"]);
    assert_eq!(blamed(&answer.diagnostics[0]), Some("endpoint"));

    let request = pb::validate_resource_config::Request {
        type_name: provider::THING.into(),
        config: wired_thing(&thing(&[("name", "a".into()), ("note", "bad".into())])),
        ..Default::default()
    };
    let answer = host.validate_resource_config(request).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), ["Bad note"]);
    assert_eq!(blamed(&answer.diagnostics[0]), Some("note"));

    let of = provider::lookup_schema().object_type();
    let config = Value::object([("key", "bad".into()), ("prefix", Value::Null), ("value", Value::Null)]);
    let request =
        pb::validate_data_resource_config::Request { type_name: provider::LOOKUP.into(), config: wired(&config, &of) };
    let answer = host.validate_data_resource_config(request).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), ["Bad key"]);
}

#[tokio::test]
async fn a_write_only_value_needs_a_host_that_knows_such() {
    let mut host = host().await;
    for (allowed, problems) in [(true, 0), (false, 1)] {
        let request = pb::validate_resource_config::Request {
            type_name: provider::THING.into(),
            config: wired_thing(&thing(&[("name", "a".into()), ("secret", "s".into())])),
            client_capabilities: Some(pb::ClientCapabilities {
                write_only_attributes_allowed: allowed,
                ..Default::default()
            }),
        };
        let answer = host.validate_resource_config(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics).len(), problems, "{:?}", answer.diagnostics);
    }
}
