//! Which attributes differ.

use crate::tf::path::Path;
use crate::tf::schema::{Attribute, Kind, Nesting};
use crate::tf::value::Value;

/// The paths of the attributes that differ: down to the leaves of single nested objects, collections as a whole.
#[must_use]
pub fn changes(prior: &Value, now: &Value, attributes: &[Attribute]) -> Vec<Path> {
    let mut found = Vec::new();
    collect(attributes, prior, now, &Path::root(), &mut found);
    found
}

fn collect(attributes: &[Attribute], prior: &Value, now: &Value, at: &Path, found: &mut Vec<Path>) {
    for attribute in attributes {
        let (before, after) = (prior.get(attribute.name), now.get(attribute.name));
        if before == after {
            continue;
        }
        let path = at.attribute(attribute.name);
        match (&attribute.kind, before, after) {
            (Kind::Nested(Nesting::Single, nested), Value::Object(_), Value::Object(_)) => {
                collect(nested, before, after, &path, found);
            }
            _ => found.push(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tf::schema::{object, objects, plain, string};
    use crate::tf::value::Type;

    #[test]
    fn names_leaves_of_single_objects_and_collections_as_a_whole() {
        let inner = || vec![string("x"), string("y")];
        let attributes = vec![
            string("name"),
            object("one", vec![string("x"), object("two", inner())]),
            objects("list", inner()),
            plain("labels", Type::map(Type::String)),
        ];
        let pair = |x: &str, y: &str| Value::object([("x", Value::from(x)), ("y", Value::from(y))]);
        let one = |two: Value| Value::object([("x", Value::from("1")), ("two", two)]);
        let label = |value: &str| Value::Map([("k".to_owned(), Value::from(value))].into());
        for (name, before, now, expected) in [
            ("name", "a".into(), "a".into(), &[][..]),
            ("name", "a".into(), Value::UNKNOWN, &["name"]),
            ("one", one(pair("a", "b")), one(pair("c", "d")), &["one.two.x", "one.two.y"]),
            ("one", one(pair("a", "b")), one(Value::Null), &["one.two"]),
            ("one", Value::Null, one(Value::Null), &["one"]),
            ("list", Value::List(vec![pair("a", "b")]), Value::List(vec![pair("a", "c")]), &["list"]),
            ("labels", label("a"), label("b"), &["labels"]),
        ] {
            let (before, now) = (Value::object([(name, before)]), Value::object([(name, now)]));
            let found: Vec<_> = changes(&before, &now, &attributes).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{before:?} -> {now:?}");
        }
    }
}
