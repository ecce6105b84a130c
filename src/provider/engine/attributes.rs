//! The attributes that every COSI resource has: labels, annotations, timeouts, version.
//!
//! Users share labels and annotations with Omni and with other clients.
//! A key in the configuration is managed: it is written, its drift is detected, and it is removed from the object when it is removed
//! from the configuration. The same applies to keys of the provider block, which have separate attributes, because a configured map
//! must be returned unchanged. All other keys are not managed.

use super::binding::Binding;
use super::{CosiObject, Kinds, Owned};
use crate::omni::{Metadata, labels};
use crate::provider::session::Defaults;
use crate::provider::{check, timeouts};
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use crate::tf::plan::means_same;
use crate::tf::resource::{Plan, Private};
use crate::tf::schema::{Attribute, Schema, plain, string};
use crate::tf::value::{Type, Value};
use crate::tf::write_only;
use crate::tf::write_only::WriteOnly;
use kit::gather::Gather as _;
use std::collections::{BTreeMap, BTreeSet};

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

    /// The attribute with the keys of the resource.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Annotations => "annotations",
        }
    }

    /// The attribute with the keys of the provider block.
    pub(super) const fn provider_name(self) -> &'static str {
        match self {
            Self::Labels => "provider_labels",
            Self::Annotations => "provider_annotations",
        }
    }

    pub(super) fn of(self, metadata: &Metadata) -> &BTreeMap<String, String> {
        match self {
            Self::Labels => &metadata.labels,
            Self::Annotations => &metadata.annotations,
        }
    }

    fn of_mut(self, metadata: &mut Metadata) -> &mut BTreeMap<String, String> {
        match self {
            Self::Labels => &mut metadata.labels,
            Self::Annotations => &mut metadata.annotations,
        }
    }

    /// What the provider block sets; `None` where that is not known yet.
    fn defaults(self, defaults: &Defaults) -> Option<&BTreeMap<String, Option<String>>> {
        match self {
            Self::Labels => defaults.labels.as_ref(),
            Self::Annotations => defaults.annotations.as_ref(),
        }
    }

    /// The keys that the configuration sets or set, as remembered beside the state; `None` when it never did.
    fn tracked(self, private: &Private) -> Option<Vec<String>> {
        private.get(self.name())
    }

    /// Where the keys are remembered that are null in the configuration.
    const fn unset_name(self) -> &'static str {
        match self {
            Self::Labels => "unset_labels",
            Self::Annotations => "unset_annotations",
        }
    }

    /// Remembers the keys that the configuration sets. A key that is null is not set, and is shown as it is configured.
    fn track(self, private: &mut Private, config: &Value) {
        let Some(entries) = config.get(self.name()).entries() else {
            private.remove(self.name());
            return private.remove(self.unset_name());
        };
        let (unset, set): (Vec<_>, Vec<_>) = entries.iter().partition(|(_, value)| value.is_null());
        let keys = |all: Vec<(&String, &Value)>| all.into_iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        private.set(self.name(), keys(set));
        match keys(unset) {
            unset if unset.is_empty() => private.remove(self.unset_name()),
            unset => private.set(self.unset_name(), unset),
        }
    }

    /// The map as the state shows it: our keys if we have any, else all that users wrote and the provider block did not.
    fn own(
        self,
        (metadata, binding): (&Metadata, &Binding),
        owned: &[Owned],
        private: &Private,
        defaults: &Defaults,
        prior: &Value,
    ) -> Value {
        let tracked = self.tracked(private);
        let provided = prior.get(self.provider_name());
        let of_provider = |key: &String, value: &String| {
            let default = self.defaults(defaults).and_then(|all| all.get(key));
            provided.entries().is_some_and(|all| all.contains_key(key))
                || default.is_some_and(|d| d.as_ref() == Some(value))
        };
        let entries = self.of(metadata).iter().filter(|(key, value)| match &tracked {
            Some(keys) => keys.contains(key),
            None => binding.takes_key(key) && !owned.iter().any(|(name, _)| name == key) && !of_provider(key, value),
        });
        let mut entries: BTreeMap<_, _> = entries.map(|(k, v)| (k.clone(), Value::from(v.as_str()))).gathered();
        for key in private.get::<Vec<String>>(self.unset_name()).unwrap_or_default() {
            entries.entry(key).or_insert(Value::Null);
        }
        // What is taken over may be configured as nothing at length, which an empty map is the same as and null is not.
        let taken_over = prior.get(VERSION).is_null();
        if entries.is_empty() && tracked.is_none() && !taken_over { Value::Null } else { Value::Map(entries) }
    }

    /// The keys of the provider block that the object has: those that it had before, and those that it has to have now.
    fn provided(
        self,
        metadata: &Metadata,
        owned: &[Owned],
        private: &Private,
        defaults: &Defaults,
        prior: &Value,
    ) -> Value {
        let tracked = self.tracked(private);
        let before = prior.get(self.provider_name());
        let ours = |key: &String, value: &String| {
            let default = self.defaults(defaults).and_then(|all| all.get(key));
            let now = default.is_some_and(|d| tracked.is_some() || d.as_ref() == Some(value));
            now || before.entries().is_some_and(|all| all.contains_key(key))
        };
        let entries = self.of(metadata).iter().filter(|(key, value)| {
            let own = tracked.as_ref().is_some_and(|keys| keys.contains(key));
            labels::is_users(key) && !own && !owned.iter().any(|(name, _)| name == key) && ours(key, value)
        });
        map(entries.map(|(k, v)| (k.clone(), v.as_str().into())).gathered())
    }

    /// The keys of the provider block that the object is to have, next to what the configuration sets itself.
    fn wanted(self, config: &Value, owned: &[Owned], defaults: &Defaults) -> Value {
        let Some(all) = self.defaults(defaults) else { return Value::UNKNOWN };
        let mut wanted = BTreeMap::new();
        for (key, value) in all.iter().filter(|(key, _)| !owned.iter().any(|(name, _)| name == key)) {
            let own = if config.is_unknown() {
                config
            } else {
                config.entries().and_then(|c| c.get(key)).unwrap_or(&Value::Null)
            };
            match own {
                // It depends on a value that may turn out to be null.
                Value::Unknown(_) => return Value::UNKNOWN,
                Value::Null => drop(wanted.insert(key.clone(), value.as_deref().map_or(Value::UNKNOWN, Value::from))),
                _ => {}
            }
        }
        map(wanted)
    }
}

/// A map, or nothing in the place of an empty one.
fn map(entries: BTreeMap<String, Value>) -> Value {
    if entries.is_empty() { Value::Null } else { Value::Map(entries) }
}

/// The attributes that the engine adds to a COSI object.
pub(super) fn of_object<M: CosiObject>(binding: &Binding) -> Vec<Attribute> {
    let of_object = |what: &str| {
        format!("{what} of the {}. Only the keys set here and in the provider block are managed.", M::NOUN)
    };
    let reserved = match M::Kinds::SYSTEM_KEYS {
        true => "Keys with the prefix `omni.sidero.dev/` have a meaning to Omni.",
        false => "The prefix `omni.sidero.dev/` is reserved.",
    };
    let own = |shared: Shared, what: String| -> Attribute {
        plain(shared.name(), Type::map(Type::String))
            .optional_computed()
            .stays()
            .check(if M::Kinds::SYSTEM_KEYS { check::are_keys_of_clients() } else { check::are_user_keys() })
            .doc(format!("{what} A key that is null is not set. {reserved}"))
    };
    let provided = |shared: Shared, what: &str| -> Attribute {
        plain(shared.provider_name(), Type::map(Type::String)).computed().stays().doc(format!(
            "{what} of the {} that come from `{}` of the provider block and are not overridden by `{}` of this resource. Null if there are none.",
            M::NOUN,
            shared.name(),
            shared.name()
        ))
    };
    let labels = binding.own_labels().map_or_else(|| of_object("Labels"), |labels| labels.about.to_owned());
    vec![
        own(Shared::Labels, labels),
        own(Shared::Annotations, of_object("Annotations")),
        provided(Shared::Labels, "Labels"),
        provided(Shared::Annotations, "Annotations"),
        limits(),
        string(VERSION).computed().stays().doc(
            "Version of the object in Omni as of the last refresh. It is incremented on every write and used for conflict detection.",
        ),
    ]
}

/// Adds the engine's attributes to what the resource itself showed.
pub(super) fn fill(
    state: &mut Value,
    binding: &Binding,
    metadata: &Metadata,
    owned: [&[Owned]; 2],
    private: &Private,
    prior: &Value,
    defaults: &Defaults,
) {
    for (shared, owned) in Shared::ALL.into_iter().zip(owned) {
        state.set(shared.name(), shared.own((metadata, binding), owned, private, defaults, prior));
        state.set(shared.provider_name(), shared.provided(metadata, owned, private, defaults, prior));
    }
    state.set(VERSION, metadata.version.map(|v| v.to_string()).into());
    fill_local(state, binding.local(), prior);
}

/// The `timeouts` attribute.
pub(super) fn limits() -> Attribute {
    timeouts::attribute(LOCAL_TIMEOUTS, "Timeouts of the operations on this object.")
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

/// Whether a plan changes nothing but how the provider goes about things, and what means nothing.
pub(super) fn only_local(schema: &Schema, local: &[&str], prior: &Value, planned: &Value) -> bool {
    planned.entries().is_some_and(|entries| {
        entries.iter().all(|(name, value)| {
            value.is_wholly_known() && (means_same(prior.get(name), value) || is_local(schema, local, name))
        })
    })
}

/// Whether a plan changes nothing in Omni, but only how the provider goes about it.
pub(super) fn only_local_changes(binding: &Binding, schema: &Schema, prior: &Value, planned: &Value) -> bool {
    // What steers the provider may leave a note on the object, for other resources to read.
    only_local(schema, binding.local(), prior, planned) && notes(binding, prior) == notes(binding, planned)
}

fn notes(binding: &Binding, state: &Value) -> Vec<Owned> {
    let [_, annotations] = binding.keys(state);
    annotations
}

/// Settles the attributes of the engine in a plan.
pub(super) fn plan(binding: &Binding, schema: &Schema, defaults: &Defaults, plan: &mut Plan<'_>) {
    for (shared, owned) in Shared::ALL.into_iter().zip(binding.keys(&plan.planned)) {
        refuse_owned(shared, &owned, plan);
        plan_map(shared, &owned, defaults, plan);
    }
    if plan.prior.is_some_and(|prior| notes(binding, prior) == notes(binding, &plan.planned)) {
        keep_computed(schema, binding.local(), plan);
    }
}

/// A key that the resource writes itself has the value that the resource gives it.
fn refuse_owned(shared: Shared, owned: &[Owned], plan: &mut Plan<'_>) {
    let name = shared.name();
    let Some(config) = plan.config.get(name).entries() else { return };
    let found = config.iter().find(|(key, value)| !value.is_null() && owned.iter().any(|(own, _)| own == key));
    if let Some((key, _)) = found {
        let path = Path::of(name).key(key);
        plan.diags.push(
            Diagnostic::error(
                format!("`{path}` cannot be set"),
                format!("The provider manages `{key}` of this object with other attributes."),
            )
            .hint(format!("Remove `{key}` from `{name}`."))
            .at(path),
        );
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
        is_local(schema, local, name) || computed(name, value) || means_same(prior.get(name), value)
    };
    if !entries.iter().all(stays) {
        return;
    }
    let names: Vec<String> = entries.iter().filter(|(name, v)| computed(name, v)).map(|(n, _)| n.clone()).collect();
    for name in names {
        // A map of the provider block that is not known yet is no value that the object has by itself.
        if Shared::ALL.iter().all(|shared| shared.provider_name() != name) {
            plan.planned.set(&name, prior.get(&name).clone());
        }
    }
}

/// Settles one of the shared maps in a plan.
fn plan_map(shared: Shared, owned: &[Owned], defaults: &Defaults, plan: &mut Plan<'_>) {
    let (name, provider_name) = (shared.name(), shared.provider_name());
    let config = plan.config.get(name);
    let wanted = shared.wanted(config, owned, defaults);
    let Some(prior) = plan.prior else {
        if config.is_null() {
            plan.planned.set(name, Value::Null);
        }
        return plan.planned.set(provider_name, wanted);
    };
    let (before, provided) = (prior.get(name), prior.get(provider_name));
    let tracked = shared.tracked(&plan.private);
    let has = |map: &Value, key: &String, value: &Value| map.entries().is_some_and(|all| all.get(key) == Some(value));
    if let (Some(entries), Value::Map(_), None) = (config.entries(), before, &tracked)
        && entries.iter().all(|(key, value)| value.is_null() || has(before, key, value) || has(provided, key, value))
    {
        // After an import the state shows everybody's keys: no change as long as ours are among them.
        plan.planned.set(name, before.clone());
        let stays = |key: &String| entries.get(key).is_some_and(|value| has(provided, key, value));
        let there = provided.entries().into_iter().flatten().filter(|(key, _)| stays(key));
        let there: BTreeMap<_, _> = there.map(|(key, value)| (key.clone(), value.clone())).gathered();
        let wanted = match wanted {
            Value::Map(wanted) => map(there.into_iter().chain(wanted).gathered()),
            Value::Null => map(there),
            unknown => unknown,
        };
        return plan.planned.set(provider_name, wanted);
    }
    if config.is_null() {
        // The keys that left the configuration go; what others set stays.
        let gone: BTreeSet<&String> =
            tracked.iter().flatten().chain(wanted.entries().into_iter().flat_map(BTreeMap::keys)).gathered();
        let rest = before.entries().map(|all| all.iter().filter(|(key, _)| !gone.contains(key)));
        let rest: Option<BTreeMap<_, _>> = rest.map(|all| all.map(|(k, v)| (k.clone(), v.clone())).gathered());
        plan.planned.set(
            name,
            match rest {
                Some(rest) if before.entries().is_some_and(|all| all.len() != rest.len()) => map(rest),
                _ => before.clone(),
            },
        );
    }
    plan.planned.set(provider_name, wanted);
}

/// What decides about the shared maps of a write.
pub(super) struct Keys<'a> {
    /// Those that belong to the resource type, for each of the maps.
    pub(super) owned: [&'a [Owned]; 2],
    /// Those of the provider block.
    pub(super) defaults: &'a Defaults,
    /// The configuration.
    pub(super) config: &'a Value,
    /// What was kept beside the state.
    pub(super) private: &'a Private,
    /// The state before.
    pub(super) prior: &'a Value,
    /// Whether labels of others go.
    pub(super) no_other_labels: bool,
}

/// Writes what is ours into the metadata of an object, and leaves everything else as it is.
pub(super) fn write(metadata: &mut Metadata, keys: &Keys<'_>) {
    for (shared, owned) in Shared::ALL.into_iter().zip(keys.owned) {
        let known = |value: &Option<String>| value.clone();
        let defaults = shared.defaults(keys.defaults).into_iter().flatten();
        let mut wanted: BTreeMap<&str, String> = defaults.filter_map(|(k, v)| Some((k.as_str(), known(v)?))).gathered();
        for (key, value) in keys.config.get(shared.name()).entries().into_iter().flatten() {
            if let Some(text) = value.as_str() {
                wanted.insert(key, text.to_owned());
            }
        }
        let map = shared.of_mut(metadata);
        let provided = keys.prior.get(shared.provider_name()).entries().into_iter().flat_map(BTreeMap::keys);
        for key in shared.tracked(keys.private).iter().flatten().chain(provided) {
            if !wanted.contains_key(key.as_str()) {
                map.remove(key);
            }
        }
        if keys.no_other_labels && matches!(shared, Shared::Labels) {
            map.retain(|key, _| !labels::is_users(key));
        }
        map.extend(wanted.into_iter().map(|(key, value)| (key.to_owned(), value)));
        for (key, value) in owned {
            match value {
                Some(value) => map.insert((*key).to_owned(), value.clone()),
                None => map.remove(*key),
            };
        }
    }
}

/// Counts every label of users as ours, but for those of the provider block: the state shows them, and a plan removes them.
pub(super) fn track_all_labels(
    private: &mut Private,
    metadata: &Metadata,
    owned: &[Owned],
    defaults: &Defaults,
    prior: &Value,
) {
    let shared = Shared::Labels;
    let tracked = shared.tracked(private);
    let mut ours = tracked.clone().unwrap_or_default();
    private.set(shared.name(), &ours);
    let provided = shared.provided(metadata, owned, private, defaults, prior);
    let others = metadata.labels.keys().filter(|key| {
        labels::is_users(key)
            && !ours.contains(key)
            && !owned.iter().any(|(name, _)| name == key)
            && provided.entries().is_none_or(|all| !all.contains_key(*key))
    });
    let others: Vec<String> = others.cloned().collect();
    ours.extend(others);
    match tracked {
        None if ours.is_empty() => private.remove(shared.name()),
        _ => private.set(shared.name(), ours),
    }
}

/// Remembers the keys of the shared maps that the configuration sets.
pub(super) fn track(private: &mut Private, config: &Value) {
    for shared in Shared::ALL {
        shared.track(private, config);
    }
}
