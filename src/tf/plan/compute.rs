//! Computed values: which of them a plan cannot promise and leaves unknown.

use super::pairs::visit;
use crate::tf::schema::{Attribute, Kind, Recompute, Unset};
use crate::tf::value::Value;
use std::collections::BTreeSet;

/// Sets computed values to unknown if the provider recomputes them, at any depth of the configured values.
///
/// `config` has its defaults; `prior` is null for a new object; `seen` is whether the provider has filled it in before.
/// Elements of lists count as the same object as long as their position is the same.
pub(super) fn compute(
    attributes: &[Attribute],
    prior: &Value,
    config: &Value,
    value: &mut Value,
    seen: bool,
    anew: &dyn Fn(Recompute) -> bool,
) {
    let Value::Object(entries) = value else { return };
    for attribute in attributes {
        let (before, given) = (prior.get(attribute.name), config.get(attribute.name));
        let slot = entries.entry(attribute.name.to_owned()).or_insert(Value::Null);
        if !given.bare().is_null() {
            if let Kind::Nested(nesting, nested) = &attribute.kind {
                visit(*nesting, nested, [before, given], slot, &mut |[before, given], value| {
                    // An element that no configured one claims speaks for itself.
                    let own = value.clone();
                    compute(nested, before, if given.is_null() { &own } else { given }, value, seen, anew);
                });
            }
        } else if attribute.computed_mode() && attribute.unset != Unset::Nothing {
            // Null may mean that nobody has looked yet, so it is no promise to repeat.
            let nothing = before.is_null() && (prior.is_null() || !seen);
            *slot = if nothing || anew(attribute.recompute) { Value::UNKNOWN } else { before.clone() };
        }
    }
}

/// Puts the prior value back where the provider alone decides, at any depth of what is configured.
///
/// A host proposes null for a nested object that holds what a configuration could have given,
/// as it cannot tell a value that was taken out of the configuration from one that never stood there.
/// It also misses elements of sets whose texts are written otherwise than before.
/// The provider can tell: a computed attribute that is not configured is its own.
pub(super) fn carry(attributes: &[Attribute], prior: &Value, config: &Value, value: &mut Value) {
    let Value::Object(entries) = value else { return };
    for attribute in attributes {
        let (before, given) = (prior.get(attribute.name), config.get(attribute.name));
        let Some(slot) = entries.get_mut(attribute.name) else { continue };
        if !given.bare().is_null() {
            if let Kind::Nested(nesting, nested) = &attribute.kind {
                visit(*nesting, nested, [before, given], slot, &mut |[before, given], value| {
                    carry(nested, before, given, value);
                });
            }
        } else if attribute.unset == Unset::Nothing {
            *slot = if super::means_same(before, &Value::Null) { before.clone() } else { Value::Null };
        } else if attribute.computed_mode() && !before.is_null() {
            slot.clone_from(before);
        }
    }
}

/// Computes until nothing more moves: an attribute that becomes unknown may take others with it.
pub(super) fn settle(
    attributes: &[Attribute],
    prior: &Value,
    config: &Value,
    state: Value,
    replaced: bool,
    seen: bool,
) -> Value {
    let differs = |state: &Value| -> BTreeSet<&str> {
        let names = attributes.iter().map(|a| a.name);
        names.filter(|name| !super::means_same(prior.get(name), state.get(name))).collect()
    };
    let mut moved = differs(&state);
    // What means nothing reaches nobody, so nothing is computed from it.
    let idle = moved.is_empty() && !prior.is_null();
    loop {
        // Each round starts from what is configured: elements of sets would not find their partners once they are unknown.
        let mut round = state.clone();
        compute(attributes, prior, config, &mut round, seen, &|recompute| match recompute {
            Recompute::OnAnyChange => !idle,
            // A replacement recomputes everything. The host plans such an object once more
            // without a prior state, and takes that plan; this one only has to be honest.
            Recompute::Never => replaced,
            Recompute::With(names) => replaced || names.iter().any(|name| moved.contains(name)),
        });
        let known = moved.len();
        moved.extend(differs(&round));
        if moved.len() == known {
            return round;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{object, objects, string};

    fn attributes() -> Vec<Attribute> {
        vec![
            string("source").required(),
            string("other"),
            string("third").computed().changes_with(&["second"]),
            string("second").computed().changes_with(&["first"]),
            string("first").computed().changes_with(&["source"]),
            string("id").computed().stays(),
            string("status").computed(),
            objects("list", vec![string("key").required(), string("id").computed().stays()]),
        ]
    }

    fn state(source: &str, other: &str) -> Value {
        let known = |name| (name, Value::from("was"));
        let item = Value::object([("key", Value::from("k")), ("id", Value::from("was"))]);
        Value::object(
            [("source", source.into()), ("other", other.into()), ("list", Value::List(vec![item]))]
                .into_iter()
                .chain(["first", "second", "third", "id", "status"].map(known)),
        )
    }

    /// The names of what is unknown, at the top and in elements.
    fn unknown(source: &str, other: &str, keys: &[&str], replaced: bool) -> Vec<String> {
        let item = |key: &&str| Value::object([("key", Value::from(*key)), ("id", Value::Null)]);
        let mut config = Value::object([("source", Value::from(source)), ("other", other.into())]);
        config.set("list", Value::List(keys.iter().map(item).collect()));
        let mut planned = state(source, other);
        planned.set("list", config.get("list").clone());
        let prior = state("a", "b");
        carry(&attributes(), &prior, &config, &mut planned);
        let planned = settle(&attributes(), &prior, &config, planned, replaced, false);
        let ids = planned.get("list").elements().iter().map(|item| item.get("id"));
        let inner = ids.enumerate().filter(|(_, id)| id.is_unknown()).map(|(i, _)| format!("list[{i}].id"));
        let names = attributes().into_iter().map(|a| a.name).filter(|name| planned.get(name).is_unknown());
        names.map(str::to_owned).chain(inner).collect()
    }

    #[test]
    fn one_change_takes_along_what_depends_on_it() {
        assert_eq!(unknown("a", "x", &["k"], false), ["status"]);
        assert_eq!(unknown("x", "b", &["k"], false), ["third", "second", "first", "status"]);
    }

    #[test]
    fn elements_keep_what_stays_and_new_ones_have_nothing_yet() {
        assert_eq!(unknown("a", "b", &["k", "l"], false), ["status", "list[1].id"]);
    }

    #[test]
    fn nothing_is_a_value_once_the_provider_has_looked() {
        let attributes = vec![string("source"), string("seen").computed().stays()];
        let prior = Value::object([("source", Value::from("a")), ("seen", Value::Null)]);
        let config = Value::object([("source", Value::from("b")), ("seen", Value::Null)]);
        for (prior, looked, open) in [(&prior, true, false), (&prior, false, true), (&Value::Null, true, true)] {
            let planned = settle(&attributes, prior, &config, config.clone(), false, looked);
            assert_eq!(planned.get("seen").is_unknown(), open, "{prior:?} {looked}");
        }
    }

    #[test]
    fn an_object_in_which_nothing_is_set_is_as_good_as_none() {
        let attributes = vec![string("source"), object("one", vec![string("x")]).or_nothing()];
        let one = |x: Value| Value::object([("x", x)]);
        let whole = |value: &Value| Value::object([("source", Value::from("a")), ("one", value.clone())]);
        let (empty, full) = (one(Value::Null), one("1".into()));
        // What was before, and what comes of a configuration without it; a new object has nothing.
        for (before, planned) in [(&empty, &empty), (&Value::Null, &Value::Null), (&full, &Value::Null)] {
            for replaced in [false, true] {
                let (prior, config) = (whole(before), whole(&Value::Null));
                let mut state = prior.clone();
                carry(&attributes, &prior, &config, &mut state);
                let state = settle(&attributes, &prior, &config, state, replaced, true);
                assert_eq!(state.get("one"), planned, "{before:?} {replaced}");
                let new = settle(&attributes, &Value::Null, &config, config.clone(), false, false);
                assert_eq!(new.get("one"), &Value::Null);
            }
        }
    }

    #[test]
    fn a_new_object_computes_everything_anew() {
        assert_eq!(unknown("x", "b", &["k"], true), ["third", "second", "first", "id", "status", "list[0].id"]);
    }
}
