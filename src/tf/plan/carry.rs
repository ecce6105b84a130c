//! Computed values that the configuration does not give: they are what they were, until something says otherwise.

use crate::tf::schema::{Attribute, Kind, Nesting};
use crate::tf::value::Value;

/// Puts the prior value back where the provider alone decides.
///
/// A host proposes null for a nested object that holds what a configuration could have given,
/// as it cannot tell a value that was taken out of the configuration from one that never stood there.
/// The provider can: an optional and computed attribute that is not configured is its own.
pub(super) fn carry(attributes: &[Attribute], prior: &Value, config: &Value, state: &mut Value) {
    let Value::Object(entries) = state else { return };
    for attribute in attributes {
        let (before, given) = (prior.get(attribute.name), config.get(attribute.name));
        let Some(slot) = entries.get_mut(attribute.name) else { continue };
        if given.is_null() && attribute.computed_mode() && attribute.default.is_none() && !before.is_null() {
            slot.clone_from(before);
        } else if let (Kind::Nested(Nesting::Single, nested), Value::Object(_)) = (&attribute.kind, given) {
            carry(nested, before, given, slot);
        }
    }
}
