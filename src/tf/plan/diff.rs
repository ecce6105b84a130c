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
