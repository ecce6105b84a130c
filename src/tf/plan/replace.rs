//! Replacements: the attributes whose change forces replacement.

use super::pairs::partners;
use crate::tf::path::Path;
use crate::tf::schema::{Attribute, Kind, Mode, Nesting, Replace};
use crate::tf::value::Value;
use kit::gather::Gather as _;
use std::collections::BTreeSet;

const NULL: &Value = &Value::Null;

/// The paths of the attributes whose change forces replacement.
///
/// Meant to be called before computed values become unknown: what the provider itself will compute is no reason
/// to replace anything, while a configured value that is still unknown is.
pub(crate) fn replacements(attributes: &[Attribute], prior: &Value, planned: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    collect(attributes, prior, planned, &Path::root(), &mut found);
    found
}

fn collect(attributes: &[Attribute], prior: &Value, planned: &Value, at: &Path, found: &mut Vec<Path>) {
    for attribute in attributes.iter().filter(|a| a.mode != Mode::Computed && !a.write_only) {
        let (before, after) = (member(prior, attribute.name), member(planned, attribute.name));
        if super::means_same(before, after) {
            continue;
        }
        let path = at.attribute(attribute.name);
        let anew = match attribute.replace {
            Replace::Never => false,
            Replace::Always => true,
            Replace::If(rule) => rule(before, after),
        };
        if anew {
            found.push(path);
        } else if let Kind::Nested(nesting, nested) = &attribute.kind {
            collect_nested(*nesting, nested, before, after, &path, found);
        }
    }
}

/// Below a nested attribute: pairs of objects by their own paths.
/// An object that appears, vanishes or is still unknown has no path on both sides, so it counts for the attribute that holds it.
fn collect_nested(
    nesting: Nesting,
    nested: &[Attribute],
    before: &Value,
    after: &Value,
    path: &Path,
    found: &mut Vec<Path>,
) {
    let touched = |before: &Value, after: &Value| !replacements(nested, before, after).is_empty();
    let lone = match (nesting, before, after) {
        (Nesting::Single, Value::Object(_), Value::Object(_)) => {
            collect(nested, before, after, path, found);
            false
        }
        (Nesting::List, Value::List(old), Value::List(new)) => {
            for (i, (old, new)) in old.iter().zip(new).enumerate() {
                collect(nested, old, new, &path.index(i), found);
            }
            let paired = old.len().min(new.len());
            old.iter().skip(paired).any(|old| touched(old, NULL))
                || new.iter().skip(paired).any(|new| touched(NULL, new))
        }
        (Nesting::Map, Value::Map(old), Value::Map(new)) => {
            for (key, new) in new {
                if let Some(old) = old.get(key) {
                    collect(nested, old, new, &path.key(key), found);
                }
            }
            old.iter().any(|(key, old)| !new.contains_key(key) && touched(old, NULL))
                || new.iter().any(|(key, new)| !old.contains_key(key) && touched(NULL, new))
        }
        // Elements of a set have no path.
        (Nesting::Set, Value::Set(old), Value::Set(new)) => {
            let partners = partners(nested, new, old);
            let kept: BTreeSet<usize> = partners.iter().flatten().copied().gathered();
            old.iter().enumerate().any(|(i, old)| !kept.contains(&i) && touched(old, NULL))
                || new
                    .iter()
                    .zip(&partners)
                    .any(|(new, partner)| touched(partner.and_then(|i| old.get(i)).unwrap_or(NULL), new))
        }
        _ => {
            objects(before).any(|before| touched(before, if after.is_unknown() { after } else { NULL }))
                || objects(after).any(|after| touched(NULL, after))
        }
    };
    if lone {
        found.push(path.clone());
    }
}

/// The attribute of an object; every attribute of an unknown object is unknown.
fn member<'v>(object: &'v Value, name: &str) -> &'v Value {
    if object.is_unknown() { object } else { object.get(name) }
}

/// The objects that a nested value holds, whatever its nesting; an unknown value may hold anything.
fn objects(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Null => Box::new(std::iter::empty()),
        Value::List(items) | Value::Set(items) => Box::new(items.iter()),
        Value::Map(items) => Box::new(items.values()),
        other => Box::new(std::iter::once(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{object, objects, string};

    fn attributes() -> Vec<Attribute> {
        let inner = || vec![string("fixed").replaces(), string("free")];
        let nested = |name, nesting| {
            let mut attribute = objects(name, inner());
            attribute.kind = Kind::Nested(nesting, inner());
            attribute
        };
        vec![
            string("name").replaces(),
            string("grows").replaces_if(|a, b| a.as_str().map(str::len) > b.as_str().map(str::len)),
            string("status").computed().replaces(),
            object("one", inner()),
            nested("list", Nesting::List),
            nested("set", Nesting::Set),
            nested("map", Nesting::Map),
        ]
    }

    fn item(fixed: &str) -> Value {
        Value::object([("fixed", Some(fixed).filter(|f| !f.is_empty()).into()), ("free", "x".into())])
    }

    fn check(name: &str, before: Value, after: Value, expected: &[&str]) {
        let (before, after) = (Value::object([(name, before)]), Value::object([(name, after)]));
        let found: Vec<_> = replacements(&attributes(), &before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{before:?} -> {after:?}");
    }

    #[test]
    fn plain_attributes() {
        check("name", "a".into(), "a".into(), &[]);
        check("name", "a".into(), "b".into(), &["name"]);
        check("name", "a".into(), Value::Null, &["name"]);
        check("name", "a".into(), Value::UNKNOWN, &["name"]);
        check("grows", "a".into(), "bb".into(), &[]);
        check("grows", "aa".into(), "b".into(), &["grows"]);
        check("status", "a".into(), "b".into(), &[]);
    }

    #[test]
    fn objects_that_stay_are_named_inside() {
        let list = |items: &[&str]| Value::List(items.iter().map(|i| item(i)).collect());
        let map = |items: &[&str]| Value::map(items.iter().map(|i| ((*i).to_owned(), item("a"))));
        check("one", item("a"), item("b"), &["one.fixed"]);
        check("list", list(&["a", "b"]), list(&["a", "c"]), &["list[1].fixed"]);
        check("map", map(&["k"]), Value::Map([("k".to_owned(), item("b"))].into()), &[r#"map["k"].fixed"#]);
    }

    #[test]
    fn objects_that_come_go_or_are_unknown_are_named_outside() {
        let list = |items: &[&str]| Value::List(items.iter().map(|i| item(i)).collect());
        let set = |items: &[&str]| Value::Set(items.iter().map(|i| item(i)).collect());
        let map = |items: &[&str]| Value::map(items.iter().map(|i| ((*i).to_owned(), item("a"))));
        for (name, before, after) in [
            ("one", Value::Null, item("a")),
            ("one", item("a"), Value::Null),
            ("one", item("a"), Value::UNKNOWN),
            ("one", Value::Null, Value::UNKNOWN),
            ("list", list(&["a"]), list(&["a", "b"])),
            ("list", list(&["a", "b"]), list(&["a"])),
            ("list", Value::Null, list(&["a"])),
            ("list", list(&["a"]), Value::UNKNOWN),
            ("set", set(&["a"]), set(&["b"])),
            ("set", set(&["a"]), set(&["a", "b"])),
            ("map", map(&["k"]), map(&["k", "l"])),
            ("map", map(&["k", "l"]), map(&["k"])),
        ] {
            check(name, before, after, &[name]);
        }
    }

    #[test]
    fn objects_without_the_fixed_attribute_come_and_go_freely() {
        check("one", Value::Null, item(""), &[]);
        check("one", item(""), Value::Null, &[]);
        check("list", Value::List(vec![]), Value::List(vec![item("")]), &[]);
        check("set", Value::Set(vec![item("a")]), Value::Set(vec![item(""), item("a")]), &[]);
    }
}
