//! The plan logic as tables: what a person expects of a plan.

use super::*;
use crate::tf::schema::{Nesting, boolean, number, object, objects, plain, string};
use crate::tf::value::Type;

fn same_case(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn schema() -> Schema {
    Schema::new("A thing.")
        .with(string("name").required().replaces().doc("Name."))
        .with(string("text").same_if(same_case).doc("Text."))
        .with(number("size").default(3).doc("Size."))
        .with(string("id").computed().stays().doc("Id."))
        .with(string("status").computed().doc("Status."))
        .with(string("digest").computed().changes_with(&["text"]).doc("Digest."))
        .with(
            object(
                "options",
                vec![
                    boolean("fast").default(false).doc("Fast."),
                    boolean("kept").optional_computed().stays().doc("Kept."),
                    boolean("fixed").replaces_if(|a, b| a != b).doc("Fixed."),
                ],
            )
            .optional_computed()
            .stays()
            .doc("Options."),
        )
        .with(objects("rules", vec![string("key").required().same_if(same_case).doc("Key.")]).doc("Rules."))
        .with(plain("labels", Type::map(Type::String)).doc("Labels."))
        .with(string("secret").write_only().doc("Secret."))
}

#[test]
fn an_object_that_stays_itself_is_not_replaced() {
    fn same_text(prior: &Value, given: &Value) -> bool {
        prior.get("text") == given.get("text")
    }
    let schema = schema().stays_if(same_text);
    let state = plan(&schema, None, &config(&[("text", "a".into())]), &config(&[("text", "a".into())]), None).state;
    let prior = known(&state);
    for (text, replace) in [("a", 0), ("b", 1)] {
        let config = config(&[("name", "other".into()), ("text", text.into())]);
        let planned = plan(&schema, Some(&prior), &propose(Some(&prior), &config), &config, None);
        assert_eq!(planned.replace.len(), replace, "{text}");
        assert_eq!(planned.state.get("id").is_unknown(), replace > 0, "{text}: what stays is known");
    }
}

/// A plan as an apply leaves it.
fn known(planned: &Value) -> Value {
    let mut state = planned.clone();
    for (name, _) in planned.entries().into_iter().flatten().filter(|(_, value)| value.is_unknown()) {
        state.set(name, "computed".into());
    }
    state
}

fn config(entries: &[(&str, Value)]) -> Value {
    let mut config = schema().null_object();
    config.set("name", "n".into());
    for (name, value) in entries {
        config.set(name, value.clone());
    }
    config
}

/// What a host proposes: the configuration, with the prior values of computed attributes that are not set.
fn propose(prior: Option<&Value>, config: &Value) -> Value {
    propose_in(&schema().attributes, prior, config)
}

fn propose_in(attributes: &[Attribute], prior: Option<&Value>, config: &Value) -> Value {
    let mut proposed = config.clone();
    for attribute in attributes {
        let given = config.get(attribute.name);
        let before = prior.map_or(&Value::Null, |p| p.get(attribute.name));
        // A nested object with what only a configuration can have given is proposed as null.
        let configured = attribute.nested().iter().any(|n| !n.computed_mode() && !before.get(n.name).is_null());
        if given.is_null() && attribute.computed_mode() && !configured {
            proposed.set(attribute.name, before.clone());
        } else if let (Kind::Nested(Nesting::Single, nested), Value::Object(_)) = (&attribute.kind, given) {
            let before = Some(before).filter(|b| matches!(b, Value::Object(_)));
            proposed.set(attribute.name, propose_in(nested, before, given));
        }
    }
    proposed
}

/// What a provider would make of the plan.
fn applied(planned: &Value) -> Value {
    match planned {
        Value::Unknown(_) => "made".into(),
        Value::Object(m) => Value::Object(m.iter().map(|(k, v)| (k.clone(), applied(v))).collect()),
        other => other.clone(),
    }
}

fn create(config: &Value) -> Value {
    applied(&plan(&schema(), None, &propose(None, config), config, None).state)
}

fn update(prior: &Value, config: &Value) -> Planned {
    plan(&schema(), Some(prior), &propose(Some(prior), config), config, None)
}

fn paths(found: &[Path]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_create_fills_defaults_and_leaves_the_rest_unknown() {
    let config = config(&[("secret", "s".into())]);
    let planned = plan(&schema(), None, &propose(None, &config), &config, None).state;
    assert_eq!(planned.get("size"), &Value::from(3));
    assert!(planned.get("id").is_unknown() && planned.get("status").is_unknown());
    assert!(planned.get("secret").is_null(), "a write-only value is never planned");
    assert!(planned.get("text").is_null());
}

#[test]
fn the_same_configuration_plans_nothing() {
    let config = config(&[("text", "a".into())]);
    let state = create(&config);
    let planned = update(&state, &config);
    assert_eq!(planned.state, state);
    assert!(planned.changed.is_empty() && planned.replace.is_empty());
}

#[test]
fn a_text_that_means_the_same_stays_as_it_was() {
    let before = create(&config(&[
        ("text", "abc".into()),
        ("rules", Value::List(vec![Value::object([("key", Value::from("x"))])])),
    ]));
    let now =
        config(&[("text", "ABC".into()), ("rules", Value::List(vec![Value::object([("key", Value::from("X"))])]))]);
    assert_eq!(update(&before, &now).state, before);
}

#[test]
fn only_what_changes_becomes_unknown() {
    let state = create(&config(&[("text", "a".into())]));
    let sized = update(&state, &config(&[("text", "a".into()), ("size", 4.into())]));
    assert!(sized.state.get("status").is_unknown(), "recomputed on any change");
    assert_eq!(sized.state.get("id"), state.get("id"), "stays");
    assert_eq!(sized.state.get("digest"), state.get("digest"), "its source did not change");
    let reworded = update(&state, &config(&[("text", "b".into())]));
    assert!(reworded.state.get("digest").is_unknown());
}

#[test]
fn what_the_provider_filled_in_stays_though_the_host_proposes_null() {
    let mut state = create(&config(&[]));
    state.set(
        "options",
        Value::object([("fast", Value::from(true)), ("kept", Value::from(true)), ("fixed", Value::from(true))]),
    );
    assert!(propose(Some(&state), &config(&[])).get("options").is_null(), "the host cannot know who gave it");
    assert_eq!(update(&state, &config(&[])).state, state);
}

#[test]
fn replacements_name_the_attribute() {
    let options =
        |fixed: bool| Value::object([("fast", Value::Null), ("kept", Value::Null), ("fixed", Value::Bool(fixed))]);
    let state = create(&config(&[("options", options(false))]));
    let mut renamed = config(&[("options", options(false))]);
    renamed.set("name", "m".into());
    let planned = update(&state, &renamed);
    assert_eq!(paths(&planned.replace), ["name"]);
    assert!(planned.state.get("id").is_unknown(), "a new object gets a new ID");
    let planned = update(&state, &config(&[("options", options(true))]));
    assert_eq!(paths(&planned.replace), ["options.fixed"]);
    let mut unknown = config(&[("options", options(false))]);
    unknown.set("name", Value::UNKNOWN);
    assert_eq!(paths(&update(&state, &unknown).replace), ["name"], "unknown may be another");
}

#[test]
fn nested_defaults_and_kept_values_are_per_attribute() {
    let options = |kept: Value| Value::object([("fast", Value::Null), ("kept", kept), ("fixed", Value::Null)]);
    let config = config(&[("options", options(Value::Null)), ("size", 4.into())]);
    let state = create(&config);
    assert_eq!(state.get("options").get("fast"), &Value::Bool(false));
    assert_eq!(state.get("options").get("kept"), &Value::from("made"));
    let mut other = config.clone();
    other.set("size", 5.into());
    assert_eq!(update(&state, &other).state.get("options"), state.get("options"));
}

fn unset_schema() -> Schema {
    Schema::new("A thing.")
        .with(boolean("locked").initially(false).doc("Locked."))
        .with(string("role").remains("Nobody can change it.").doc("Role."))
        .with(string("note").doc("Note."))
        .with(string("status").computed().doc("Status."))
        .with(
            object(
                "features",
                vec![
                    boolean("proxy").default(false).doc("Proxy."),
                    boolean("skip").initially(false).doc("Skip."),
                    boolean("fixed").default(false).replaces().doc("Fixed."),
                ],
            )
            .initially(Value::object::<&str>([]))
            .doc("Features."),
        )
        .with(
            object("strategy", vec![string("type").required().doc("Type."), number("pace").doc("Pace.")])
                .initially(Value::object([("type", Value::from("Rolling"))]))
                .doc("Strategy."),
        )
}

/// Applies one configuration, lets others change the state, and plans the next configuration.
fn taken_out(first: &[(&str, Value)], others: &[(&str, Value)], second: &[(&str, Value)]) -> (Value, Planned) {
    let schema = unset_schema();
    let config = |entries: &[(&str, Value)]| {
        let mut config = schema.null_object();
        entries.iter().for_each(|(name, value)| config.set(name, value.clone()));
        config
    };
    let (first, second) = (config(first), config(second));
    let made = plan(&schema, None, &propose_in(&schema.attributes, None, &first), &first, None);
    let mut state = applied(&made.state);
    let configured = Configured::of(&schema, &first, &state);
    others.iter().for_each(|(name, value)| state.set(name, value.clone()));
    let proposed = propose_in(&schema.attributes, Some(&state), &second);
    let planned = plan(&schema, Some(&state), &proposed, &second, Some(&configured));
    (state, planned)
}

fn features(proxy: impl Into<Value>, skip: impl Into<Value>, fixed: impl Into<Value>) -> Value {
    Value::object([("proxy", proxy.into()), ("skip", skip.into()), ("fixed", fixed.into())])
}

fn strategy(kind: &str, pace: impl Into<Value>) -> Value {
    Value::object([("type", kind.into()), ("pace", pace.into())])
}

#[test]
fn a_new_object_begins_with_what_is_known_of_it() {
    let (state, planned) = taken_out(&[], &[], &[]);
    assert_eq!(state.get("locked"), &Value::from(false));
    assert_eq!(state.get("features"), &features(false, false, false));
    assert_eq!(state.get("strategy"), &strategy("Rolling", Value::Null));
    assert_eq!(planned.state, state);
    let (state, _) = taken_out(&[("features", features(true, Value::Null, Value::Null))], &[], &[]);
    assert_eq!(state.get("features"), &features(true, false, false));
}

#[test]
fn what_is_taken_out_goes_back_to_how_it_began() {
    let on = features(true, true, Value::Null);
    for (name, given, expected) in [
        ("locked", true.into(), Value::from(false)),
        ("features", on, features(false, false, false)),
        ("strategy", strategy("Rolling", 3), strategy("Rolling", Value::Null)),
        ("strategy", strategy("Unset", Value::Null), strategy("Rolling", Value::Null)),
    ] {
        let (_, planned) = taken_out(&[(name, given.clone())], &[], &[]);
        assert_eq!(planned.state.get(name), &expected, "{name} = {given:?}");
        assert_eq!(planned.left, [], "{name}");
        assert_eq!(paths(&planned.replace), [""; 0], "{name}");
    }
    // One line of an object that stays.
    let kept = features(true, Value::Null, Value::Null);
    let (_, planned) = taken_out(&[("features", features(true, true, Value::Null))], &[], &[("features", kept)]);
    assert_eq!(planned.state.get("features"), &features(true, false, false));
}

#[test]
fn what_others_set_stays_theirs() {
    for (first, others) in [
        // Never configured.
        (vec![], ("locked", Value::from(true))),
        (vec![], ("features", features(true, true, true))),
        // Configured, and changed by somebody since.
        (vec![("locked", false.into())], ("locked", true.into())),
        (vec![("features", features(false, Value::Null, Value::Null))], ("features", features(true, true, false))),
    ] {
        let (state, planned) = taken_out(&first, &[others], &[]);
        assert_eq!(planned.state, state, "{first:?}");
    }
}

#[test]
fn what_cannot_go_back_is_told() {
    let (state, planned) = taken_out(&[("role", "Admin".into())], &[], &[]);
    assert_eq!(planned.state, state);
    assert_eq!(planned.left, [Remaining { path: Path::of("role"), why: "Nobody can change it." }]);
    let (_, planned) = taken_out(&[("features", features(true, Value::Null, true))], &[], &[]);
    assert_eq!(planned.state.get("features"), &features(false, false, true), "nothing is replaced for a missing line");
    assert_eq!(planned.left.iter().map(|l| l.path.to_string()).collect::<Vec<_>>(), ["features.fixed"]);
    assert!(planned.replace.is_empty());
    let (_, planned) = taken_out(&[("role", "Admin".into())], &[("role", "Reader".into())], &[]);
    assert_eq!(planned.left, [], "that is not what was configured");
}

#[test]
fn what_means_nothing_changes_nothing_else() {
    let labels = |entries: &[(&str, Value)]| {
        Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    };
    let state = create(&config(&[("labels", labels(&[("a", "1".into())]))]));
    let now = config(&[("labels", labels(&[("a", "1".into()), ("b", Value::Null)]))]);
    let planned = update(&state, &now);
    assert_eq!(planned.state.get("labels"), now.get("labels"), "hosts want it as it is configured");
    assert_eq!(planned.state.get("status"), state.get("status"));
    assert_eq!(paths(&planned.changed), ["labels"]);
}
