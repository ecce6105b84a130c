//! Ephemeral resources and functions.

use super::*;

const NO_PROBLEMS: [&str; 0] = [];

fn lease(name: &str) -> Option<pb::DynamicValue> {
    let config = Value::object([("name", name.into()), ("word", Value::Null), ("value", Value::Null)]);
    wired(&config, &provider::lease_schema().object_type())
}

async fn open(host: &mut ProviderClient<Channel>, name: &str) -> pb::open_ephemeral_resource::Response {
    let request = pb::open_ephemeral_resource::Request {
        type_name: provider::LEASE.into(),
        config: lease(name),
        ..Default::default()
    };
    host.open_ephemeral_resource(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_value_is_opened_renewed_and_closed_with_what_was_kept() {
    let mut host = host().await;
    let opened = open(&mut host, "a").await;
    assert_eq!(errors(&opened.diagnostics), NO_PROBLEMS);
    let value = read_back(opened.result.as_ref(), &provider::lease_schema().object_type());
    assert_eq!(value.get("value").as_str(), Some("hush"), "defaults are filled in");
    assert_eq!(opened.renew_at, Some(prost_types::Timestamp { seconds: 61, nanos: 500_000_000 }));

    let request = pb::renew_ephemeral_resource::Request { type_name: provider::LEASE.into(), private: opened.private };
    let renewed = host.renew_ephemeral_resource(request).await.unwrap().into_inner();
    assert_eq!((errors(&renewed.diagnostics).len(), renewed.renew_at), (0, None));

    let request = pb::close_ephemeral_resource::Request { type_name: provider::LEASE.into(), private: renewed.private };
    let closed = host.close_ephemeral_resource(request).await.unwrap().into_inner();
    assert_eq!(closed.diagnostics[0].detail, "renewed open");
}

#[tokio::test]
async fn a_failed_opening_gives_no_value() {
    let mut host = host().await;
    for (name, expected) in [
        ("missing", vec!["Not found"]),
        ("bug", vec!["The provider has a bug"]),
        // What was opened is closed again: the host does not do it.
        ("open", vec!["The provider left a value of `test_lease` open", "Closed"]),
        ("wrong", vec!["Could not write the value of `test_lease`", "Closed"]),
    ] {
        let answer = open(&mut host, name).await;
        assert_eq!(errors(&answer.diagnostics), expected, "{name}");
        assert!(answer.result.is_none() && answer.private.is_none(), "{name}");
    }
}

#[tokio::test]
async fn blocks_are_checked() {
    let mut host = host().await;
    for (name, expected) in [("a", None), ("bad", Some("name"))] {
        let request =
            pb::validate_ephemeral_resource_config::Request { type_name: provider::LEASE.into(), config: lease(name) };
        let answer = host.validate_ephemeral_resource_config(request).await.unwrap().into_inner();
        assert_eq!(answer.diagnostics.first().and_then(blamed), expected);
    }
}

#[tokio::test]
async fn the_schema_lists_them() {
    let mut host = host().await;
    let schema = host.get_provider_schema(pb::get_provider_schema::Request {}).await.unwrap().into_inner();
    assert!(schema.ephemeral_resource_schemas.contains_key(provider::LEASE));
    let join = &schema.functions["join"];
    assert_eq!((join.parameters[0].name.as_str(), join.parameters[0].r#type.as_slice()), ("by", &br#""string""#[..]));
    assert_eq!(join.variadic_parameter.as_ref().unwrap().name, "text");
    let alone = host.get_functions(pb::get_functions::Request {}).await.unwrap().into_inner();
    assert_eq!(alone.functions, schema.functions);
    let names = host.get_metadata(pb::get_metadata::Request {}).await.unwrap().into_inner();
    assert_eq!(names.ephemeral_resources[0].type_name, provider::LEASE);
    assert_eq!(names.functions[0].name, "join");
}

async fn join(host: &mut ProviderClient<Channel>, texts: &[&str]) -> Result<String, (String, Option<i64>)> {
    let arguments = texts.iter().filter_map(|text| wired(&(*text).into(), &Type::String)).collect();
    let request = pb::call_function::Request { name: "join".into(), arguments };
    let answer = host.call_function(request).await.unwrap().into_inner();
    match answer.error {
        Some(error) => Err((error.text, error.function_argument)),
        None => Ok(read_back(answer.result.as_ref(), &Type::String).as_str().unwrap().to_owned()),
    }
}

#[tokio::test]
async fn functions_are_called_and_blame_the_argument() {
    let mut host = host().await;
    assert_eq!(join(&mut host, &["-", "a", "b"]).await.as_deref(), Ok("a-b"));
    assert_eq!(join(&mut host, &["-", "bad"]).await, Err(("This is bad".into(), Some(1))));
    assert_eq!(join(&mut host, &[]).await, Err(("`join` needs the argument `by`".into(), None)));
    let (text, argument) = join(&mut host, &["-", "bug"]).await.unwrap_err();
    assert!(text.starts_with("The provider has a bug") && argument.is_none(), "{text}");
}
