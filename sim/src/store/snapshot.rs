//! All objects at one moment; copies are cheap, and a write after a copy shares all but a few nodes with it.
//! The cost of a write grows with the logarithm of the number of objects.

use crate::kinds;
use crate::names::label;
use crate::object::{Key, Object, Reader};
use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

/// The labels by which objects are found without a look at all others of their type.
const INDEXED: &[&str] = &[
    label::CLUSTER,
    label::MACHINE_SET,
    label::CLUSTER_MACHINE,
    label::MACHINE,
    label::CLUSTER_UUID,
    label::INFRA_PROVIDER_ID,
    label::MACHINE_REQUEST_SET,
];

/// A consistent look at everything.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// By type, then by namespace.
    kinds: RedBlackTreeMapSync<String, RedBlackTreeMapSync<String, Collection>>,
    taken_at: Duration,
}

/// The objects of one type in one namespace.
#[derive(Clone, Debug, Default)]
struct Collection {
    objects: Objects,
    labelled: RedBlackTreeMapSync<Term, Objects>,
    owned: RedBlackTreeMapSync<String, Objects>,
}

type Objects = RedBlackTreeSetSync<ById>;

/// The place of a label in [`INDEXED`], and a value of it.
type Term = (usize, String);

/// An object among others of its type and namespace.
#[derive(Clone, Debug)]
struct ById(Arc<Object>);

impl Snapshot {
    /// The object of this key.
    #[must_use]
    pub fn object(&self, key: &Key) -> Option<Arc<Object>> {
        self.find(&key.kind, &key.namespace)?.objects.get(key.id.as_str()).map(|found| found.0.clone())
    }

    /// All objects of a type in a namespace, by id.
    #[must_use]
    pub fn collection(&self, kind: &str, namespace: &str) -> Vec<Arc<Object>> {
        self.find(kind, namespace).map(|found| listed(&found.objects)).unwrap_or_default()
    }

    /// Those of them with this label, by id.
    #[must_use]
    pub fn labelled_in(&self, kind: &str, namespace: &str, label: &str, value: &str) -> Vec<Arc<Object>> {
        let Some(found) = self.find(kind, namespace) else { return Vec::new() };
        match INDEXED.iter().position(|indexed| *indexed == label) {
            Some(index) => found.labelled.get(&(index, value.to_owned())).map(listed).unwrap_or_default(),
            None => {
                let mut found = listed(&found.objects);
                found.retain(|object| object.label(label) == Some(value));
                found
            }
        }
    }

    /// All objects of a type in its own namespace that this controller owns, by id.
    #[must_use]
    pub fn owned(&self, kind: &str, owner: &str) -> Vec<Arc<Object>> {
        let found = self.find(kind, kinds::namespace(kind)).and_then(|found| found.owned.get(owner));
        found.map(listed).unwrap_or_default()
    }

    /// Every object there is.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Object>> {
        self.kinds.values().flat_map(|namespaces| namespaces.values()).flat_map(|c| listed(&c.objects)).collect()
    }

    /// The same look, with the time at which it was taken.
    pub(super) fn taken_at(mut self, time: Duration) -> Self {
        self.taken_at = time;
        self
    }

    pub(super) fn insert(&mut self, object: Arc<Object>) -> Option<Arc<Object>> {
        let old = self.object(&object.key);
        let key = object.key.clone();
        self.change(&key, |collection| {
            collection.reindex(old.as_deref(), Some(&object));
            collection.objects.insert_mut(ById(object));
        });
        old
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Arc<Object>> {
        let old = self.object(key)?;
        self.change(key, |collection| {
            collection.reindex(Some(&old), None);
            collection.objects.remove_mut(key.id.as_str());
        });
        Some(old)
    }

    fn change(&mut self, key: &Key, edit: impl FnOnce(&mut Collection)) {
        change(&mut self.kinds, key.kind.as_str(), |namespaces| change(namespaces, key.namespace.as_str(), edit));
    }

    fn find(&self, kind: &str, namespace: &str) -> Option<&Collection> {
        self.kinds.get(kind)?.get(namespace)
    }
}

impl Collection {
    /// Brings the indexes up to date with a change of one object.
    fn reindex(&mut self, old: Option<&Object>, new: Option<&Arc<Object>>) {
        for (index, label) in INDEXED.iter().enumerate() {
            let before = old.and_then(|object| object.label(label)).map(|value| (index, value.to_owned()));
            let now = new.and_then(|object| Some(((index, object.label(label)?.to_owned()), object)));
            move_between(&mut self.labelled, before, old, now);
        }
        let owner = |object: &Object| (!object.owner.is_empty()).then(|| object.owner.clone());
        let now = new.and_then(|object| Some((owner(object)?, object)));
        move_between(&mut self.owned, old.and_then(owner), old, now);
    }
}

/// Takes an object out of the set where it was, and puts what became of it where it belongs.
fn move_between<K: Ord + Clone>(
    sets: &mut RedBlackTreeMapSync<K, Objects>,
    before: Option<K>,
    old: Option<&Object>,
    now: Option<(K, &Arc<Object>)>,
) {
    if let (Some(before), Some(old)) = (before, old)
        && now.as_ref().is_none_or(|(now, _)| *now != before)
        && let Some(set) = sets.get_mut(&before)
    {
        set.remove_mut(old.key.id.as_str());
        if set.is_empty() {
            sets.remove_mut(&before);
        }
    }
    if let Some((now, object)) = now {
        change(sets, &now, |set| {
            set.insert_mut(ById(object.clone()));
        });
    }
}

/// Changes what stands under a key; something empty, if nothing does yet.
fn change<K: Ord + Clone + Borrow<Q>, Q: Ord + ToOwned<Owned = K> + ?Sized, V: Clone + Default>(
    map: &mut RedBlackTreeMapSync<K, V>,
    key: &Q,
    edit: impl FnOnce(&mut V),
) {
    if let Some(found) = map.get_mut(key) {
        return edit(found);
    }
    let mut fresh = V::default();
    edit(&mut fresh);
    map.insert_mut(key.to_owned(), fresh);
}

fn listed(objects: &Objects) -> Vec<Arc<Object>> {
    objects.iter().map(|object| object.0.clone()).collect()
}

impl Reader for Snapshot {
    fn get(&self, kind: &str, id: &str) -> Option<Arc<Object>> {
        self.find(kind, kinds::namespace(kind))?.objects.get(id).map(|found| found.0.clone())
    }

    fn list(&self, kind: &str) -> Vec<Arc<Object>> {
        self.collection(kind, kinds::namespace(kind))
    }

    fn labelled(&self, kind: &str, label: &str, value: &str) -> Vec<Arc<Object>> {
        self.labelled_in(kind, kinds::namespace(kind), label, value)
    }

    fn now(&self) -> Duration {
        self.taken_at
    }
}

impl Borrow<str> for ById {
    fn borrow(&self) -> &str {
        &self.0.key.id
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.key.id == other.0.key.id
    }
}

impl Eq for ById {}

impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ById {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.id.cmp(&other.0.key.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::kind;
    use crate::store::Store;
    use kit::clock::TestClock;

    /// Every index against a look at all objects, after writes of every sort in an order that chance chooses.
    #[test]
    fn indexes_follow_every_write() {
        let store = Store::new(Arc::new(TestClock::at(1_800_000_000)));
        let mut random = fastrand::Rng::with_seed(7);
        let mut kept = store.view();
        for round in 0..2_000 {
            let key = kinds::key(kind::CONFIG_PATCH, format!("p{}", random.u8(0..30)));
            if random.u8(0..4) == 0 {
                store.remove(&key);
            } else {
                let (label, value) = (INDEXED[random.usize(0..3)], random.u8(0..3).to_string());
                let owner = ["", "A", "B"][random.usize(0..3)];
                store.put(owner, &key, |object| {
                    object.labels.clear();
                    object.labels.insert(label.to_owned(), value);
                    object.labels.insert("free".to_owned(), round.to_string());
                });
            }
            let view = store.view();
            if round % 100 == 0 {
                kept = view.clone();
            }
            for view in [&view, &kept] {
                let all = Reader::list(view, kind::CONFIG_PATCH);
                for label in INDEXED.iter().chain(&["free"]) {
                    for value in ["0", "1", "2"] {
                        let mut expected = all.clone();
                        expected.retain(|object| object.label(label) == Some(value));
                        assert_eq!(view.labelled(kind::CONFIG_PATCH, label, value), expected, "{label}={value}");
                    }
                }
                for owner in ["A", "B"] {
                    let mut expected = all.clone();
                    expected.retain(|object| object.owner == owner);
                    assert_eq!(view.owned(kind::CONFIG_PATCH, owner), expected, "{owner}");
                }
            }
        }
    }

    #[test]
    fn types_and_namespaces_stay_apart() {
        let store = Store::new(Arc::new(TestClock::at(1_800_000_000)));
        let key = |namespace: &str, kind: &str, id: &str| Key {
            namespace: namespace.to_owned(),
            kind: kind.to_owned(),
            id: id.to_owned(),
        };
        for (namespace, kind, id) in
            [("default", "A.x", "2"), ("other", "A.x", "1"), ("default", "A.x", "1"), ("default", "B.x", "1")]
        {
            store.put("", &key(namespace, kind, id), |_| {});
        }
        let ids = |objects: Vec<Arc<Object>>| objects.iter().map(|o| o.key.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(store.list_in("A.x", "default")), ["1", "2"]);
        assert_eq!(ids(store.list_in("A.x", "other")), ["1"]);
        assert!(store.list_in("A.x", "none").is_empty() && store.list_in("C.x", "default").is_empty());
        let all: Vec<_> =
            store.view().all().iter().map(|o| format!("{}/{}/{}", o.key.kind, o.key.namespace, o.key.id)).collect();
        assert_eq!(all, ["A.x/default/1", "A.x/default/2", "A.x/other/1", "B.x/default/1"]);
    }
}
