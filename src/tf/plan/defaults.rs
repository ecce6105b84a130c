//! Defaults: the values where the configuration gives none.

use super::pairs::visit;
use crate::tf::schema::{Attribute, Kind, Schema};
use crate::tf::value::Value;

/// Fills in the defaults where the configuration gives nothing; a nested object that is not set stays unset,
/// unless it has a default itself, which gets the defaults of its attributes in the same way.
#[must_use]
pub fn with_defaults(schema: &Schema, value: &Value, config: &Value) -> Value {
    let mut value = value.clone();
    fill(&schema.attributes, config, &mut value);
    value
}

fn fill(attributes: &[Attribute], config: &Value, value: &mut Value) {
    let Value::Object(entries) = value else { return };
    for attribute in attributes {
        let slot = entries.entry(attribute.name.to_owned()).or_insert(Value::Null);
        let given = match &attribute.default {
            Some(default) if config.get(attribute.name).bare().is_null() => {
                slot.clone_from(default);
                default
            }
            _ => config.get(attribute.name),
        };
        if let Kind::Nested(nesting, nested) = &attribute.kind
            && !given.is_null()
        {
            visit(*nesting, nested, [given], slot, &mut |[given], value| {
                // An element that no configured one claims speaks for itself.
                let own = value.clone();
                fill(nested, if given.is_null() { &own } else { given }, value);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{Nesting, boolean, number, object, objects, string};

    fn schema() -> Schema {
        let inner = || vec![boolean("on").default(true), number("size")];
        let mut by_set = objects("by_set", vec![string("key").required(), number("size").default(3)]);
        by_set.kind = Kind::Nested(Nesting::Set, by_set.nested().to_vec());
        Schema::new("A thing.")
            .with(number("count").default(1))
            .with(object("plain", inner()))
            .with(object("filled", inner()).default(Value::object([("size", Value::from(2))])))
            .with(objects("list", inner()))
            .with(by_set)
    }

    fn inner(on: Value, size: Value) -> Value {
        Value::object([("on", on), ("size", size)])
    }

    #[test]
    fn nothing_set_gets_the_defaults_and_no_objects() {
        let config = schema().null_object();
        let filled = with_defaults(&schema(), &config, &config);
        assert_eq!(filled.get("count"), &Value::from(1));
        assert!(filled.get("plain").is_null() && filled.get("list").is_null());
        assert_eq!(filled.get("filled"), &inner(true.into(), 2.into()), "a default is complete");
    }

    #[test]
    fn what_is_set_keeps_its_place_and_gets_its_own_defaults() {
        let mut config = schema().null_object();
        config.set("plain", inner(Value::Null, 5.into()));
        config.set("list", Value::List(vec![inner(false.into(), Value::Null), inner(Value::UNKNOWN, Value::Null)]));
        config.set("filled", Value::UNKNOWN);
        let filled = with_defaults(&schema(), &config, &config);
        assert_eq!(filled.get("plain"), &inner(true.into(), 5.into()));
        assert_eq!(filled.get("list"), config.get("list"));
        assert!(filled.get("filled").is_unknown());
    }

    #[test]
    fn a_host_may_hand_over_sets_in_another_order() {
        let item = |key: &str, size: Value| Value::object([("key", key.into()), ("size", size)]);
        let mut config = schema().null_object();
        config.set("by_set", Value::Set(vec![item("a", 7.into()), item("b", Value::Null)]));
        let mut proposed = config.clone();
        proposed.set("by_set", Value::Set(vec![item("b", 9.into()), item("a", 7.into())]));
        let filled = with_defaults(&schema(), &proposed, &config);
        assert_eq!(filled.get("by_set"), &Value::Set(vec![item("a", 7.into()), item("b", 3.into())]));
    }
}
