//! The configuration that describes an existing object, for hosts that write one.
//! Left out is what a configuration cannot or need not set: computed and deprecated attributes, write-only values,
//! and values that the object has without being configured.

use super::nothing::means_same;
use super::unset::initial;
use crate::tf::check::Rule;
use crate::tf::schema::{Attribute, Kind, Mode, Schema};
use crate::tf::value::Value;

/// The configuration whose plan for an object in this state has no changes; null for a null state.
///
/// ```
/// use terraform_provider_omni::tf::plan::configuration;
/// use terraform_provider_omni::tf::schema::{Schema, number, string};
/// use terraform_provider_omni::tf::value::Value;
///
/// let schema = Schema::new("Manages a thing.").with_all([
///     string("id").computed(),
///     string("name").required(),
///     number("replicas").default(1),
/// ]);
/// let state = Value::object([("id", "t-1".into()), ("name", "thing".into()), ("replicas", 1.into())]);
/// let config = configuration(&schema, &state);
/// assert_eq!(config.get("name").as_str(), Some("thing"));
/// assert!(config.get("id").is_null() && config.get("replicas").is_null());
/// ```
#[must_use]
pub fn configuration(schema: &Schema, state: &Value) -> Value {
    if state.is_null() {
        return Value::Null;
    }
    let mut config = object(&schema.attributes, state);
    for rule in &schema.rules {
        let (Rule::ExactlyOne(names) | Rule::AtMostOne(names)) = rule else { continue };
        // What the provider fills in by itself may stand beside what is configured, but not in a configuration.
        let is_filled = |name: &&&str| schema.attribute(name).is_some_and(Attribute::computed_mode);
        let set: Vec<_> = names.iter().filter(|name| config.get(name).is_set()).collect();
        for name in set.into_iter().skip(1).filter(|name| is_filled(name)) {
            config.set(name, Value::Null);
        }
    }
    config
}

fn object(attributes: &[Attribute], state: &Value) -> Value {
    Value::object(attributes.iter().map(|attribute| (attribute.name, setting(attribute, state.get(attribute.name)))))
}

/// What the configuration sets an attribute to that has this value.
fn setting(attribute: &Attribute, value: &Value) -> Value {
    let left_out = !attribute.configurable() || attribute.write_only || attribute.deprecated.is_some();
    if left_out || value.is_null() || is_implied(attribute, value) {
        return Value::Null;
    }
    let Kind::Nested(_, nested) = &attribute.kind else { return value.clone() };
    match value {
        Value::List(items) => Value::List(items.iter().map(|item| object(nested, item)).collect()),
        Value::Set(items) => Value::Set(items.iter().map(|item| object(nested, item)).collect()),
        Value::Map(entries) => Value::map(entries.iter().map(|(key, item)| (key.clone(), object(nested, item)))),
        single => object(nested, single),
    }
}

/// Whether the object has this value when the configuration sets none.
fn is_implied(attribute: &Attribute, value: &Value) -> bool {
    if attribute.mode == Mode::Required {
        return false;
    }
    match initial(attribute) {
        Some(initial) => means_same(&initial, value),
        None => means_same(&Value::Null, value) || (attribute.computed_mode() && value.as_str() == Some("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{Nesting, boolean, number, object, objects, plain, string};
    use crate::tf::value::Type;

    fn schema() -> Schema {
        let mut old = string("old");
        old.deprecated = Some("Use `name`.");
        let inner = || vec![string("key").required(), number("size").default(3), string("shown").computed()];
        let mut by_set = objects("by_set", inner());
        by_set.kind = Kind::Nested(Nesting::Set, by_set.nested().to_vec());
        Schema::new("Manages a thing.").with_all([
            string("id").computed(),
            string("name").required(),
            string("label").optional_computed(),
            boolean("paused").initially(false),
            plain("tags", Type::map(Type::String)).optional_computed(),
            string("secret").write_only(),
            old,
            object("one", inner()),
            objects("many", inner()),
            by_set,
        ])
    }

    fn inner(size: i64, shown: bool) -> Value {
        let shown = if shown { Value::from("x") } else { Value::Null };
        let size = if size == 0 { Value::Null } else { size.into() };
        Value::object([("key", "k".into()), ("size", size), ("shown", shown)])
    }

    #[test]
    fn settings() {
        let tags = Value::Map([("a".to_owned(), Value::from("b"))].into());
        for (name, value, expected) in [
            ("id", Value::from("t-1"), Value::Null),
            ("name", "thing".into(), "thing".into()),
            ("name", "".into(), "".into()),
            ("label", "".into(), Value::Null),
            ("label", "l".into(), "l".into()),
            ("paused", false.into(), Value::Null),
            ("paused", true.into(), true.into()),
            ("tags", Value::Map([].into()), Value::Null),
            ("tags", tags.clone(), tags),
            ("secret", "hush".into(), Value::Null),
            ("old", "thing".into(), Value::Null),
            ("one", inner(3, true), inner(0, false)),
            ("one", inner(4, true), inner(4, false)),
            (
                "many",
                Value::List(vec![inner(3, true), inner(5, true)]),
                Value::List(vec![inner(0, false), inner(5, false)]),
            ),
            ("by_set", Value::Set(vec![inner(3, true)]), Value::Set(vec![inner(0, false)])),
        ] {
            let mut state = schema().null_object();
            state.set(name, value.clone());
            assert_eq!(*configuration(&schema(), &state).get(name), expected, "{name}: {value:?}");
        }
    }

    #[test]
    fn one_of_several_keys_is_enough() {
        let schema = Schema::new("Manages a thing.")
            .with_all([string("id").optional_computed(), string("name").optional_computed(), string("note")])
            .rule(Rule::ExactlyOne(&["id", "name"]))
            .rule(Rule::AtMostOne(&["id", "note"]));
        let state = Value::object([("id", "t-1".into()), ("name", "thing".into()), ("note", "n".into())]);
        let config = configuration(&schema, &state);
        assert_eq!(config.get("id").as_str(), Some("t-1"));
        assert!(config.get("name").is_null());
        // What only people set is theirs.
        assert_eq!(config.get("note").as_str(), Some("n"));
    }

    #[test]
    fn an_object_that_nobody_read_has_no_configuration() {
        assert_eq!(configuration(&schema(), &Value::Null), Value::Null);
    }
}
