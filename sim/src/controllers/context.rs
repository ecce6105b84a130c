//! The context of a controller: the objects, and operations on them.
//! It knows no behaviour.

use crate::accounts;
use crate::driver::{Controller, StepContext};
use crate::kinds;
use crate::object::{Key, Object, Reader};
use crate::release::Release;
use crate::store::{Event, Store};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// One thing that the server does by itself, as a function over the objects.
pub(super) struct Behaviour {
    name: &'static str,
    act: fn(&ControllerContext<'_>),
    /// When there was nothing to do, and what it had looked at to find that out.
    rested: Option<(u64, Looks)>,
    /// The second of the last step, for one that looks at the clock.
    looked_at: Option<u64>,
}

impl Behaviour {
    /// A behaviour that lasts.
    pub(super) fn boxed(name: &'static str, act: fn(&ControllerContext<'_>)) -> Box<dyn Controller> {
        Box::new(Self { name, act, rested: None, looked_at: None })
    }

    /// One that looks at the clock, so that it may have work to do although nothing changed.
    pub(super) fn timed(name: &'static str, act: fn(&ControllerContext<'_>)) -> Box<dyn Controller> {
        Box::new(Self { name, act, rested: None, looked_at: Some(0) })
    }

    /// Whether nothing has changed that it looked at when there was nothing to do.
    fn rests(&mut self, store: &Store, now: u64) -> bool {
        let Some((at, looks)) = &mut self.rested else { return false };
        if *at == now {
            return true;
        }
        let rests = !store.any_since(*at, |event| looks.saw(event));
        *at = now;
        rests
    }
}

impl Controller for Behaviour {
    fn name(&self) -> &'static str {
        self.name
    }

    fn step(&mut self, cx: &mut StepContext) -> bool {
        let before = cx.store.revision();
        if let Some(second) = &mut self.looked_at
            && std::mem::replace(second, cx.now.as_secs()) != cx.now.as_secs()
        {
            self.rested = None;
        }
        if self.rests(&cx.store, before) {
            return false;
        }
        let lost = cx.store.lost();
        let ctx = ControllerContext { store: &cx.store, release: cx.release, looks: RefCell::default() };
        (self.act)(&ctx);
        let mut looks = ctx.looks.into_inner();
        // One that is called each second need not be called for the time in between.
        looks.all |= looks.clock && self.looked_at.is_none();
        let after = cx.store.revision();
        // What the disk refused has to be tried again, although nothing changes meanwhile.
        self.rested = (after == before && cx.store.lost() == lost).then_some((before, looks));
        after != before
    }
}

/// What is done at the start and then every hour, whatever changes in between.
pub(super) struct Hourly {
    name: &'static str,
    act: fn(&ControllerContext<'_>),
    /// When it is done again, since the Unix epoch.
    due: Duration,
}

impl Hourly {
    pub(super) fn boxed(name: &'static str, act: fn(&ControllerContext<'_>)) -> Box<dyn Controller> {
        Box::new(Self { name, act, due: Duration::ZERO })
    }
}

impl Controller for Hourly {
    fn name(&self) -> &'static str {
        self.name
    }

    fn step(&mut self, cx: &mut StepContext) -> bool {
        if cx.now < self.due {
            return false;
        }
        self.due = cx.now + Duration::from_hours(1);
        let before = cx.store.revision();
        (self.act)(&ControllerContext { store: &cx.store, release: cx.release, looks: RefCell::default() });
        cx.store.revision() != before
    }
}

/// What a behaviour has looked at: only a change of that can give it work.
#[derive(Default)]
struct Looks {
    /// Everything, as far as anybody knows.
    all: bool,
    /// The time of day.
    clock: bool,
    /// Some of the objects of these types.
    kinds: HashMap<String, Look>,
}

/// What it has looked at among the objects of one type.
#[derive(Default)]
struct Look {
    all: bool,
    ids: HashSet<String>,
    owners: HashSet<String>,
    /// The values of a label, by its name.
    labels: HashMap<String, HashSet<String>>,
}

impl Looks {
    fn of(&mut self, kind: &str) -> &mut Look {
        self.kinds.entry(kind.to_owned()).or_default()
    }

    /// Whether an event is about something that was looked at.
    fn saw(&self, event: &Event) -> bool {
        let among = |object: &Option<Arc<Object>>, look: &Look| {
            object.as_ref().is_some_and(|object| {
                look.owners.contains(&object.owner)
                    || look.labels.iter().any(|(label, values)| object.label(label).is_some_and(|v| values.contains(v)))
            })
        };
        self.all
            || self.kinds.get(&event.key.kind).is_some_and(|look| {
                look.all || look.ids.contains(&event.key.id) || among(&event.old, look) || among(&event.new, look)
            })
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
pub(super) struct ControllerContext<'a> {
    store: &'a Store,
    /// The release that the server imitates.
    pub(super) release: Release,
    looks: RefCell<Looks>,
}

#[cfg(test)]
impl<'a> ControllerContext<'a> {
    /// A context over these objects.
    pub(super) fn at(store: &'a Store) -> Self {
        Self { store, release: Release::NEWEST, looks: RefCell::default() }
    }
}

impl ControllerContext<'_> {
    /// The key of an object that is looked at.
    fn key(&self, kind: &str, id: &str) -> Key {
        self.looked(kind, id);
        kinds::key(kind, id)
    }

    /// Notes a look at an object, whether it is there or not.
    fn looked(&self, kind: &str, id: &str) {
        self.looks.borrow_mut().of(kind).ids.insert(id.to_owned());
    }

    /// The object of this type and id.
    pub(super) fn get(&self, kind: &str, id: &str) -> Option<Arc<Object>> {
        self.store.get(&self.key(kind, id))
    }

    /// The time of day, since the Unix epoch.
    pub(super) fn now(&self) -> Duration {
        self.looks.borrow_mut().clock = true;
        self.store.time()
    }

    /// Where machines arrive; what is looked at there is not known here.
    pub(super) fn store(&self) -> &Store {
        self.looks.borrow_mut().all = true;
        self.store
    }

    /// Takes a user or service account away, with all of its keys.
    pub(super) fn remove_account(&self, identity: &str) {
        self.looks.borrow_mut().all = true;
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
        self.looks.borrow_mut().of(kind).all = true;
        self.store.list(kind)
    }

    /// Those of them with this label.
    pub(super) fn labelled(&self, kind: &str, label: &str, value: &str) -> Vec<Arc<Object>> {
        self.looks.borrow_mut().of(kind).labels.entry(label.to_owned()).or_default().insert(value.to_owned());
        self.store.view().labelled(kind, label, value)
    }

    /// Those of them that this controller owns.
    pub(super) fn owned(&self, kind: &str, owner: &str) -> Vec<Arc<Object>> {
        self.looks.borrow_mut().of(kind).owners.insert(owner.to_owned());
        self.store.view().owned(kind, owner)
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
        self.store.put(owner, &self.key(kind, id), |object| {
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
            self.store.put(owner, &self.key(kind, id), |object| {
                object.labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
                object.spec = spec;
            });
        }
    }

    /// Changes an object, if there is one.
    pub(super) fn edit(&self, kind: &str, id: &str, edit: impl FnOnce(&mut Object)) {
        self.store.modify(&self.key(kind, id), edit);
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
        self.looked(&object.key.kind, &object.key.id);
        for name in names {
            if !object.finalizers.iter().any(|held| held == name) {
                self.store.add_finalizer(&object.key, name);
            }
        }
    }

    /// Takes names off that list.
    pub(super) fn release(&self, object: &Object, names: &[&str]) {
        self.looked(&object.key.kind, &object.key.id);
        for name in names {
            if object.finalizers.iter().any(|held| held == name) {
                self.store.remove_finalizer(&object.key, name);
            }
        }
    }

    /// Marks an object as being on its way out.
    pub(super) fn teardown(&self, object: &Object) {
        self.looked(&object.key.kind, &object.key.id);
        if !object.tearing_down {
            self.store.teardown(&object.key);
        }
    }

    /// Takes an object away at once, whatever holds it: only for what the server itself made.
    pub(super) fn remove(&self, kind: &str, id: &str) {
        self.store.remove(&self.key(kind, id));
    }

    /// Tears an object down and takes it away once nobody holds it; says whether it is gone.
    pub(super) fn clear(&self, key: &Key) -> bool {
        self.looked(&key.kind, &key.id);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{kind, label};
    use kit::clock::TestClock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static STEPS: AtomicUsize = AtomicUsize::new(0);

    /// Looks at one class, at the patches of one cluster, at one controller's clusters, and at all machine sets.
    fn look(ctx: &ControllerContext<'_>) {
        STEPS.fetch_add(1, Ordering::Relaxed);
        ctx.has(kind::MACHINE_CLASS, "mine");
        ctx.labelled(kind::CONFIG_PATCH, label::CLUSTER, "mine");
        ctx.owned(kind::CLUSTER, "Mine");
        ctx.list(kind::MACHINE_SET);
    }

    #[test]
    fn a_behaviour_rests_until_something_changes_that_it_looked_at() {
        let store = Store::new(Arc::new(TestClock::at(1_800_000_000)));
        let mut behaviour = Behaviour::boxed("Look", look);
        let mut cx = StepContext { store: store.clone(), now: store.time(), release: Release::NEWEST };
        let mut stepped = |what: &str, expected: bool| {
            let before = STEPS.load(Ordering::Relaxed);
            assert!(!behaviour.step(&mut cx) && !behaviour.step(&mut cx));
            assert_eq!(STEPS.load(Ordering::Relaxed) - before, usize::from(expected), "{what}");
        };
        let put = |owner: &str, kind: &str, id: &str, cluster: &str| {
            store.put(owner, &kinds::key(kind, id), |object| {
                object.labels.insert(label::CLUSTER.to_owned(), cluster.to_owned());
            });
        };
        stepped("the first time", true);
        put("", kind::MACHINE_CLASS, "other", "mine");
        put("", kind::CONFIG_PATCH, "a", "other");
        put("Other", kind::CLUSTER, "c", "mine");
        put("", kind::MACHINE_LABELS, "m", "mine");
        stepped("others", false);
        put("", kind::MACHINE_CLASS, "mine", "");
        stepped("an object that was not there", true);
        put("", kind::CONFIG_PATCH, "a", "mine");
        stepped("a label that an object got", true);
        put("", kind::CONFIG_PATCH, "a", "other");
        stepped("a label that an object lost", true);
        put("Mine", kind::CLUSTER, "d", "");
        stepped("an owner", true);
        put("", kind::MACHINE_SET, "s", "");
        stepped("one of all", true);
        for number in 0..40_000 {
            put("", kind::MACHINE_LABELS, "m", &number.to_string());
        }
        stepped("more than is remembered", true);
    }
}
