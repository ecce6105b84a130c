//! What a controller has at hand: the objects, and the few things that it does with them.
//! It knows no behaviour.

use crate::sim::accounts;
use crate::sim::driver::{Controller, Cx};
use crate::sim::kinds;
use crate::sim::object::{Key, Object};
use crate::sim::release::Release;
use crate::sim::store::Store;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// One thing that the server does by itself, as a function over the objects.
pub(super) struct Behaviour {
    name: &'static str,
    act: fn(&Desk<'_>),
    /// The state of the store in which there was nothing to do.
    rested_at: Option<u64>,
    /// The second of the last step, for one that looks at the clock.
    looked_at: Option<u64>,
}

impl Behaviour {
    /// A behaviour that lasts.
    pub(super) fn boxed(name: &'static str, act: fn(&Desk<'_>)) -> Box<dyn Controller> {
        Box::new(Self { name, act, rested_at: None, looked_at: None })
    }

    /// One that looks at the clock, so that it may have work to do although nothing changed.
    pub(super) fn timed(name: &'static str, act: fn(&Desk<'_>)) -> Box<dyn Controller> {
        Box::new(Self { name, act, rested_at: None, looked_at: Some(0) })
    }
}

impl Controller for Behaviour {
    fn name(&self) -> &'static str {
        self.name
    }

    fn step(&mut self, cx: &mut Cx) -> bool {
        let before = cx.store.revision();
        if let Some(second) = &mut self.looked_at
            && std::mem::replace(second, cx.now.as_secs()) != cx.now.as_secs()
        {
            self.rested_at = None;
        }
        if self.rested_at == Some(before) {
            return false;
        }
        (self.act)(&Desk { store: &cx.store, release: cx.release });
        let after = cx.store.revision();
        self.rested_at = (after == before).then_some(before);
        after != before
    }
}

/// A number as messages carry it.
pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A digest in the form that people read.
pub(super) fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The labels of an object, to give them to another one.
pub(super) fn labels(object: &Object) -> Vec<(&str, &str)> {
    object.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// The objects, in the words of controllers.
pub(super) struct Desk<'a> {
    store: &'a Store,
    /// The release that the server imitates.
    pub(super) release: Release,
}

#[cfg(test)]
impl<'a> Desk<'a> {
    /// A desk over these objects.
    pub(super) fn at(store: &'a Store) -> Self {
        Self { store, release: Release::NEWEST }
    }
}

impl Desk<'_> {
    /// The object of this type and id.
    pub(super) fn get(&self, kind: &str, id: &str) -> Option<Arc<Object>> {
        self.store.get(&kinds::key(kind, id))
    }

    /// The time of day, since the Unix epoch.
    pub(super) fn now(&self) -> Duration {
        self.store.time()
    }

    /// Where machines arrive.
    pub(super) fn store(&self) -> &Store {
        self.store
    }

    /// Takes a user or service account away, with all of its keys.
    pub(super) fn remove_account(&self, identity: &str) {
        accounts::remove(self.store, identity);
    }

    /// Whether there is one.
    pub(super) fn has(&self, kind: &str, id: &str) -> bool {
        self.get(kind, id).is_some()
    }

    /// Its spec; an absent object has an empty one.
    pub(super) fn spec<M: prost::Message + Default>(&self, kind: &str, id: &str) -> M {
        self.get(kind, id).map(|object| object.spec()).unwrap_or_default()
    }

    /// All objects of a type, by id.
    pub(super) fn list(&self, kind: &str) -> Vec<Arc<Object>> {
        self.store.list(kind)
    }

    /// Those of them with this label.
    pub(super) fn labelled(&self, kind: &str, label: &str, value: &str) -> Vec<Arc<Object>> {
        let mut found = self.list(kind);
        found.retain(|object| object.label(label) == Some(value));
        found
    }

    /// Makes an object, or gives it exactly these labels and this spec.
    pub(super) fn put<M: prost::Message + Default + PartialEq>(
        &self,
        owner: &str,
        kind: &str,
        id: &str,
        labels: &[(&str, &str)],
        spec: &M,
    ) -> Arc<Object> {
        self.put_held(owner, kind, id, labels, &[], spec)
    }

    /// The same, and in one write with these names on the list of those who have to clean up.
    pub(super) fn put_held<M: prost::Message + Default + PartialEq>(
        &self,
        owner: &str,
        kind: &str,
        id: &str,
        labels: &[(&str, &str)],
        finalizers: &[&str],
        spec: &M,
    ) -> Arc<Object> {
        self.store.put(owner, &kinds::key(kind, id), |object| {
            for name in finalizers {
                if !object.finalizers.iter().any(|held| held == name) {
                    object.finalizers.push((*name).to_owned());
                }
            }
            object.labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let encoded = spec.encode_to_vec();
            // Equal maps have many encodings, and a change of the encoding is none.
            if object.spec != encoded && (object.version == 0 || object.spec::<M>() != *spec) {
                object.spec = encoded;
            }
        })
    }

    /// Makes an object if there is none; it is never changed.
    pub(super) fn once(
        &self,
        owner: &str,
        kind: &str,
        id: &str,
        labels: &[(&str, &str)],
        spec: impl FnOnce() -> Vec<u8>,
    ) {
        if !self.has(kind, id) {
            let spec = spec();
            self.store.put(owner, &kinds::key(kind, id), |object| {
                object.labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
                object.spec = spec;
            });
        }
    }

    /// Changes an object, if there is one.
    pub(super) fn edit(&self, kind: &str, id: &str, edit: impl FnOnce(&mut Object)) {
        self.store.modify(&kinds::key(kind, id), edit);
    }

    /// Changes the spec of an object, if there is one.
    pub(super) fn edit_spec<M: prost::Message + Default + PartialEq + Clone>(
        &self,
        kind: &str,
        id: &str,
        edit: impl FnOnce(&mut M),
    ) {
        self.edit(kind, id, |object| {
            let old: M = object.spec();
            let mut new = old.clone();
            edit(&mut new);
            // An encoding that holds more than this build knows is left alone as long as nothing changes.
            if new != old {
                object.spec = new.encode_to_vec();
            }
        });
    }

    /// Puts names on the list of those who have to clean up, one write each, as independent controllers do.
    pub(super) fn hold(&self, object: &Object, names: &[&str]) {
        for name in names {
            if !object.finalizers.iter().any(|held| held == name) {
                self.store.add_finalizer(&object.key, name);
            }
        }
    }

    /// Takes names off that list.
    pub(super) fn release(&self, object: &Object, names: &[&str]) {
        for name in names {
            if object.finalizers.iter().any(|held| held == name) {
                self.store.remove_finalizer(&object.key, name);
            }
        }
    }

    /// Marks an object as being on its way out.
    pub(super) fn teardown(&self, object: &Object) {
        if !object.tearing_down {
            self.store.teardown(&object.key);
        }
    }

    /// Takes an object away at once, whatever holds it: only for what the server itself made.
    pub(super) fn remove(&self, kind: &str, id: &str) {
        self.store.remove(&kinds::key(kind, id));
    }

    /// Tears an object down and takes it away once nobody holds it; says whether it is gone.
    pub(super) fn clear(&self, key: &Key) -> bool {
        match self.store.get(key) {
            None => true,
            Some(object) if !object.tearing_down => {
                self.store.teardown(key);
                object.finalizers.is_empty() && self.store.destroy(key, &object.owner).is_ok()
            }
            Some(object) => object.finalizers.is_empty() && self.store.destroy(key, &object.owner).is_ok(),
        }
    }

    /// Does so with all of them; says whether all are gone.
    pub(super) fn clear_all(&self, objects: &[Arc<Object>]) -> bool {
        let left = objects.iter().filter(|object| !self.clear(&object.key)).count();
        left == 0
    }
}
