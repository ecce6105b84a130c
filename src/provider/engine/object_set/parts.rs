//! The objects of a set as a state shows them: by name, with the labels and annotations that the set decides about, and the spec as text.

use super::{KeyOwner, ObjectSet};
use crate::omni::{Key, Kind};
use crate::omni::{Metadata, Resource as Stored, labels};
use crate::provider::engine::{Bind, Row};
use crate::provider::ledger::ObjectKey;
use crate::provider::session::Defaults;
use crate::tf::check::Check;
use crate::tf::schema::{maps, object_set, plain, string};
use crate::tf::value::{Type, Value};
use kit::gather::Gather as _;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The computed attribute that shows every object.
pub(super) const RENDERED: &str = "rendered";
/// The computed attribute that lists them.
pub(super) const RESOURCES: &str = "resources";
/// The argument with the objects that change hands.
pub(super) const HAND_OVER: &str = "hand_over";
const SPEC: &str = "spec";

/// The domain of the types, which names leave out.
const DOMAIN: &str = ".omni.sidero.dev";
/// What an object is shown with.
const SHARED: [&str; 2] = ["labels", "annotations"];

/// The name of an object: `ConfigPatches/200-cluster-prod-ntp`.
pub(crate) fn part_name(key: &Key) -> String {
    ObjectKey::from(key).display()
}

/// The rows of the attributes about the objects; `document` are the attributes that describe them.
pub(crate) fn part_rows(document: &'static [&'static str]) -> [Row; 3] {
    let texts = |name, doc: &str| plain(name, Type::map(Type::String)).computed().doc(doc);
    let part = vec![
        texts(SHARED[0], "Labels that the template sets."),
        texts(SHARED[1], "Annotations that the template sets."),
        string(SPEC).document().computed().doc("The spec, in YAML."),
    ];
    let listed = vec![
        string("type").computed().doc("Type of the object, such as `MachineSets.omni.sidero.dev`."),
        string("id").computed().doc("ID of the object."),
    ];
    let are_names = Check::by(|value| {
        let name = |value: &Value| value.as_str().map(str::to_owned);
        match value.elements().iter().filter_map(name).find(|name| key_of(name).is_none()) {
            Some(name) => Err(format!(
                "{name:?} names no object. Give its type and ID as `rendered` does, such as `ConfigPatches/200-cluster-prod-ntp`."
            )),
            None => Ok(()),
        }
    });
    [
        plain(HAND_OVER, Type::set(Type::String)).check(are_names).doc(
            "Keys of `rendered`, such as `ConfigPatches/200-cluster-prod-ntp`, of objects that move from or to another resource. An object that the template no longer describes stays in Omni, for another resource to import. An object that another resource has managed is taken over by the template. Can be removed after the apply.",
        ).local(),
        maps(RENDERED, part).computed().changes_with(document).doc(
            "The objects of the template by type and ID, such as `MachineSets/prod-workers`: what the plan creates, changes and removes in Omni. After a refresh it shows the objects as they are in Omni. Known after apply if the template depends on a value that is.",
        ).derived(),
        object_set(RESOURCES, listed)
            .computed()
            .changes_with(document)
            .doc("Type and ID of each object of the template.")
            .derived(),
    ]
}

/// The keys of one object that the set decides about: labels and annotations.
pub(crate) type Owned = [BTreeSet<String>; 2];

/// The objects that a state shows, and which keys of theirs are the set's.
#[derive(Clone, Debug, Default)]
pub(crate) enum Parts {
    /// No state says so: all objects are the set's, and all keys that it could have set.
    #[default]
    All,
    /// These, by name.
    Known(BTreeMap<String, Owned>),
}

impl Parts {
    /// Those of a state; after an import nothing is known of them.
    pub(super) fn of(state: &Value) -> Self {
        let Value::Map(parts) = state.get(RENDERED) else { return Self::All };
        let keys = |part: &Value| {
            SHARED.map(|shared| part.get(shared).entries().into_iter().flatten().map(|(key, _)| key.clone()).gathered())
        };
        Self::Known(parts.iter().map(|(name, part)| (name.clone(), keys(part))).gathered())
    }

    /// Those of a new set: there is none.
    pub(super) fn none() -> Self {
        Self::Known(BTreeMap::new())
    }

    /// These, and what is wanted.
    pub(super) fn with(mut self, wanted: &[Stored]) -> Self {
        if let Self::Known(parts) = &mut self {
            for Stored { key, metadata, .. } in wanted {
                let owned = parts.entry(part_name(key)).or_default();
                owned[0].extend(metadata.labels.keys().cloned());
                owned[1].extend(metadata.annotations.keys().cloned());
            }
        }
        self
    }

    /// Whether the object is the set's, as far as a state says so.
    pub(super) fn has(&self, key: &Key) -> bool {
        matches!(self, Self::All) || self.names(key)
    }

    /// Whether a state has the object.
    pub(super) fn names(&self, key: &Key) -> bool {
        matches!(self, Self::Known(parts) if parts.contains_key(&part_name(key)))
    }

    /// The keys of an object that the set decides about; `None` for all.
    fn owned(&self, key: &Key) -> Option<Owned> {
        match self {
            Self::All => None,
            Self::Known(parts) => Some(parts.get(&part_name(key)).cloned().unwrap_or_default()),
        }
    }

    /// The wanted object with the keys that others have set on the one that is there, and its spec where both mean the same.
    pub(crate) fn merged<M: ObjectSet>(&self, wanted: &Stored, actual: Option<&Stored>) -> Stored {
        let mut merged = wanted.clone();
        let Some(actual) = actual else { return merged };
        let owned = self.owned(&wanted.key);
        for (index, shared) in [labels_of as SharedMap, annotations_of].into_iter().enumerate() {
            for (key, value) in shared(&mut actual.metadata.clone()).iter() {
                let known = owned.as_ref().map(|owned| &owned[index]);
                let ours = decides::<M>(key, known);
                if !ours {
                    shared(&mut merged.metadata).entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        if M::means_same(&wanted.key, &M::text(wanted), &M::text(actual)) {
            merged.spec.clone_from(&actual.spec);
        }
        merged
    }
}

type SharedMap = fn(&mut Metadata) -> &mut BTreeMap<String, String>;

fn labels_of(metadata: &mut Metadata) -> &mut BTreeMap<String, String> {
    &mut metadata.labels
}

fn annotations_of(metadata: &mut Metadata) -> &mut BTreeMap<String, String> {
    &mut metadata.annotations
}

/// Whether the set decides about a key; `known` are those that it is known to have set.
fn decides<M: ObjectSet>(key: &str, known: Option<&BTreeSet<String>>) -> bool {
    let owner = match key {
        key if labels::is_users(key) => KeyOwner::Setter,
        key if key.starts_with(labels::PREFIX) => M::key_owner(key),
        _ => KeyOwner::Others,
    };
    match owner {
        KeyOwner::Set => true,
        KeyOwner::Setter => known.is_none_or(|known| known.contains(key)),
        KeyOwner::Others => false,
    }
}

/// An object as the state shows it; `known` are the keys that the set is known to have set, else it shows all that it could have.
pub(super) fn show<M: ObjectSet>(stored: &Stored, parts: &Parts) -> Value {
    let owned = parts.owned(&stored.key);
    let shown = |index: usize, all: &BTreeMap<String, String>| {
        let known = owned.as_ref().map(|owned| &owned[index]);
        Value::texts(all.iter().filter(|(key, _)| decides::<M>(key, known)).map(|(k, v)| (k.clone(), v.clone())))
    };
    Value::object([
        (SHARED[0], shown(0, &stored.metadata.labels)),
        (SHARED[1], shown(1, &stored.metadata.annotations)),
        (SPEC, M::text(stored).into()),
    ])
}

/// Objects as the state shows them.
pub(super) fn show_all<'a, M: ObjectSet>(all: impl IntoIterator<Item = &'a Stored>, parts: &Parts) -> Value {
    Value::map(all.into_iter().map(|stored| (part_name(&stored.key), show::<M>(stored, parts))))
}

/// What is wanted, as the state shows it.
pub(super) fn show_wanted<M: ObjectSet>(wanted: &[Stored]) -> Value {
    show_all::<M>(wanted, &Parts::default())
}

/// What is wanted, with the specs of a state or a plan where those mean the same.
pub(super) fn show_as_before<M: ObjectSet>(wanted: &[Stored], before: &Value) -> Value {
    let mut shown = show_wanted::<M>(wanted);
    let (Value::Map(parts), Some(before)) = (&mut shown, before.entries()) else { return shown };
    for stored in wanted {
        let name = part_name(&stored.key);
        let (Some(part), Some(known)) = (parts.get_mut(&name), before.get(&name)) else { continue };
        let (Some(one), Some(other)) = (part.get(SPEC).as_str(), known.get(SPEC).as_str()) else { continue };
        if M::means_same(&stored.key, one, other) {
            let known = known.get(SPEC).clone();
            part.set(SPEC, known);
        }
    }
    shown
}

/// Type and ID of each object of a state.
pub(super) fn list_of(rendered: &Value) -> Value {
    let Some(all) = rendered.entries() else { return Value::UNKNOWN };
    let entry = |name: &String| {
        let (kind, id) = name.split_once('/').unwrap_or((name, ""));
        Value::object([("type", Value::from(format!("{kind}{DOMAIN}"))), ("id", id.into())])
    };
    Value::Set(all.keys().map(entry).collect())
}

/// The keys of the objects of a state, of the types that this build knows.
pub(super) fn keys_of(rendered: &Value) -> Vec<Key> {
    rendered.entries().into_iter().flatten().filter_map(|(name, _)| key_of(name)).collect()
}

/// The key of the object of this name; `None` where this build does not know the type.
fn key_of(name: &str) -> Option<Key> {
    let (kind, id) = name.split_once('/').filter(|(_, id)| !id.is_empty())?;
    let full = format!("{kind}{DOMAIN}");
    let known = crate::omni::spec::KINDS.iter().copied().find(|kind: &Kind| kind.name == full)?;
    Some(known.key(id))
}

/// The names of the objects that change hands; `None` while they are not known.
pub(super) fn handed_over(config: &Value) -> Option<HashSet<String>> {
    let given = config.get(HAND_OVER);
    let name = |value: &Value| value.as_str().map(str::to_owned);
    given.is_wholly_known().then(|| given.elements().iter().filter_map(name).collect())
}

/// An object of which nothing but the key is known.
pub(super) fn stub(key: Key) -> Stored {
    Stored { key, metadata: Metadata::default(), spec: Vec::new(), yaml: String::new() }
}

/// Gives the objects the labels and annotations of the provider block, but for those that they set themselves.
/// `false` where these are not known yet.
pub(super) fn with_defaults(wanted: &mut [Stored], defaults: &Defaults) -> bool {
    let (Some(labels), Some(annotations)) = (&defaults.labels, &defaults.annotations) else { return false };
    let known = labels.values().chain(annotations.values()).all(Option::is_some);
    for stored in wanted {
        for (defaults, shared) in [(labels, labels_of as SharedMap), (annotations, annotations_of)] {
            for (key, value) in defaults {
                let value = value.clone().unwrap_or_default();
                shared(&mut stored.metadata).entry(key.clone()).or_insert(value);
            }
        }
    }
    known
}
