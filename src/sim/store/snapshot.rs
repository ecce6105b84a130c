//! All objects at one moment; copies are cheap and share what did not change.

use crate::sim::kinds;
use crate::sim::object::{Key, Object, View};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

type Collection = BTreeMap<String, Arc<Object>>;

/// A consistent look at everything.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    collections: Arc<BTreeMap<(String, String), Arc<Collection>>>,
    taken_at: Duration,
}

impl Snapshot {
    /// The object of this key.
    #[must_use]
    pub fn object(&self, key: &Key) -> Option<Arc<Object>> {
        self.find(&key.kind, &key.namespace)?.get(&key.id).cloned()
    }

    /// All objects of a type in a namespace, by id.
    #[must_use]
    pub fn collection(&self, kind: &str, namespace: &str) -> Vec<Arc<Object>> {
        self.find(kind, namespace).map(|c| c.values().cloned().collect()).unwrap_or_default()
    }

    /// Every object there is.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Object>> {
        self.collections.values().flat_map(|c| c.values().cloned()).collect()
    }

    /// The same look, with the time at which it was taken.
    pub(super) fn taken_at(mut self, time: Duration) -> Self {
        self.taken_at = time;
        self
    }

    pub(super) fn insert(&mut self, object: Arc<Object>) -> Option<Arc<Object>> {
        let Key { namespace, kind, id } = object.key.clone();
        let collection = Arc::make_mut(&mut self.collections).entry((kind, namespace)).or_default();
        Arc::make_mut(collection).insert(id, object)
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Arc<Object>> {
        let name = (key.kind.clone(), key.namespace.clone());
        let collection = Arc::make_mut(&mut self.collections).get_mut(&name)?;
        Arc::make_mut(collection).remove(&key.id)
    }

    fn find(&self, kind: &str, namespace: &str) -> Option<&Arc<Collection>> {
        self.collections.get(&(kind.to_owned(), namespace.to_owned()))
    }
}

impl View for Snapshot {
    fn get(&self, kind: &str, id: &str) -> Option<Arc<Object>> {
        self.object(&kinds::key(kind, id))
    }

    fn list(&self, kind: &str) -> Vec<Arc<Object>> {
        self.collection(kind, kinds::namespace(kind))
    }

    fn now(&self) -> Duration {
        self.taken_at
    }
}
