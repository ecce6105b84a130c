//! Semantic equality of strings: an equal one keeps the known string.

use super::pairs::visit;
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, Kind, Meaning, Schema};
use crate::tf::value::Value;

type Same = fn(&str, &str) -> bool;

/// How much of a plain collection may keep its known texts.
#[derive(Clone, Copy)]
pub(super) enum Extent {
    /// All or nothing: a plan may say what is configured or what was before, but no mixture of the two.
    Whole,
    /// Each element by itself: what is read may look as it likes.
    Each,
}

/// The state just read or written, as `known` (a prior state or a plan) has it where that means the same:
/// texts that are written otherwise, and what means nothing at all.
#[must_use]
pub fn keep_same(schema: &Schema, known: &Value, mut state: Value) -> Value {
    keep(&schema.attributes, known, &mut state, Extent::Each);
    keep_meanings(&schema.meanings, known, &mut state);
    super::nothing::keep(&schema.attributes, known, &mut state);
    state
}

/// Puts the known texts in place where they mean the same, each in its own whole.
pub(super) fn keep_meanings(meanings: &[Meaning], known: &Value, state: &mut Value) {
    for meaning in meanings {
        let before = (meaning.of)(known);
        if before.is_some() && before == (meaning.of)(state) {
            put(state, meaning.path, Path::of(meaning.path).lookup(known).clone());
        }
    }
}

/// Puts a text at a path through single objects.
fn put(value: &mut Value, path: &str, text: Value) {
    match (path.split_once('.'), value) {
        (None, whole) => whole.set(path, text),
        (Some((name, rest)), Value::Object(members)) => {
            if let Some(inner) = members.get_mut(name) {
                put(inner, rest, text);
            }
        }
        _ => {}
    }
}

/// Puts the known texts in place, at any depth.
pub(super) fn keep(attributes: &[Attribute], known: &Value, state: &mut Value, extent: Extent) {
    let Value::Object(entries) = state else { return };
    for attribute in attributes {
        let before = known.get(attribute.name);
        let Some(slot) = entries.get_mut(attribute.name) else { continue };
        match (&attribute.kind, attribute.same) {
            (Kind::Plain(_), Some(same)) => keep_plain(same, before, slot, extent),
            (Kind::Plain(_), None) => {}
            (Kind::Nested(nesting, nested), _) => {
                visit(*nesting, nested, [before], slot, &mut |[before], value| keep(nested, before, value, extent));
            }
        }
    }
}

fn keep_plain(same: Same, before: &Value, slot: &mut Value, extent: Extent) {
    if alike(same, before, slot) {
        slot.clone_from(before);
        return;
    }
    match (before, slot, extent) {
        (Value::List(old), Value::List(new), Extent::Each) => {
            old.iter().zip(new).for_each(|(old, new)| keep_plain(same, old, new, extent));
        }
        (Value::Set(old), Value::Set(new), Extent::Each) => {
            for new in new.iter_mut().filter(|new| !old.contains(new)) {
                if let Some(old) = old.iter().find(|old| alike(same, old, new)) {
                    new.clone_from(old);
                }
            }
        }
        (Value::Map(old), Value::Map(new), Extent::Each) => {
            for (key, new) in new {
                if let Some(old) = old.get(key) {
                    keep_plain(same, old, new, extent);
                }
            }
        }
        _ => {}
    }
}

/// Whether two plain values are semantically equal.
fn alike(same: Same, one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(a), Value::String(b)) => a == b || same(a, b),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(same, a, b)),
        (Value::Set(a), Value::Set(b)) => {
            let within = |a: &[Value], b: &[Value]| a.iter().all(|a| b.iter().any(|b| alike(same, a, b)));
            a.len() == b.len() && within(a, b) && within(b, a)
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(same, a, b)))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{objects, plain, string};
    use crate::tf::value::Type;

    fn schema() -> Schema {
        let same: Same = |a, b| a.eq_ignore_ascii_case(b);
        Schema::new("A thing.")
            .with(plain("list", Type::list(Type::String)).same_if(same))
            .with(plain("set", Type::set(Type::String)).same_if(same))
            .with(plain("map", Type::map(Type::String)).same_if(same))
            .with(objects("rules", vec![string("text").same_if(same)]))
    }

    fn texts(all: &[&str]) -> Vec<Value> {
        all.iter().map(|text| Value::from(*text)).collect()
    }

    fn state(all: &[&str]) -> Value {
        let keys = all.iter().enumerate().map(|(i, text)| (i.to_string(), Value::from(*text)));
        Value::object([
            ("list", Value::List(texts(all))),
            ("set", Value::Set(texts(all))),
            ("map", Value::map(keys)),
            ("rules", Value::List(texts(all).into_iter().map(|text| Value::object([("text", text)])).collect())),
        ])
    }

    fn planned(before: &[&str], now: &[&str]) -> Value {
        let mut planned = state(now);
        keep(&schema().attributes, &state(before), &mut planned, Extent::Whole);
        planned
    }

    #[test]
    fn a_plan_keeps_collections_as_a_whole_or_not_at_all() {
        assert_eq!(planned(&["a", "b"], &["A", "B"]), state(&["a", "b"]));
        for now in [&["A", "c"][..], &["A"], &["A", "B", "C"]] {
            let result = planned(&["a", "b"], now);
            for collection in ["list", "set", "map"] {
                assert_eq!(result.get(collection), state(now).get(collection), "{now:?}");
            }
        }
    }

    #[test]
    fn objects_keep_their_texts_one_by_one() {
        assert_eq!(planned(&["a", "b"], &["A", "c", "d"]).get("rules"), state(&["a", "c", "d"]).get("rules"));
    }

    #[test]
    fn what_is_read_keeps_the_texts_of_single_elements() {
        let read = keep_same(&schema(), &state(&["a", "b"]), state(&["A", "c"]));
        assert_eq!(read, state(&["a", "c"]));
    }

    /// A name within a group, with or without the group in front.
    fn within(whole: &Value) -> Option<String> {
        let (group, name) = (whole.get("group").as_str()?, whole.get("one").get("name").as_str()?);
        Some(if name.starts_with(group) { name.to_owned() } else { format!("{group}-{name}") })
    }

    #[test]
    fn a_text_may_mean_something_only_together_with_others() {
        let schema = Schema::new("A thing.")
            .with(string("group"))
            .with(crate::tf::schema::object("one", vec![string("name"), string("other")]))
            .meaning("one.name", within);
        let whole = |group: Value, name: &str, other: &str| {
            let one = Value::object([("name", Value::from(name)), ("other", other.into())]);
            Value::object([("group", group), ("one", one)])
        };
        for (known, state, expected) in [
            (("g", "x"), ("g", "g-x"), "x"),
            (("g", "g-x"), ("g", "x"), "g-x"),
            (("g", "x"), ("g", "g-y"), "g-y"),
            (("h", "x"), ("g", "g-x"), "g-x"),
        ] {
            let (known, state) = (whole(known.0.into(), known.1, "a"), whole(state.0.into(), state.1, "b"));
            let kept = keep_same(&schema, &known, state);
            assert_eq!(kept.get("one"), whole(Value::Null, expected, "b").get("one"), "{known:?}");
        }
        let open = whole(Value::UNKNOWN, "g-x", "b");
        assert_eq!(keep_same(&schema, &whole("g".into(), "x", "a"), open.clone()), open);
        for known in [Value::Null, schema.null_object()] {
            let state = whole("g".into(), "g-x", "b");
            assert_eq!(keep_same(&schema, &known, state.clone()), state);
        }
    }

    #[test]
    fn what_was_not_there_or_is_unknown_changes_nothing() {
        for before in [Value::Null, schema().null_object()] {
            assert_eq!(keep_same(&schema(), &before, state(&["A"])), state(&["A"]));
        }
        let unknown = Value::object([("list", Value::UNKNOWN), ("set", Value::List(vec![Value::UNKNOWN]))]);
        assert_eq!(keep_same(&schema(), &state(&["a"]), unknown.clone()), unknown);
    }
}
