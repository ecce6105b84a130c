//! The spec of a configuration as a document, and what a spec in Omni looks like beside it.

use crate::omni::spec::form::{Fault, Form, Mistake, Secrets, Step};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::path::Path;
use crate::tf::value::{Type, Value};
use crate::tf::wire::to_json;
use kit::gather::Gather as _;
use kit::yaml;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// The forms of a spec: an object, the same as text, and the part that no plan and no state contains.
pub(super) const SPEC: &str = "spec";
pub(super) const YAML: &str = "yaml";
pub(super) const SECRET: &str = "spec_wo";

/// A value as a document; what is not known yet is null, and so sets nothing.
pub(super) fn of_value(value: &Value) -> Json {
    match value.bare() {
        Value::List(all) | Value::Set(all) | Value::Tuple(all) => all.iter().map(of_value).collect(),
        Value::Map(all) | Value::Object(all) => {
            Json::Object(all.iter().map(|(name, value)| (name.clone(), of_value(value))).gathered())
        }
        other => to_json(other),
    }
}

/// The document in a text; `None` where it is none, which a check has told.
pub(super) fn of_text(text: &str) -> Option<Json> {
    let mut documents = yaml::parse_documents(text).ok()?;
    if documents.len() > 1 {
        return None;
    }
    documents.pop().filter(Json::is_object)
}

/// What a state or a configuration says of the spec, without secrets; `None` where it says nothing.
pub(super) fn of_state(state: &Value) -> Option<Json> {
    match (state.get(SPEC).bare(), state.get(YAML)) {
        (Value::Null, Value::String(text)) => of_text(text),
        (Value::Null | Value::Unknown(_), _) => None,
        (spec, _) => Some(of_value(spec)),
    }
}

/// Everything that a plan and its configuration set in the spec.
pub(super) fn of_plan(planned: &Value, config: &Value) -> Json {
    let open = of_state(planned).unwrap_or_else(|| Json::Object(Map::new()));
    let secret = config.get(SECRET).bare();
    if secret.is_set() { over(open, of_value(secret)) } else { open }
}

/// One document with what another one sets.
fn over(one: Json, other: Json) -> Json {
    match (one, other) {
        (Json::Object(mut one), Json::Object(other)) => {
            for (name, value) in other {
                let merged = match one.remove(&name) {
                    Some(before) => over(before, value),
                    None => value,
                };
                one.insert(name, merged);
            }
            Json::Object(one)
        }
        (one, Json::Null) => one,
        (_, other) => other,
    }
}

/// A document as a value of the type that `value` has where the two say the same.
pub(super) fn like(value: &Value, document: &Json) -> Value {
    match value {
        Value::Dynamic(of, inner) => {
            let (of, value) = typed(of, inner, document);
            Value::Dynamic(of, Box::new(value))
        }
        _ => Value::dynamic(document),
    }
}

fn typed(of: &Type, value: &Value, document: &Json) -> (Type, Value) {
    if of_value(value) == *document {
        return (of.clone(), value.clone());
    }
    match (of, value, document) {
        (Type::Object(types, _), Value::Object(values), Json::Object(entries)) => {
            let each = entries.iter().map(|(name, now)| {
                let (of, value) = match (types.get(name), values.get(name)) {
                    (Some(of), Some(value)) => typed(of, value, now),
                    _ => Value::of_json(now),
                };
                ((name.clone(), of), (name.clone(), value))
            });
            let (types, values) = each.unzip();
            (Type::Object(types, BTreeSet::new()), Value::Object(values))
        }
        _ => Value::of_json(document),
    }
}

/// The documents of a configuration, by the attributes that hold them.
pub(super) fn given(config: &Value) -> Vec<(&'static str, Json)> {
    let text = config.get(YAML).as_str().and_then(of_text).map(|document| (YAML, document));
    let objects = [SPEC, SECRET].into_iter().filter_map(|name| {
        let value = config.get(name).bare();
        value.is_set().then(|| (name, of_value(value)))
    });
    text.into_iter().chain(objects).collect()
}

/// Says what is wrong with the spec of a configuration, on the attributes that hold it.
pub(super) fn check(form: &Form, noun: &str, config: &Value, diags: &mut Diagnostics) {
    let spec = config.get(SPEC).bare();
    let refuse = |at: &'static str, problem: &str, hint: &str| {
        Diagnostic::error(format!("Invalid spec of `{noun}`"), problem).hint(hint).at(Path::of(at))
    };
    for (name, value) in [(SPEC, spec), (SECRET, config.get(SECRET).bare())] {
        if value.is_set() && !matches!(value, Value::Object(_) | Value::Map(_)) {
            diags.push(refuse(
                name,
                "It is no object.",
                "Write it as an object whose attributes are the fields of the type.",
            ));
            return;
        }
    }
    let open = match config.get(YAML).as_str() {
        Some(text) => of_text(text).map(|document| (YAML, document)),
        None => spec.is_set().then(|| (SPEC, of_value(spec))),
    };
    if let Some((at, document)) = &open {
        if document.get("metadata").is_some() && document.get(SPEC).is_some() {
            diags.push(refuse(
                at,
                "It is a whole resource, with `metadata` and `spec`.",
                "Set its `spec` alone here, and the rest in `type`, `id`, `labels` and `annotations`. The function `resource_decode_multi` reads such texts.",
            ));
            return;
        }
        for mistake in form.mistakes(document, Secrets::LeftOut) {
            diags.push(diagnostic(noun, at, &mistake));
        }
    }
    let secret = config.get(SECRET).bare();
    if !secret.is_set() {
        return;
    }
    let secret = of_value(secret);
    for mistake in form.mistakes(&secret, Secrets::Included) {
        diags.push(diagnostic(noun, SECRET, &mistake));
    }
    let Some((at, open)) = open else { return };
    let [open, secret] = [open, secret].map(|document| form.paths(&document));
    if let Some(twice) = secret.iter().find(|path| open.iter().any(|other| overlap(path, other))) {
        diags.push(refuse(
            SECRET,
            &format!("`{twice}` is set in `{at}` and in `{SECRET}`."),
            &format!("Set it in `{SECRET}` alone if it is a secret, and in `{at}` alone otherwise."),
        ));
    }
}

/// Whether one path leads to the other one, or into it.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let leads = |a: &str, b: &str| b.strip_prefix(a).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    leads(one, other) || leads(other, one)
}

fn diagnostic(noun: &str, at: &'static str, mistake: &Mistake) -> Diagnostic {
    let mut path = Path::of(at);
    for step in &mistake.path {
        path = match step {
            Step::Field(name) => path.attribute(name),
            Step::Key(key) => path.key(key),
            Step::Index(index) => path.index(*index),
        };
    }
    let detail = format!("At `{path}`: {}", mistake.problem);
    let hint = match mistake.fault {
        Fault::Secret => format!("Set it in `{SECRET}`, which neither plan nor state contains."),
        Fault::Name => "Correct or remove it. The fields have the names of the Protobuf message of the type, as `omnictl get -o yaml` prints them.".to_owned(),
        Fault::Value => format!("Set such a value, or remove `{path}` to leave the field as it is."),
    };
    Diagnostic::error(format!("Invalid spec of `{noun}`"), detail).hint(hint).at(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec::Spec;
    use omni_proto::specs::{ClusterSpec, EtcdBackupS3ConfSpec};
    use serde_json::json;

    #[test]
    fn a_value_keeps_its_type_where_it_says_the_same() {
        let args = Value::List(vec!["a".into(), "b".into()]);
        let of = Type::object([("args", Type::list(Type::String)), ("n", Type::Number)]);
        let value = Value::Dynamic(of.clone(), Box::new(Value::object([("args", args.clone()), ("n", 1.into())])));
        assert_eq!(like(&value, &json!({ "args": ["a", "b"], "n": 1 })), value);
        let changed = like(&value, &json!({ "args": ["a", "b"], "n": 2 }));
        let expected = Value::object([("args", args), ("n", 2.into())]);
        assert_eq!(changed, Value::Dynamic(of, Box::new(expected)));
        let Value::Dynamic(of, _) = like(&value, &json!({ "args": null, "n": 1 })) else { panic!("a dynamic value") };
        assert_eq!(of, Type::object([("args", Type::Dynamic), ("n", Type::Number)]));
    }

    #[test]
    fn the_parts_of_a_spec_are_one_document() {
        let spec = Value::dynamic(&json!({ "bucket": "b", "region": null }));
        let planned = Value::object([(SPEC, spec)]);
        let config = Value::object([(SECRET, Value::dynamic(&json!({ "secret_access_key": "hush" })))]);
        let whole = json!({ "bucket": "b", "region": null, "secret_access_key": "hush" });
        assert_eq!(of_plan(&planned, &config), whole);
        let planned = Value::object([(YAML, Value::from("bucket: b\n"))]);
        assert_eq!(of_plan(&planned, &Value::Null), json!({ "bucket": "b" }));
        assert_eq!(of_plan(&Value::Null, &Value::Null), json!({}));
    }

    fn said<S: Spec>(config: &[(&'static str, Value)]) -> Vec<String> {
        let config = Value::object(config.iter().map(|(name, value)| (*name, value.clone())));
        let mut diags = Diagnostics::new();
        check(&Form::of(S::KIND).unwrap(), "Things", &config, &mut diags);
        diags.iter().map(|d| format!("{}: {}", d.path.clone().unwrap_or_default(), d.detail)).collect()
    }

    #[test]
    fn mistakes_are_told_on_the_attribute() {
        let object = |json: Json| Value::dynamic(&json);
        assert_eq!(said::<ClusterSpec>(&[(SPEC, object(json!({ "talos_version": "1" })))]), [""; 0]);
        for (config, path, part) in [
            (
                vec![(SPEC, object(json!({ "features": { "x": 1 } })))],
                "spec.features.x",
                "At `spec.features.x`: There is no",
            ),
            (vec![(YAML, "features: {x: 1}".into())], "yaml.features.x", "At `yaml.features.x`: There is no"),
            (vec![(SPEC, object(json!("text")))], "spec", "no object"),
            (vec![(YAML, "metadata: {}\nspec: {}".into())], "yaml", "whole resource"),
        ] {
            let told = said::<ClusterSpec>(&config);
            assert!(told.len() == 1 && told[0].starts_with(&format!("{path}: ")) && told[0].contains(part), "{told:?}");
        }
        let secret = object(json!({ "secret_access_key": "hush" }));
        let told = said::<EtcdBackupS3ConfSpec>(&[(SPEC, secret.clone())]);
        assert!(told.len() == 1 && told[0].contains("holds a secret") && !told[0].contains("hush"), "{told:?}");
        assert_eq!(said::<EtcdBackupS3ConfSpec>(&[(SECRET, secret)]), [""; 0]);
        let bucket = |name: &'static str| (name, object(json!({ "bucket": "b" })));
        let told = said::<EtcdBackupS3ConfSpec>(&[bucket(SPEC), bucket(SECRET)]);
        assert!(told.len() == 1 && told[0].contains("`bucket` is set in `spec` and in `spec_wo`"), "{told:?}");
    }
}
