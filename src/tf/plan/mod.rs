//! The general plan logic: everything about a plan that follows from the schema alone.
//!
//! Hosts hold a provider to rules: a planned value is the configured one, or the prior one if both are set,
//! or, where the configuration gives nothing, whatever the provider computes.
//! What is planned and known is a promise; what cannot be promised is unknown.
//! It knows no wire format and no resource type.

mod check;
mod compute;
mod defaults;
mod diff;
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
pub use lint::check_schema;
pub use nothing::means_same;
pub use promise::keep_promises;
pub(crate) use replace::replacements;
pub use since::needed;
pub use texts::keep_same;
pub use unset::{Configured, Remaining, initial};

/// What the schema makes of a configuration.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The state after.
    pub state: Value,
    /// Attributes whose change makes the object anew.
    pub replace: Vec<Path>,
    /// Attributes that change.
    pub changed: Vec<Path>,
    /// What stays though the configuration stopped setting it.
    pub left: Vec<Remaining>,
}

/// Plans a create or an update: defaults, what is not configured any more, write-only values, texts that mean the same,
/// prints of secrets, replacements, computed values, in this order. `configured` is what the last configuration set; none when this provider has not seen the object yet.
///
/// With nothing changed the plan is the prior state itself.
/// Elements of nested lists count as the same object by position, those of maps by key;
/// those of sets pair by what the configuration gives of them, and where two are alike, in order.
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
    write_only::put_changes(schema, prior, config, &prints, &mut state);
    if &state == prior {
        return Planned { state: prior.clone(), replace: Vec::new(), changed: Vec::new(), left };
    }
    let stays = prior.is_null() || schema.stays.is_some_and(|stays| stays(prior, &given));
    let replace = if stays { Vec::new() } else { replace::replacements(attributes, prior, &state) };
    let mut state = compute::settle(attributes, prior, &given, state, !replace.is_empty(), configured.is_some());
    write_only::put(schema, &prints, &mut state);
    Planned { changed: changes(prior, &state, attributes), replace, state, left }
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
