//! Plans and applies, when all goes well and when the server of the things refuses.

use super::*;

fn planned_thing() -> Value {
    thing(&[("name", "a".into()), ("size", 1.into()), ("id", Value::UNKNOWN), ("count", Value::UNKNOWN)])
}

fn stored_thing() -> Value {
    thing(&[("name", "a".into()), ("size", 1.into()), ("id", "id-a".into()), ("count", 1.into())])
}

/// The thing with one attribute set otherwise.
fn with(mut thing: Value, name: &str, value: impl Into<Value>) -> Value {
    thing.set(name, value.into());
    thing
}

#[tokio::test]
async fn a_new_thing_is_planned_with_defaults_and_unknowns() {
    let mut host = host().await;
    let config = thing(&[("name", "a".into()), ("secret", "s".into())]);
    let answer = plan_create(&mut host, &config).await;
    assert_eq!(errors(&answer.diagnostics), [""; 0]);
    assert_eq!(read_thing(answer.planned_state.as_ref()), planned_thing(), "and the write-only value is gone");
    assert!(answer.planned_identity.is_none());
    // What was kept beside the state belonged to another object.
    assert_eq!(answer.planned_private, br#"{"planned":true}"#);
}

#[tokio::test]
async fn nothing_changes_when_nothing_is_to_change() {
    let mut host = host().await;
    let config = thing(&[("name", "a".into())]);
    let answer = plan(&mut host, &stored_thing(), &stored_thing(), &config).await;
    assert_eq!(read_thing(answer.planned_state.as_ref()), stored_thing());
    assert!(answer.requires_replace.is_empty());
    assert_eq!(answer.planned_private, br#"{"from":"state","planned":true}"#);
    assert_eq!(id_of(answer.planned_identity.as_ref()), "id-a");
}

#[tokio::test]
async fn replacements_come_from_the_schema_and_from_the_resource() {
    let mut host = host().await;
    for (attribute, value) in [("name", "b"), ("note", "anew")] {
        let proposed = with(stored_thing(), attribute, value);
        let config = with(thing(&[("name", "a".into())]), attribute, value);
        let answer = plan(&mut host, &stored_thing(), &proposed, &config).await;
        let paths: Vec<_> = answer.requires_replace.iter().map(|p| p.steps.len()).collect();
        assert_eq!(paths, [1], "{attribute}");
    }
}

#[tokio::test]
async fn a_removal_is_planned_as_null_unless_the_resource_objects() {
    let mut host = host().await;
    let answer = plan(&mut host, &stored_thing(), &Value::Null, &Value::Null).await;
    assert!(read_thing(answer.planned_state.as_ref()).is_null());
    assert_eq!(answer.planned_private, br#"{"from":"state"}"#);
    let answer = plan(&mut host, &with(stored_thing(), "name", "kept"), &Value::Null, &Value::Null).await;
    assert_eq!(errors(&answer.diagnostics), ["Refused"]);
}

#[tokio::test]
async fn a_created_thing_comes_back_whole() {
    let mut host = host().await;
    let answer = apply(&mut host, &Value::Null, &planned_thing(), &thing(&[("name", "a".into())])).await;
    assert_eq!(errors(&answer.diagnostics), [""; 0]);
    assert_eq!(read_thing(answer.new_state.as_ref()), stored_thing());
    assert_eq!(answer.private, br#"{"c":{},"from":"apply"}"#);
    assert_eq!(id_of(answer.new_identity.as_ref()), "id-a");
    assert!(!answer.legacy_type_system);
}

#[tokio::test]
async fn a_text_that_means_the_same_stays_as_it_was_planned() {
    let mut host = host().await;
    let planned = with(planned_thing(), "label", "Quiet");
    let answer = apply(&mut host, &Value::Null, &planned, &thing(&[("name", "a".into())])).await;
    assert_eq!(read_thing(answer.new_state.as_ref()).get("label").as_str(), Some("Quiet"));
}

#[tokio::test]
async fn what_was_planned_comes_back_and_what_is_there_is_told() {
    let mut host = host().await;
    let planned = with(planned_thing(), "label", "taken otherwise");
    let answer = apply(&mut host, &Value::Null, &planned, &thing(&[("name", "a".into())])).await;
    assert_eq!(errors(&answer.diagnostics), [""; 0]);
    assert_eq!(read_thing(answer.new_state.as_ref()).get("label").as_str(), Some("taken otherwise"));
    let warning = answer.diagnostics.first().unwrap();
    assert_eq!((blamed(warning), warning.severity()), (Some("label"), pb::diagnostic::Severity::Warning));
}

#[tokio::test]
async fn failed_creations_keep_what_is_there() {
    let mut host = host().await;
    for (name, kept, error) in [
        ("broken", true, "Refused"),
        ("refused", false, "Refused"),
        ("nothing", false, "The provider lost `test_thing`"),
    ] {
        let answer = apply(&mut host, &Value::Null, &with(planned_thing(), "name", name), &planned_thing()).await;
        assert_eq!(errors(&answer.diagnostics), [error], "{name}");
        assert_eq!(!read_thing(answer.new_state.as_ref()).is_null(), kept, "{name}");
    }
}

#[tokio::test]
async fn an_open_value_is_reported_and_the_rest_is_kept() {
    let mut host = host().await;
    let answer = apply(&mut host, &Value::Null, &with(planned_thing(), "name", "open"), &planned_thing()).await;
    assert_eq!(errors(&answer.diagnostics).len(), 1);
    assert_eq!(blamed(&answer.diagnostics[0]), Some("count"));
    let state = read_thing(answer.new_state.as_ref());
    assert_eq!((state.get("id"), state.get("count")), (&Value::from("id-open"), &Value::Null));
}

#[tokio::test]
async fn a_write_only_value_never_reaches_the_state() {
    let mut host = host().await;
    let config = thing(&[("name", "leaky".into()), ("secret", "s".into())]);
    let answer = apply(&mut host, &Value::Null, &with(planned_thing(), "name", "leaky"), &config).await;
    assert!(read_thing(answer.new_state.as_ref()).get("secret").is_null());
}

#[tokio::test]
async fn updates_say_what_is_in_place_also_when_they_fail() {
    let mut host = host().await;
    for (note, count, kept, error) in
        [("fine", 2, "fine", None), ("half", 9, "", Some("Refused")), ("refused", 1, "", Some("Refused"))]
    {
        let planned = with(with(stored_thing(), "note", note), "count", Value::UNKNOWN);
        let answer = apply(&mut host, &stored_thing(), &planned, &thing(&[("name", "a".into())])).await;
        assert_eq!(errors(&answer.diagnostics).first().copied(), error, "{note}");
        let state = read_thing(answer.new_state.as_ref());
        assert_eq!(state.get("count").as_i64(), Some(count), "{note}");
        assert_eq!(state.get("note").as_str().unwrap_or_default(), kept, "{note}");
        // The prior state goes with what was kept beside it.
        let private: &[u8] = match note {
            "refused" => br#"{"from":"plan"}"#,
            "half" => br#"{"from":"apply"}"#,
            _ => br#"{"c":{},"from":"apply"}"#,
        };
        assert_eq!(answer.private, private, "{note}");
    }
}

#[tokio::test]
async fn a_removed_thing_is_null_and_one_that_could_not_be_removed_stays() {
    let mut host = host().await;
    let answer = apply(&mut host, &stored_thing(), &Value::Null, &Value::Null).await;
    assert!(answer.new_state.is_some() && read_thing(answer.new_state.as_ref()).is_null());
    assert!(answer.new_identity.is_none());
    let prior = with(stored_thing(), "name", "refused");
    let answer = apply(&mut host, &prior, &Value::Null, &Value::Null).await;
    assert_eq!(errors(&answer.diagnostics), ["Refused"]);
    assert_eq!(read_thing(answer.new_state.as_ref()), prior);
}

#[tokio::test]
async fn megabytes_in_one_attribute_pass_both_ways() {
    let mut host = host().await;
    let note = "x".repeat(6_000_000);
    let config = thing(&[("name", "a".into()), ("note", note.as_str().into())]);
    let answer = plan_create(&mut host, &config).await;
    assert_eq!(read_thing(answer.planned_state.as_ref()).get("note").as_str().map(str::len), Some(note.len()));
}
