//! Optional and computed attributes that a configuration does not set: their initial values,
//! and their values after they are removed from the configuration.
//!
//! A host shows the provider no configuration but the present one. So beside the state stands what the last one set,
//! with a digest of the value: what others have changed since is theirs, and is left alone like all that was never set.

use crate::tf::path::Path;
use crate::tf::schema::{Attribute, Kind, Mode, Nesting, Replace, Schema, Unset};
use crate::tf::value::Value;
use crate::tf::wire;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The paths that the configuration set at the last apply, each with a digest of the value in the state after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Configured(BTreeMap<String, String>);

impl Configured {
    /// What this configuration set of what a provider could have filled in too.
    #[must_use]
    pub fn of(schema: &Schema, config: &Value, state: &Value) -> Self {
        let mut all = BTreeMap::new();
        collect(&schema.attributes, config, state, &Path::root(), false, &mut all);
        Self(all)
    }

    /// Whether the configuration set the value at this path, and it has not drifted since.
    fn made(&self, path: &Path, value: &Value) -> bool {
        self.0.get(&path.to_string()).is_some_and(|then| *then == digest(value) || *then == longer_digest(value))
    }
}

/// A value that is no longer configured, and is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// Where it is.
    pub path: Path,
    /// Why it is kept, as a sentence.
    pub why: &'static str,
}

const REPLACES: &str = "Changing it would replace the object, which only an explicit value in the configuration does.";

/// Short, as all that hosts store beside every object.
fn digest(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(&hashed(value)[..6])
}

/// The form that earlier versions stored.
fn longer_digest(value: &Value) -> String {
    hashed(value).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

fn hashed(value: &Value) -> [u8; 32] {
    Sha256::digest(wire::to_json(value).to_string().as_bytes()).into()
}

fn collect(
    attributes: &[Attribute],
    config: &Value,
    state: &Value,
    at: &Path,
    within: bool,
    found: &mut BTreeMap<String, String>,
) {
    for attribute in attributes.iter().filter(|a| a.configurable() && !a.write_only) {
        let (given, now) = (config.get(attribute.name), state.get(attribute.name));
        if given.is_null() {
            continue;
        }
        let path = at.attribute(attribute.name);
        let kept = within || !matches!(attribute.unset, Unset::Own | Unset::Nothing);
        match (&attribute.kind, given) {
            (Kind::Nested(Nesting::Single, nested), Value::Object(_)) => {
                collect(nested, given, now, &path, kept, found);
            }
            _ if kept => drop(found.insert(path.to_string(), digest(now))),
            _ => {}
        }
    }
}

/// What is at hand to fill in with.
pub(super) struct Filling<'a> {
    /// The object is to be made.
    pub(super) new: bool,
    /// What the configuration set before.
    pub(super) configured: &'a Configured,
    /// What stays though it is configured no more.
    pub(super) left: Vec<Remaining>,
}

impl Filling<'_> {
    /// Fills in what the configuration does not set, in each of `values` alike.
    pub(super) fn fill(
        &mut self,
        attributes: &[Attribute],
        prior: &Value,
        config: &Value,
        at: &Path,
        values: &mut [&mut Value],
    ) {
        for attribute in attributes.iter().filter(|a| a.configurable()) {
            let (before, given) = (prior.get(attribute.name), config.get(attribute.name));
            let path = at.attribute(attribute.name);
            if !given.is_null() {
                if let (Kind::Nested(Nesting::Single, nested), Value::Object(_)) = (&attribute.kind, given) {
                    let inner = values.iter_mut().filter_map(|value| match value {
                        Value::Object(members) => members.get_mut(attribute.name),
                        _ => None,
                    });
                    let mut inner: Vec<&mut Value> = inner.collect();
                    self.fill(nested, before, given, &path, &mut inner);
                }
                continue;
            }
            let value = if self.new { initial(attribute) } else { self.taken_out(attribute, before, &path) };
            if let Some(value) = value {
                values.iter_mut().for_each(|whole| whole.set(attribute.name, value.clone()));
            }
        }
    }

    /// What a value goes back to; `None` where it stays as it is.
    fn taken_out(&mut self, attribute: &Attribute, before: &Value, path: &Path) -> Option<Value> {
        let mine = self.configured.made(path, before);
        match (&attribute.kind, initial(attribute), &attribute.unset) {
            (Kind::Nested(Nesting::Single, nested), Some(initial), _) if matches!(before, Value::Object(_)) => {
                let mut next = before.clone();
                for inner in nested {
                    let (path, before) = (path.attribute(inner.name), before.get(inner.name));
                    if self.configured.made(&path, before)
                        && let Some(value) = self.back(inner, before, initial.get(inner.name), &path)
                    {
                        next.set(inner.name, value);
                    }
                }
                (&next != before).then_some(next)
            }
            (_, Some(initial), _) if mine => self.back(attribute, before, &initial, path),
            (_, None, Unset::Stays(why)) if mine && !before.is_null() => {
                self.left.push(Remaining { path: path.clone(), why });
                None
            }
            _ => None,
        }
    }

    fn back(&mut self, attribute: &Attribute, before: &Value, initial: &Value, path: &Path) -> Option<Value> {
        if before == initial {
            return None;
        }
        if !matches!(attribute.replace, Replace::Never) {
            self.left.push(Remaining { path: path.clone(), why: REPLACES });
            return None;
        }
        Some(initial.clone())
    }
}

/// The initial value of an attribute that the configuration does not set.
#[must_use]
pub fn initial(attribute: &Attribute) -> Option<Value> {
    let value = match (&attribute.default, &attribute.unset) {
        (Some(value), _) | (None, Unset::Initial(value)) => value,
        (None, _) => return None,
    };
    let (Kind::Nested(Nesting::Single, nested), Value::Object(_)) = (&attribute.kind, value) else {
        return Some(value.clone());
    };
    let member = |inner: &Attribute| match value.get(inner.name) {
        Value::Null => initial(inner).unwrap_or(Value::Null),
        value => value.clone(),
    };
    Some(Value::object(nested.iter().map(|inner| (inner.name, member(inner)))))
}

/// What is wrong with how an attribute goes on without a configuration, for whoever wrote the schema.
pub(super) fn problem(attribute: &Attribute) -> Option<String> {
    let Unset::Initial(value) = &attribute.unset else { return None };
    if attribute.mode != Mode::OptionalComputed || attribute.default.is_some() {
        return Some("begins with a value, so it must be optional and computed, without a default".to_owned());
    }
    if value.is_null() || !value.is_wholly_known() {
        return Some("begins with what is no value".to_owned());
    }
    wire::encode(value, &attribute.value_type())
        .err()
        .map(|error| format!("begins with a value of another type: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_earlier_versions_count() {
        let (value, path) = (Value::from("a"), Path::of("note"));
        assert_eq!(longer_digest(&value), "ac8d8342bbb2362d");
        for then in [digest(&value), longer_digest(&value)] {
            let configured = Configured([("note".to_owned(), then)].into());
            assert!(configured.made(&path, &value) && !configured.made(&path, &"b".into()));
        }
    }
}
