//! The general plan logic: everything about a plan that follows from the schema alone.
//!
//! Hosts enforce rules: a planned value is the configured one, or the prior one if both are set,
//! or, if the configuration sets none, whatever the provider computes.
//! A known planned value is a guarantee; what cannot be guaranteed is unknown.
//! This module knows no encoding and no resource type.

mod check;
mod compute;
mod defaults;
mod diff;
mod generate;
#[cfg(test)]
mod legality;
mod lint;
mod nothing;
mod pairs;
mod promise;
mod replace;
mod since;
#[cfg(test)]
mod tests;
mod texts;
mod unset;

use super::path::Path;
use super::schema::{Attribute, Kind, Schema};
use super::value::Value;
use super::write_only;

pub use check::validate;
pub use defaults::with_defaults;
pub use diff::changes;
pub use generate::configuration;
pub use lint::check_schema;
pub use nothing::means_same;
pub use promise::keep_promises;
pub(crate) use replace::replacements;
pub use since::needed;
pub use texts::keep_same;
pub use unset::{Configured, Remaining, initial};

/// The plan that follows from a schema and a configuration.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The planned state.
    pub state: Value,
    /// The attributes whose change forces replacement.
    pub replace: Vec<Path>,
    /// The attributes that change.
    pub changed: Vec<Path>,
    /// The values that are kept although the configuration no longer sets them.
    pub left: Vec<Remaining>,
}

/// Plans a create or an update, in this order: defaults, attributes that are no longer configured, write-only values,
/// semantic equality, digests of secrets, replacements, computed values.
///
/// `prior` is `None` for a create. `proposed` is the state that the host proposes. `configured` is what the last
/// configuration set; `None` for an object that this provider has not planned before.
/// Without a change the plan equals the prior state.
/// Elements of nested lists are compared by position, those of maps by key, and those of sets by their configured
/// attributes; equal ones in order.
///
/// ```
/// use terraform_provider_omni::tf::plan::plan;
/// use terraform_provider_omni::tf::schema::{Schema, number, string};
/// use terraform_provider_omni::tf::value::Value;
///
/// let schema = Schema::new("A box.").with_all([
///     string("name").required().replaces(),
///     number("size").default(1_i64),
///     string("id").computed().stays(),
/// ]);
/// let object = |name: &str, size: Value, id: Value| Value::object([("name", name.into()), ("size", size), ("id", id)]);
/// let config = |name| object(name, Value::Null, Value::Null);
///
/// // A create has its defaults, and computed values are known after apply.
/// let created = plan(&schema, None, &config("a"), &config("a"), None);
/// assert_eq!(created.state, object("a", Value::from(1), Value::UNKNOWN));
///
/// let prior = object("a", Value::from(1), "x".into());
/// for (name, replace, id) in [("a", false, "x".into()), ("b", true, Value::UNKNOWN)] {
///     let proposed = object(name, Value::from(1), "x".into());
///     let planned = plan(&schema, Some(&prior), &proposed, &config(name), None);
///     assert_eq!((!planned.replace.is_empty(), planned.state.get("id")), (replace, &id));
/// }
/// ```
#[must_use]
pub fn plan(
    schema: &Schema,
    prior: Option<&Value>,
    proposed: &Value,
    config: &Value,
    configured: Option<&Configured>,
) -> Planned {
    let attributes = &schema.attributes;
    let nothing = Configured::default();
    let mut filling =
        unset::Filling { new: prior.is_none(), configured: configured.unwrap_or(&nothing), left: Vec::new() };
    let prior = prior.unwrap_or(&Value::Null);
    let mut given = with_defaults(schema, config, config);
    let mut state = with_defaults(schema, proposed, config);
    filling.fill(attributes, prior, config, &Path::root(), &mut [&mut given, &mut state]);
    let left = filling.left;
    drop_write_only(attributes, &mut state);
    texts::keep(attributes, prior, &mut state, texts::Extent::Whole);
    texts::keep_meanings(&schema.meanings, prior, &mut state);
    compute::carry(attributes, prior, &given, &mut state);
    let prints = write_only::prints(schema, prior, config, &state);
    write_only::put(schema, &prints, &mut state);
    if &state == prior {
        return Planned { state: prior.clone(), replace: Vec::new(), changed: Vec::new(), left };
    }
    let stays = prior.is_null() || schema.stays.is_some_and(|stays| stays(prior, &given));
    let replace = if stays { Vec::new() } else { replace::replacements(attributes, prior, &state) };
    let mut state = compute::settle(attributes, prior, &given, state, !replace.is_empty(), configured.is_some());
    write_only::put(schema, &prints, &mut state);
    Planned { changed: changes(prior, &state, attributes), replace, state, left }
}

/// Sets write-only values to null, at any depth: neither plan nor state may have them.
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
