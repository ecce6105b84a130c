//! Configured values without a meaning: a null element of a collection, an object in which every attribute is null,
//! an empty collection. No service stores them, so a read does not return them;
//! hosts expect the configured value.

use super::pairs::visit;
use crate::tf::schema::{Attribute, Kind};
use crate::tf::value::Value;
use kit::gather::Gather as _;
use std::collections::BTreeMap;

/// Whether two values differ only in values without a meaning.
#[must_use]
pub fn means_same(one: &Value, other: &Value) -> bool {
    one == other || essence(one) == essence(other)
}

fn essence(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().map(|(name, value)| (name.clone(), essence(value))).gathered();
            if members.values().all(Value::is_null) { Value::Null } else { Value::Object(members) }
        }
        Value::Map(entries) => {
            let there = entries.iter().filter(|(_, value)| !value.is_null());
            let entries: BTreeMap<_, _> = there.map(|(key, value)| (key.clone(), element(value))).gathered();
            if entries.is_empty() { Value::Null } else { Value::Map(entries) }
        }
        Value::List(items) => elements(items, Value::List),
        Value::Set(items) => elements(items, Value::Set),
        other => other.clone(),
    }
}

fn elements(items: &[Value], collection: fn(Vec<Value>) -> Value) -> Value {
    let items: Vec<_> = items.iter().filter(|item| !item.is_null()).map(element).collect();
    if items.is_empty() { Value::Null } else { collection(items) }
}

/// An element that is there counts, though nothing is set in it.
fn element(value: &Value) -> Value {
    match essence(value) {
        Value::Null => Value::Object(BTreeMap::new()),
        value => value,
    }
}

/// Restores such values in `state` from `known` (a prior state or a plan), at any depth.
pub(super) fn keep(attributes: &[Attribute], known: &Value, state: &mut Value) {
    let Value::Object(entries) = state else { return };
    for attribute in attributes.iter().filter(|a| a.configurable() && !a.write_only) {
        let before = known.get(attribute.name);
        let Some(slot) = entries.get_mut(attribute.name) else { continue };
        // Null means nothing for an attribute that the provider may set.
        if before.is_unknown() || (before.is_null() && attribute.computed_mode()) || before == slot {
            continue;
        }
        // A null that the provider itself puts into a map is there for a reason.
        if means_same(before, slot) && !has_more_nulls(before, slot) {
            slot.clone_from(before);
            continue;
        }
        if let (Value::Map(old), Value::Map(new)) = (before, &mut *slot) {
            for (key, _) in old.iter().filter(|(_, value)| value.is_null()) {
                new.entry(key.clone()).or_insert(Value::Null);
            }
        }
        if let Kind::Nested(nesting, nested) = &attribute.kind {
            visit(*nesting, nested, [before], slot, &mut |[before], value| keep(nested, before, value));
        }
    }
}

fn has_more_nulls(before: &Value, now: &Value) -> bool {
    let Value::Map(now) = now else { return false };
    let known = |key| before.entries().is_some_and(|before| before.contains_key(key));
    now.iter().any(|(key, value)| value.is_null() && !known(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{object, objects, plain, string};
    use crate::tf::value::Type;

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())))
    }

    fn one(x: Value, y: Value) -> Value {
        Value::object([("x", x), ("y", y)])
    }

    #[test]
    fn what_means_nothing() {
        let nothing = [
            Value::Null,
            map(&[]),
            map(&[("k", Value::Null)]),
            Value::List(vec![]),
            Value::List(vec![Value::Null]),
            Value::Set(vec![Value::Null]),
            Value::object::<&str>([]),
            one(Value::Null, map(&[])),
            one(Value::Null, one(Value::Null, Value::Null)),
        ];
        let something = [
            Value::UNKNOWN,
            "".into(),
            false.into(),
            map(&[("k", Value::UNKNOWN)]),
            map(&[("k", "".into())]),
            map(&[("k", one(Value::Null, Value::Null))]),
            Value::List(vec![one(Value::Null, Value::Null)]),
            one(Value::Null, false.into()),
        ];
        for value in &nothing {
            assert!(means_same(value, &Value::Null), "{value:?}");
            assert!(something.iter().all(|other| !means_same(value, other)), "{value:?}");
        }
        assert!(means_same(&map(&[("a", "1".into()), ("b", Value::Null)]), &map(&[("a", "1".into())])));
        assert!(!means_same(&map(&[("a", "1".into())]), &map(&[("a", "2".into())])));
    }

    #[test]
    fn what_was_configured_comes_back() {
        let inner = || vec![string("x"), string("y")];
        let attributes = vec![
            plain("map", Type::map(Type::String)),
            plain("list", Type::list(Type::String)),
            plain("filled", Type::map(Type::String)).optional_computed(),
            plain("computed", Type::map(Type::String)).computed(),
            object("one", inner()),
            object("outer", vec![object("inner", inner()), string("z")]),
            objects("all", inner()),
        ];
        let nulls = one(Value::Null, Value::Null);
        for (name, known, read, kept) in [
            ("map", map(&[("a", Value::Null)]), Value::Null, None),
            ("map", map(&[]), Value::Null, None),
            ("map", Value::Null, map(&[]), None),
            (
                "map",
                map(&[("a", Value::Null), ("b", "1".into())]),
                map(&[("b", "2".into())]),
                Some(map(&[("a", Value::Null), ("b", "2".into())])),
            ),
            ("map", map(&[("a", Value::Null)]), map(&[("a", "theirs".into())]), Some(map(&[("a", "theirs".into())]))),
            (
                "map",
                map(&[("a", Value::Null)]),
                map(&[("b", Value::Null)]),
                Some(map(&[("a", Value::Null), ("b", Value::Null)])),
            ),
            ("list", Value::List(vec!["a".into(), Value::Null]), Value::List(vec!["a".into()]), None),
            ("filled", map(&[("a", Value::Null)]), map(&[]), None),
            ("filled", Value::Null, map(&[]), Some(map(&[]))),
            ("filled", Value::UNKNOWN, map(&[]), Some(map(&[]))),
            ("computed", map(&[("a", Value::Null)]), map(&[]), Some(map(&[]))),
            ("one", nulls.clone(), Value::Null, None),
            ("one", Value::Null, nulls.clone(), None),
            ("one", nulls.clone(), one("a".into(), Value::Null), Some(one("a".into(), Value::Null))),
            (
                "outer",
                Value::object([("inner", nulls.clone()), ("z", "1".into())]),
                Value::object([("inner", Value::Null), ("z", "2".into())]),
                Some(Value::object([("inner", nulls.clone()), ("z", "2".into())])),
            ),
            ("all", Value::List(vec![nulls.clone()]), Value::List(vec![]), Some(Value::List(vec![]))),
        ] {
            let mut state = Value::object([(name, read.clone())]);
            keep(&attributes, &Value::object([(name, known.clone())]), &mut state);
            assert_eq!(state.get(name), kept.as_ref().unwrap_or(&known), "{name}: {known:?}, {read:?}");
        }
    }
}
