//! The attributes that every COSI resource has: labels, annotations, timeouts, version.
//!
//! Users share labels and annotations with Omni and with others.
//! Once a configuration sets a key, the key is ours: it is written, its drift is shown, and it goes when it leaves the configuration.
//! All other keys are left alone.

use super::{Managed, Owned};
use crate::omni::{Metadata, labels};
use crate::provider::{check, timeouts};
use crate::tf::resource::{Plan, Private};
use crate::tf::schema::{Attribute, Schema, plain, string};
use crate::tf::value::{Type, Value};
use crate::tf::write_only::{self, WriteOnly};
use std::collections::BTreeMap;

/// The name of the timeouts attribute, which is kept as configured.
pub(crate) const LOCAL_TIMEOUTS: &str = "timeouts";
/// The version of the object in Omni.
pub(super) const VERSION: &str = "resource_version";

/// The two maps that users share with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shared {
    Labels,
    Annotations,
}

impl Shared {
    pub(super) const ALL: [Shared; 2] = [Self::Labels, Self::Annotations];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Annotations => "annotations",
        }
    }

    pub(super) fn of(self, metadata: &Metadata) -> &BTreeMap<String, String> {
        match self {
            Self::Labels => &metadata.labels,
            Self::Annotations => &metadata.annotations,
        }
    }

    pub(super) fn of_mut(self, metadata: &mut Metadata) -> &mut BTreeMap<String, String> {
        match self {
            Self::Labels => &mut metadata.labels,
            Self::Annotations => &mut metadata.annotations,
        }
    }

    /// The keys that the configuration sets or set, as remembered beside the state; `None` when it never did.
    pub(super) fn tracked(self, private: &Private) -> Option<Vec<String>> {
        private.get(self.name())
    }

    /// Remembers the keys that the configuration sets.
    pub(super) fn track(self, private: &mut Private, config: &Value) {
        match config.get(self.name()).entries() {
            Some(entries) => private.set(self.name(), entries.keys().collect::<Vec<_>>()),
            None => private.remove(self.name()),
        }
    }

    /// The map as the state shows it: our keys if we have any, else all that users wrote.
    fn shown(self, metadata: &Metadata, owned: &[Owned], private: &Private) -> Value {
        let tracked = self.tracked(private);
        let entries = self.of(metadata).iter().filter(|(key, _)| match &tracked {
            Some(keys) => keys.contains(key),
            None => labels::is_users(key) && !owned.iter().any(|(name, _)| name == key),
        });
        Value::Map(entries.map(|(k, v)| (k.clone(), v.as_str().into())).collect())
    }
}

/// The schema of `M` with the attributes that the engine adds.
pub(super) fn schema<M: Managed>() -> Schema {
    let map = |name, what: &str| -> Attribute {
        plain(name, Type::map(Type::String)).optional_computed().stays().check(check::are_user_keys()).doc(format!(
            "{what} of the {}. Keys that are set here are managed; keys that others set are left alone. \
                 The prefix `omni.sidero.dev/` is reserved.",
            M::NOUN
        ))
    };
    M::schema()
        .with(map("labels", "Labels"))
        .with(map("annotations", "Annotations"))
        .with(limits())
        .with(string(VERSION).computed().doc(
            "Version of the object in Omni, which every write raises. The provider uses it to notice changes that others make.",
        ))
}

/// Adds the engine's attributes to what the resource itself showed.
pub(super) fn fill<M: Managed>(
    state: &mut Value,
    metadata: &Metadata,
    owned: [&[Owned]; 2],
    private: &Private,
    prior: &Value,
) {
    for (shared, owned) in Shared::ALL.into_iter().zip(owned) {
        state.set(shared.name(), shared.shown(metadata, owned, private));
    }
    state.set(VERSION, metadata.version.map(|v| v.to_string()).into());
    fill_local(state, M::LOCAL, prior);
}

/// The `timeouts` attribute.
pub(super) fn limits() -> Attribute {
    timeouts::attribute(LOCAL_TIMEOUTS, "How long operations on this object may take.")
}

/// Whether an attribute steers the provider alone, and reaches no object in Omni.
pub(super) fn is_local(schema: &Schema, local: &[&str], name: &str) -> bool {
    // A secret that cannot be read back is written again when its number is raised: nobody knows what Omni has.
    let number = |w: &WriteOnly| w.version == name && !w.unreadable;
    name == LOCAL_TIMEOUTS || local.contains(&name) || schema.write_only.iter().any(number)
}

/// Keeps what steers the provider as it was configured; after an import, as the resource shows it.
pub(super) fn fill_local(state: &mut Value, local: &[&str], prior: &Value) {
    for name in local.iter().chain([&LOCAL_TIMEOUTS]) {
        match prior.get(name) {
            Value::Null => {}
            Value::Unknown(_) => state.set(name, Value::Null),
            value => state.set(name, value.clone()),
        }
    }
}

/// Whether a plan changes nothing but how the provider goes about things.
pub(super) fn only_local(schema: &Schema, local: &[&str], prior: &Value, planned: &Value) -> bool {
    planned.entries().is_some_and(|entries| {
        entries
            .iter()
            .all(|(name, value)| prior.get(name) == value || (is_local(schema, local, name) && value.is_wholly_known()))
    })
}

/// Whether a plan changes nothing in Omni, but only how the provider goes about it.
pub(super) fn only_local_changes<M: Managed>(schema: &Schema, prior: &Value, planned: &Value) -> bool {
    // What steers the provider may leave a note on the object, for other resources to read.
    only_local(schema, M::LOCAL, prior, planned) && notes::<M>(prior) == notes::<M>(planned)
}

fn notes<M: Managed>(state: &Value) -> Option<Vec<Owned>> {
    super::model::<M::Model>(state).ok().map(|model| M::desired(&model).annotations)
}

/// Settles the attributes of the engine in a plan.
pub(super) fn plan<M: Managed>(schema: &Schema, plan: &mut Plan<'_>) {
    plan_maps(schema, plan);
    if plan.prior.is_some_and(|prior| notes::<M>(prior) == notes::<M>(&plan.planned)) {
        keep_computed(schema, M::LOCAL, plan);
    }
}

/// A change that stays with the provider leaves the object as it is, and so all that is computed from it.
pub(super) fn keep_computed(schema: &Schema, local: &[&str], plan: &mut Plan<'_>) {
    let Some(prior) = plan.prior else { return };
    if write_only::changes(schema, prior, &plan.planned) {
        return;
    }
    let computed = |name: &str, value: &Value| value.is_unknown() && plan.config.get(name).is_null();
    let Some(entries) = plan.planned.entries() else { return };
    let stays = |(name, value): (&String, &Value)| {
        is_local(schema, local, name) || computed(name, value) || prior.get(name) == value
    };
    if !entries.iter().all(stays) {
        return;
    }
    let names: Vec<String> = entries.iter().filter(|(name, v)| computed(name, v)).map(|(n, _)| n.clone()).collect();
    for name in names {
        plan.planned.set(&name, prior.get(&name).clone());
    }
}

/// Settles the shared maps in a plan.
fn plan_maps(schema: &Schema, plan: &mut Plan<'_>) {
    let Some(prior) = plan.prior else { return };
    for shared in Shared::ALL {
        let name = shared.name();
        let (config, before) = (plan.config.get(name), prior.get(name));
        let tracked = shared.tracked(&plan.private);
        match (config.entries(), before.entries(), tracked) {
            // The keys that left the configuration go; what others set stays.
            (None, Some(before), Some(ours)) if config.is_null() && !ours.is_empty() => {
                let rest = before.iter().filter(|(key, _)| !ours.contains(key));
                let rest = Value::Map(rest.map(|(k, v)| (k.clone(), v.clone())).collect());
                if &rest != plan.prior.map_or(&Value::Null, |p| p.get(name)) {
                    plan.planned.set(name, rest);
                    plan.planned.set(VERSION, Value::UNKNOWN);
                }
            }
            // After an import the state shows everybody's keys: no change as long as ours are among them.
            (Some(config), Some(before), None) if config.iter().all(|(k, v)| before.get(k) == Some(v)) => {
                let before = Value::Map(before.clone());
                plan.planned.set(name, before);
                if only_version_differs(&plan.planned, prior) && !write_only::changes(schema, prior, &plan.planned) {
                    plan.planned = prior.clone();
                }
            }
            _ => {}
        }
    }
}

/// Whether the plan proposes nothing but to compute attributes anew.
fn only_version_differs(planned: &Value, prior: &Value) -> bool {
    let (Some(planned), Some(prior)) = (planned.entries(), prior.entries()) else { return false };
    planned.iter().all(|(name, value)| value.is_unknown() || prior.get(name) == Some(value))
}

/// Writes what is ours into the metadata of an object, and leaves everything else as it is.
pub(super) fn write(
    metadata: &mut Metadata,
    owned: [&[Owned]; 2],
    defaults: [&BTreeMap<String, String>; 2],
    config: &Value,
    private: &Private,
) {
    for ((shared, owned), defaults) in Shared::ALL.into_iter().zip(owned).zip(defaults) {
        let tracked = shared.tracked(private).unwrap_or_default();
        let wanted = config.get(shared.name());
        let map = shared.of_mut(metadata);
        for key in tracked {
            if !defaults.contains_key(&key) {
                map.remove(&key);
            }
        }
        for (key, value) in defaults {
            map.insert(key.clone(), value.clone());
        }
        for (key, value) in wanted.entries().into_iter().flatten() {
            if let Some(text) = value.as_str() {
                map.insert(key.clone(), text.to_owned());
            }
        }
        for (key, value) in owned {
            match value {
                Some(value) => map.insert((*key).to_owned(), value.clone()),
                None => map.remove(*key),
            };
        }
    }
}
