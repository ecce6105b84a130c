//! The general plan logic: everything about a plan that follows from the schema alone.
//!
//! Hosts hold a provider to rules: a planned value is the configured one, or the prior one if both are set,
//! or, where the configuration gives nothing, whatever the provider computes.
//! What is planned and known is a promise; what cannot be promised is unknown.

mod carry;
mod check;
mod diff;
mod lint;

use super::path::Path;
use super::schema::{Attribute, Kind, Mode, Nesting, Recompute, Replace, Schema};
use super::value::Value;
use std::collections::BTreeMap;

pub use check::validate;
pub use diff::changes;
pub use lint::check_schema;

/// What the schema makes of a configuration.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The state after.
    pub state: Value,
    /// Attributes whose change makes the object anew.
    pub replace: Vec<Path>,
    /// Attributes that change.
    pub changed: Vec<Path>,
}

/// Plans a create or an update.
#[must_use]
pub fn plan(schema: &Schema, prior: Option<&Value>, proposed: &Value, config: &Value) -> Planned {
    let attributes = &schema.attributes;
    let mut state = with_defaults(schema, proposed, config);
    drop_write_only(attributes, &mut state);
    let Some(prior) = prior else {
        compute(attributes, None, config, &mut state, &|_| true);
        return Planned { changed: diff::changes(&Value::Null, &state, attributes), replace: Vec::new(), state };
    };
    carry::carry(attributes, prior, config, &mut state);
    // Writing a text otherwise is no change: the prior one, or the configured one, is all that a plan may say.
    same_texts(attributes, prior, &mut state);
    if &state == prior {
        return Planned { state, replace: Vec::new(), changed: Vec::new() };
    }
    let changed_at_top = |name: &str| prior.get(name) != state.get(name);
    let moved: Vec<&str> = attributes.iter().map(|a| a.name).filter(|name| changed_at_top(name)).collect();
    let mut replace = Vec::new();
    replacements(attributes, prior, &state, &Path::root(), &mut replace);
    // An object that is made anew computes everything anew. The host plans such an object once more
    // without a prior state, and takes that plan; this one only has to be honest.
    let anew = !replace.is_empty();
    compute(attributes, Some(prior), config, &mut state, &|recompute| match recompute {
        Recompute::OnAnyChange => true,
        Recompute::Never => anew,
        Recompute::With(names) => anew || names.iter().any(|name| moved.contains(name)),
    });
    Planned { changed: diff::changes(prior, &state, attributes), replace, state }
}

/// Fills in the defaults where the configuration gives nothing; a nested object that is not set stays unset.
#[must_use]
pub fn with_defaults(schema: &Schema, value: &Value, config: &Value) -> Value {
    let mut value = value.clone();
    defaults(&schema.attributes, config, &mut value);
    value
}

fn defaults(attributes: &[Attribute], config: &Value, value: &mut Value) {
    let Value::Object(entries) = value else { return };
    for attribute in attributes {
        let given = config.get(attribute.name);
        let slot = entries.entry(attribute.name.to_owned()).or_insert(Value::Null);
        match (&attribute.default, &attribute.kind) {
            (Some(default), _) if given.is_null() => *slot = default.clone(),
            (_, Kind::Nested(nesting, nested)) if !given.is_null() => {
                each_nested(*nesting, given, slot, &mut |given, value| defaults(nested, given, value));
            }
            _ => {}
        }
    }
}

/// Pairs the objects of a nested attribute: by position, by key; those of a set by position too, as both come from one configuration.
fn each_nested(nesting: Nesting, one: &Value, other: &mut Value, each: &mut impl FnMut(&Value, &mut Value)) {
    match (nesting, one, other) {
        (Nesting::Single, one, other) => each(one, other),
        (_, Value::List(a) | Value::Set(a), Value::List(b) | Value::Set(b)) if a.len() == b.len() => {
            a.iter().zip(b).for_each(|(a, b)| each(a, b));
        }
        (_, Value::Map(a), Value::Map(b)) => {
            for (key, b) in b {
                if let Some(a) = a.get(key) {
                    each(a, b);
                }
            }
        }
        _ => {}
    }
}

/// Makes write-only values null, at any depth: they are in the configuration alone.
pub fn drop_write_only(attributes: &[Attribute], value: &mut Value) {
    let Value::Object(entries) = value else { return };
    for attribute in attributes {
        if let Some(slot) = entries.get_mut(attribute.name) {
            if attribute.write_only {
                *slot = Value::Null;
            } else if let Kind::Nested(_, nested) = &attribute.kind {
                each_element(slot, &mut |v| drop_write_only(nested, v));
            }
        }
    }
}

fn each_element(value: &mut Value, each: &mut impl FnMut(&mut Value)) {
    match value {
        Value::List(items) | Value::Set(items) => items.iter_mut().for_each(each),
        Value::Map(entries) => entries.values_mut().for_each(each),
        other => each(other),
    }
}

fn keep_text(same: Option<fn(&str, &str) -> bool>, before: &Value, slot: &mut Value) {
    let Some(same) = same else { return };
    match (before, &mut *slot) {
        (Value::String(old), Value::String(new)) if old != new && same(old, new) => new.clone_from(old),
        // Elements keep their text one by one, as long as nothing was added or taken out.
        (Value::List(old), Value::List(new)) if old.len() == new.len() => {
            old.iter().zip(new).for_each(|(old, new)| keep_text(Some(same), old, new));
        }
        (Value::Map(old), Value::Map(new)) => {
            for (key, new) in new {
                if let Some(old) = old.get(key) {
                    keep_text(Some(same), old, new);
                }
            }
        }
        _ => {}
    }
}

/// The state just read, with the texts of `known` (a prior state or a plan) where they mean the same.
#[must_use]
pub fn keep_same(schema: &Schema, known: &Value, mut state: Value) -> Value {
    same_texts(&schema.attributes, known, &mut state);
    state
}

fn same_texts(attributes: &[Attribute], known: &Value, state: &mut Value) {
    let Value::Object(entries) = state else { return };
    for attribute in attributes {
        let before = known.get(attribute.name);
        let Some(slot) = entries.get_mut(attribute.name) else { continue };
        match &attribute.kind {
            Kind::Plain(_) => keep_text(attribute.same, before, slot),
            Kind::Nested(nesting, nested) => {
                each_nested(*nesting, before, slot, &mut |before, value| same_texts(nested, before, value));
            }
        }
    }
}

/// Makes unknown what the provider computes and the configuration does not give.
fn compute(
    attributes: &[Attribute],
    prior: Option<&Value>,
    config: &Value,
    value: &mut Value,
    anew: &dyn Fn(Recompute) -> bool,
) {
    let Value::Object(entries) = value else { return };
    for attribute in attributes {
        let given = config.get(attribute.name);
        let before = prior.map(|p| p.get(attribute.name)).filter(|v| !v.is_null());
        let slot = entries.entry(attribute.name.to_owned()).or_insert(Value::Null);
        let computed = given.is_null() && attribute.computed_mode() && attribute.default.is_none();
        if computed {
            let stays = before.is_some() && !anew(attribute.recompute);
            if !stays {
                *slot = Value::UNKNOWN;
            }
        } else if let Kind::Nested(nesting, nested) = &attribute.kind
            && !given.is_null()
        {
            nested_compute(*nesting, nested, before, given, slot, anew);
        }
    }
}

fn nested_compute(
    nesting: Nesting,
    nested: &[Attribute],
    before: Option<&Value>,
    given: &Value,
    slot: &mut Value,
    anew: &dyn Fn(Recompute) -> bool,
) {
    // Elements of a set have no names by which to find them again.
    let before_of = |at: &str| -> Option<Value> {
        match (nesting, before?) {
            (Nesting::Single, object) => Some(object.clone()),
            (Nesting::List, Value::List(items)) => items.get(at.parse::<usize>().ok()?).cloned(),
            (Nesting::Map, Value::Map(entries)) => entries.get(at).cloned(),
            _ => None,
        }
        .filter(|v| matches!(v, Value::Object(_)))
    };
    match (given, slot) {
        (Value::List(given) | Value::Set(given), Value::List(items) | Value::Set(items)) => {
            for (i, (given, item)) in given.iter().zip(items).enumerate() {
                compute(nested, before_of(&i.to_string()).as_ref(), given, item, anew);
            }
        }
        (Value::Map(given), Value::Map(items)) => {
            for (key, item) in items {
                if let Some(given) = given.get(key) {
                    compute(nested, before_of(key).as_ref(), given, item, anew);
                }
            }
        }
        (given, slot) => compute(nested, before_of("").as_ref(), given, slot, anew),
    }
}

/// The attributes whose change makes the object anew.
fn replacements(attributes: &[Attribute], prior: &Value, planned: &Value, at: &Path, found: &mut Vec<Path>) {
    for attribute in attributes {
        let (before, after) = (prior.get(attribute.name), planned.get(attribute.name));
        if before == after || (attribute.mode == Mode::Computed) {
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
            nested_replacements(*nesting, nested, before, after, &path, found);
        }
    }
}

fn nested_replacements(
    nesting: Nesting,
    nested: &[Attribute],
    before: &Value,
    after: &Value,
    path: &Path,
    found: &mut Vec<Path>,
) {
    match (nesting, before, after) {
        (Nesting::Single, Value::Object(_), Value::Object(_)) => replacements(nested, before, after, path, found),
        (Nesting::List, Value::List(before), Value::List(after)) => {
            for (i, (before, after)) in before.iter().zip(after).enumerate() {
                replacements(nested, before, after, &path.index(i), found);
            }
        }
        (Nesting::Map, Value::Map(before), Value::Map(after)) => {
            let null = Value::Object(BTreeMap::new());
            for (key, after) in after {
                replacements(nested, before.get(key).unwrap_or(&null), after, &path.key(key), found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
