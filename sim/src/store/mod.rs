//! The objects: versions, owners, phases and finalizers, and their events.
//! It knows neither roles nor rules nor gRPC; callers have applied both.

mod error;
mod events;
mod history;
mod journal;
mod snapshot;

pub(super) use error::phase_name;
pub use error::{StoreError, Verb};
pub use events::{Event, Stale, Subscription};
pub(super) use journal::regular;
pub use journal::{JournalError, Torn};
pub use snapshot::Snapshot;

use super::object::{Key, Object, Reader};
use events::Events;
use history::History;
use journal::{Failed, Journal};
use kit::clock::Clock;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// All objects of one server; clones share them.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Mutex<Inner>>,
    /// Held while the disk is made to take what was written: who comes second has to wait for the first.
    syncing: Arc<Mutex<()>>,
    clock: Arc<dyn Clock>,
    lag: Duration,
}

struct Inner {
    objects: Snapshot,
    history: History,
    events: Events,
    secrets: BTreeMap<String, Vec<u8>>,
    journal: Option<Journal>,
    /// Whether the server has ended: what comes after that must not touch the disk.
    closed: bool,
    observers: Vec<Arc<dyn Observer>>,
    /// What could be taken away, by type.
    reapable: BTreeMap<String, BTreeSet<Key>>,
    /// How many writes of the server itself did not reach the disk, and so did not happen.
    lost: u64,
    /// What was cut off the journal when it was opened.
    torn: Option<Torn>,
}

/// Somebody who is told of every write, in order, and misses none.
pub trait Observer: Send + Sync {
    /// What an object was and is; none when it is new or gone.
    /// The store is held meanwhile, so this must not use it.
    fn saw(&self, now: Duration, key: &Key, old: Option<&Object>, new: Option<&Object>);
}

impl Store {
    /// An empty store, with no lag, that forgets everything when it goes.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::assemble(clock, Duration::ZERO, Snapshot::default(), BTreeMap::new(), None)
    }

    /// A store whose cached reads are late by `lag`, and which keeps its contents in the folder `data`, if given.
    ///
    /// # Errors
    /// When the folder cannot be used, or holds something else.
    pub fn open(clock: Arc<dyn Clock>, lag: Duration, data: Option<&Path>) -> Result<Self, JournalError> {
        let Some(data) = data else {
            return Ok(Self { lag, ..Self::new(clock) });
        };
        let (journal, contents) = Journal::open(data)?;
        let mut objects = Snapshot::default();
        for object in contents.objects {
            objects.insert(Arc::new(object));
        }
        let store = Self::assemble(clock, lag, objects, contents.secrets, Some(journal));
        store.lock().torn = contents.torn;
        Ok(store)
    }

    fn assemble(
        clock: Arc<dyn Clock>,
        lag: Duration,
        objects: Snapshot,
        secrets: BTreeMap<String, Vec<u8>>,
        journal: Option<Journal>,
    ) -> Self {
        let mut inner = Inner {
            reapable: BTreeMap::new(),
            lost: 0,
            torn: None,
            objects,
            history: History::default(),
            events: Events::new(clock.now()),
            secrets,
            journal,
            closed: false,
            observers: Vec::new(),
        };
        for object in inner.objects.all() {
            inner.sort_out(&object.key, Some(&object));
        }
        Self { inner: Arc::new(Mutex::new(inner)), syncing: Arc::default(), clock, lag }
    }

    /// Tells somebody of every write from now on.
    pub fn tell(&self, observer: Arc<dyn Observer>) {
        self.lock().observers.push(observer);
    }

    /// A consistent look at everything, as it is now.
    #[must_use]
    pub fn view(&self) -> Snapshot {
        self.lock().objects.clone().taken_at(self.time())
    }

    /// The object, as it is now.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Arc<Object>> {
        self.lock().objects.object(key)
    }

    /// All objects of a type in its own namespace, by id, as they are now.
    #[must_use]
    pub fn list(&self, kind: &str) -> Vec<Arc<Object>> {
        Reader::list(&self.view(), kind)
    }

    /// The object as the cache shows it: as it was some time ago.
    #[must_use]
    pub fn get_cached(&self, key: &Key) -> Option<Arc<Object>> {
        let inner = self.lock();
        match inner.history.before(key, self.horizon()) {
            Some(past) => past,
            None => inner.objects.object(key),
        }
    }

    /// Lets the cache show what there is now, as if nothing had changed for long.
    pub fn refresh_cache(&self) {
        self.lock().history = History::default();
    }

    /// All objects of a type in a namespace, by id, as the cache shows them.
    #[must_use]
    pub fn list_cached(&self, kind: &str, namespace: &str) -> Vec<Arc<Object>> {
        let inner = self.lock();
        inner.history.overlay(inner.objects.collection(kind, namespace), kind, namespace, self.horizon())
    }

    /// All objects of a type in a namespace, by id, as they are now.
    #[must_use]
    pub fn list_in(&self, kind: &str, namespace: &str) -> Vec<Arc<Object>> {
        self.lock().objects.collection(kind, namespace)
    }

    /// Makes an object, or changes it; a change that changes nothing leaves its version alone.
    /// `owner` is who owns it if it is new.
    /// `edit` runs while the store is held, so it must not use the store.
    /// A write that the disk refuses does not happen, which [`Store::lost`] tells.
    pub fn put(&self, owner: &str, key: &Key, edit: impl FnOnce(&mut Object)) -> Arc<Object> {
        let mut inner = self.lock();
        let old = inner.objects.object(key);
        let old =
            old.unwrap_or_else(|| Arc::new(Object { owner: owner.to_owned(), ..self.fresh(key.clone(), Vec::new()) }));
        self.edit(&mut inner, old, edit)
    }

    /// Changes an object that is there; none when it is not.
    /// `edit` runs while the store is held, so it must not use the store.
    pub fn modify(&self, key: &Key, edit: impl FnOnce(&mut Object)) -> Option<Arc<Object>> {
        let mut inner = self.lock();
        let old = inner.objects.object(key)?;
        Some(self.edit(&mut inner, old, edit))
    }

    /// Takes an object away, whatever holds it.
    pub fn remove(&self, key: &Key) -> Option<Arc<Object>> {
        let mut inner = self.lock();
        self.take(&mut inner, key).unwrap_or_else(|_| {
            inner.lost += 1;
            None
        })
    }

    /// Puts a name on the list of those who have to clean up before the object goes.
    pub fn add_finalizer(&self, key: &Key, name: &str) -> Option<Arc<Object>> {
        self.modify(key, |object| {
            if !object.finalizers.iter().any(|f| f == name) {
                object.finalizers.push(name.to_owned());
            }
        })
    }

    /// Takes a name off that list.
    pub fn remove_finalizer(&self, key: &Key, name: &str) -> Option<Arc<Object>> {
        self.modify(key, |object| object.finalizers.retain(|f| f != name))
    }

    /// Marks an object as being on its way out.
    pub fn teardown(&self, key: &Key) -> Option<Arc<Object>> {
        self.modify(key, |object| object.tearing_down = true)
    }

    /// An object that is not stored yet, without an owner and labels.
    #[must_use]
    pub fn fresh(&self, key: Key, spec: Vec<u8>) -> Object {
        let now = self.now();
        Object { created: now, updated: now, ..Object::new(key, spec) }
    }

    /// What a caller's Create does: `object.owner` is what the metadata said, `owner` what the options said.
    ///
    /// # Errors
    /// When the object exists, or has another owner.
    pub fn create(&self, mut object: Object, owner: &str) -> Result<Arc<Object>, StoreError> {
        let key = object.key.clone();
        let mut inner = self.lock();
        if !object.owner.is_empty() && object.owner != owner {
            return Err(StoreError::OwnerSet { owner: object.owner });
        }
        if inner.objects.object(&key).is_some() {
            return Err(StoreError::Exists { key });
        }
        object.owner = owner.to_owned();
        object.version = 1;
        object.created = self.now();
        self.set(&mut inner, object)
    }

    /// What a caller's Update does: everything but the key, the version, the owner and the times is replaced.
    /// `new.version` is the version that the caller has read.
    ///
    /// # Errors
    /// When the object is missing, has moved on, has another owner, or is in another phase than `tearing_down`.
    pub fn update(&self, mut new: Object, owner: &str, tearing_down: Option<bool>) -> Result<Arc<Object>, StoreError> {
        let key = new.key.clone();
        let mut inner = self.lock();
        let Some(old) = inner.objects.object(&key) else {
            return Err(StoreError::Missing { key });
        };
        if old.version != new.version {
            return Err(StoreError::Conflict { key, sent: new.version, stored: old.version });
        }
        if old.owner != owner {
            return Err(StoreError::Owned { key, version: old.version, owner: old.owner.clone() });
        }
        if let Some(wanted) = tearing_down
            && wanted != old.tearing_down
        {
            return Err(StoreError::Phase { key, version: old.version, tearing_down: wanted });
        }
        new.version = old.version + 1;
        new.owner.clone_from(&old.owner);
        new.created = old.created;
        new.updated = self.now();
        self.set(&mut inner, new)
    }

    /// What a caller's Destroy does.
    ///
    /// # Errors
    /// When the object is missing, has another owner, or is held by finalizers.
    pub fn destroy(&self, key: &Key, owner: &str) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let Some(old) = inner.objects.object(key) else {
            return Err(StoreError::Missing { key: key.clone() });
        };
        if old.owner != owner {
            return Err(StoreError::Owned { key: key.clone(), version: old.version, owner: old.owner.clone() });
        }
        if !old.finalizers.is_empty() {
            let mut finalizers = old.finalizers.clone();
            finalizers.sort();
            return Err(StoreError::Held { key: key.clone(), version: old.version, finalizers });
        }
        self.take(&mut inner, key).map(drop)
    }

    /// Takes an object away that is on its way out, belongs to no controller and is held by nobody; says whether it did.
    /// Whoever decided by an older look may find another object of the same name, which has to stay.
    pub fn reap(&self, key: &Key) -> bool {
        let mut inner = self.lock();
        inner.objects.object(key).is_some_and(|object| is_reapable(&object))
            && self.take(&mut inner, key).is_ok_and(|taken| taken.is_some())
    }

    /// What a caller's Teardown does; nothing when the object is on its way out already.
    ///
    /// # Errors
    /// When the object is missing or has another owner.
    pub fn begin_teardown(&self, key: &Key, owner: &str) -> Result<Arc<Object>, StoreError> {
        let mut inner = self.lock();
        let Some(old) = inner.objects.object(key) else {
            return Err(StoreError::Missing { key: key.clone() });
        };
        if old.owner != owner {
            return Err(StoreError::Owned { key: key.clone(), version: old.version, owner: old.owner.clone() });
        }
        if old.tearing_down {
            return Ok(old);
        }
        let mut new = Object::clone(&old);
        new.tearing_down = true;
        new.version += 1;
        new.updated = self.now();
        self.set(&mut inner, new)
    }

    /// What happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        self.lock().events.subscribe(self.clone())
    }

    /// A consistent look at everything, and what happens from then on.
    #[must_use]
    pub fn view_and_subscribe(&self) -> (Snapshot, Subscription) {
        let inner = self.lock();
        (inner.objects.clone().taken_at(self.time()), inner.events.subscribe(self.clone()))
    }

    /// What happened after the event of this bookmark.
    ///
    /// # Errors
    /// When the bookmark is another server's, or too old.
    pub fn resume(&self, bookmark: &[u8]) -> Result<Subscription, Stale> {
        self.lock().events.resume(self.clone(), bookmark)
    }

    /// The time of day, since the Unix epoch.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.clock.now()
    }

    /// How many writes there were; the same number twice means that nothing happened in between.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.lock().events.revision()
    }

    /// Whether any write after that one concerns somebody; said to do so as well when it is too long ago to tell.
    /// `concerns` runs while the store is held, so it must not use the store.
    #[must_use]
    pub fn any_since(&self, revision: u64, concerns: impl Fn(&Event) -> bool) -> bool {
        self.lock().events.any_since(revision, concerns)
    }

    /// The objects of a type that are on their way out, belong to no controller and are held by nobody.
    #[must_use]
    pub fn reapable(&self, kind: &str) -> Vec<Key> {
        self.lock().reapable.get(kind).map(|keys| keys.iter().cloned().collect()).unwrap_or_default()
    }

    /// A named secret of the server: keys and certificates that are no objects.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<Vec<u8>> {
        self.lock().secrets.get(name).cloned()
    }

    /// Keeps a named secret.
    pub fn keep_secret(&self, name: &str, bytes: Vec<u8>) {
        let mut inner = self.lock();
        if let Some(journal) = &mut inner.journal {
            journal.secret(name, &bytes);
        }
        inner.secrets.insert(name.to_owned(), bytes);
        inner.compact();
    }

    /// Returns once everything written so far would survive a loss of power.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn sync(&self) -> Result<(), StoreError> {
        let _syncing = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let file = {
            let mut inner = self.lock();
            inner.healthy()?;
            inner.journal.as_mut().and_then(Journal::unsynced)
        };
        if let Some(Err(error)) = file.map(|file| file.sync_data())
            && let Some(journal) = &mut self.lock().journal
        {
            journal.fail(error);
        }
        self.lock().healthy()
    }

    /// Lets go of the disk, so that another store can be opened there; writes fail from now on.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.journal = None;
    }

    /// Forgets everything there is.
    pub fn reset(&self) {
        let mut inner = self.lock();
        // The journal learns of it once, at the end.
        let journal = inner.journal.take();
        for object in inner.objects.all() {
            drop(self.take(&mut inner, &object.key));
        }
        inner.secrets.clear();
        inner.journal = journal;
        let Inner { journal, objects, secrets, .. } = &mut *inner;
        if let Some(journal) = journal {
            journal.replace(&objects.all(), secrets);
        }
    }

    /// How many writes of the server itself did not happen, as the disk refused them: they have to be tried again.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// What was cut off the data of an earlier run, as it was not whole.
    #[must_use]
    pub fn torn(&self) -> Option<Torn> {
        self.lock().torn.clone()
    }

    /// The same as [`Store::sync`], for a server that has just been set up: nothing may be missing.
    ///
    /// # Errors
    /// When the disk did not take all of it.
    pub fn sync_whole(&self) -> Result<(), StoreError> {
        self.sync()?;
        let inner = self.lock();
        match inner.journal.as_ref().and_then(Journal::refused) {
            Some(error) if inner.lost > 0 => Err(StoreError::Refused(error)),
            _ if inner.lost > 0 => Err(StoreError::Closed),
            _ => Ok(()),
        }
    }

    /// Whether anything is kept on disk.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        let inner = self.lock();
        inner.journal.is_some() || inner.closed
    }

    fn edit(&self, inner: &mut Inner, old: Arc<Object>, edit: impl FnOnce(&mut Object)) -> Arc<Object> {
        let mut new = Object::clone(&old);
        edit(&mut new);
        new.key = old.key.clone();
        if old.version > 0 && *old == new {
            return old;
        }
        new.version = old.version + 1;
        new.updated = self.now();
        self.set(inner, new).unwrap_or_else(|_| {
            inner.lost += 1;
            old
        })
    }

    /// On disk first: what is not there must not be seen either.
    fn set(&self, inner: &mut Inner, object: Object) -> Result<Arc<Object>, StoreError> {
        let new = Arc::new(object);
        inner.record(|journal| journal.put(&new))?;
        let old = inner.objects.insert(new.clone());
        self.note(inner, &new.key, old, Some(new.clone()));
        Ok(new)
    }

    fn take(&self, inner: &mut Inner, key: &Key) -> Result<Option<Arc<Object>>, StoreError> {
        let Some(old) = inner.objects.object(key) else { return Ok(None) };
        inner.record(|journal| journal.remove(key))?;
        inner.objects.remove(key);
        self.note(inner, key, Some(old.clone()), None);
        Ok(Some(old))
    }

    fn note(&self, inner: &mut Inner, key: &Key, old: Option<Arc<Object>>, new: Option<Arc<Object>>) {
        if !self.lag.is_zero() {
            inner.history.record(key, self.clock.now(), self.lag, old.clone());
        }
        for observer in &inner.observers {
            observer.saw(self.clock.now(), key, old.as_deref(), new.as_deref());
        }
        inner.sort_out(key, new.as_deref());
        inner.events.push(key, old, new);
        inner.compact();
    }

    fn horizon(&self) -> Option<Duration> {
        (!self.lag.is_zero()).then(|| self.clock.now().saturating_sub(self.lag))
    }

    fn now(&self) -> (i64, i32) {
        let now = self.clock.now();
        (now.as_secs().cast_signed(), now.subsec_nanos().cast_signed())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code panics between two related changes, so the contents are whole even then.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

impl Inner {
    /// Writes to the journal, if there is one.
    fn record(&mut self, write: impl FnOnce(&mut Journal) -> Result<(), Failed>) -> Result<(), StoreError> {
        self.healthy()?;
        let Some(journal) = &mut self.journal else { return Ok(()) };
        write(journal).map_err(|error| match journal.failure() {
            Some(failure) => StoreError::Journal(failure),
            None => StoreError::Refused(error),
        })
    }

    fn healthy(&self) -> Result<(), StoreError> {
        match self.journal.as_ref().and_then(Journal::failure) {
            Some(error) => Err(StoreError::Journal(error)),
            None if self.closed => Err(StoreError::Closed),
            None => Ok(()),
        }
    }

    /// Notes whether the server may take an object away, as it is now.
    fn sort_out(&mut self, key: &Key, object: Option<&Object>) {
        if object.is_some_and(is_reapable) {
            self.reapable.entry(key.kind.clone()).or_default().insert(key.clone());
        } else if let Some(keys) = self.reapable.get_mut(&key.kind) {
            keys.remove(key);
        }
    }

    /// Rewrites the journal when most of it is history.
    fn compact(&mut self) {
        if let Some(journal) = &mut self.journal
            && journal.wants_compaction()
        {
            journal.compact(&self.objects.all(), &self.secrets);
        }
    }
}

/// Whether an object is on its way out, belongs to no controller and is held by nobody.
fn is_reapable(object: &Object) -> bool {
    object.tearing_down && object.owner.is_empty() && object.finalizers.is_empty()
}

#[cfg(test)]
impl Store {
    /// Puts another file in the place of the journal's, and returns that.
    fn swap_file(&self, file: std::fs::File) -> Option<std::fs::File> {
        self.lock().journal.as_mut().map(|journal| journal.swap_file(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;
    use kit::clock::TestClock;

    fn store() -> Store {
        Store::new(Arc::new(TestClock::at(1_800_000_000)))
    }

    fn key(id: &str) -> Key {
        kinds::key("MachineLabels.omni.sidero.dev", id)
    }

    #[test]
    fn only_what_is_on_its_way_out_and_free_is_reaped() {
        let store = store();
        store.put("", &key("a"), |_| {});
        assert!(!store.reap(&key("a")), "it is running: perhaps another of the same name");
        store.add_finalizer(&key("a"), "f");
        store.teardown(&key("a"));
        assert!(!store.reap(&key("a")), "it is held");
        store.remove_finalizer(&key("a"), "f");
        assert!(store.reap(&key("a")) && !store.reap(&key("a")));
        store.put("Owner", &key("b"), |object| object.tearing_down = true);
        assert!(!store.reap(&key("b")), "its controller does it");
    }

    #[test]
    fn what_can_be_reaped_is_known_without_a_search() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(Arc::new(TestClock::at(1000)), Duration::ZERO, Some(folder.path())).unwrap();
        let store = open();
        let ids = |store: &Store| {
            let keys = store.reapable("MachineLabels.omni.sidero.dev");
            keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
        };
        for id in ["a", "b", "c"] {
            store.put("", &key(id), |object| object.tearing_down = true);
        }
        store.put("", &key("d"), |_| {});
        store.add_finalizer(&key("b"), "f");
        assert_eq!(ids(&store), ["a", "c"]);
        store.modify(&key("a"), |object| object.tearing_down = false);
        store.remove(&key("c"));
        store.remove_finalizer(&key("b"), "f");
        assert_eq!(ids(&store), ["b"]);
        drop(store);
        assert_eq!(ids(&open()), ["b"], "after a restart too");
        assert!(open().reapable("Clusters.omni.sidero.dev").is_empty());
    }

    #[test]
    fn only_changes_count() {
        let store = store();
        let version = |o: &Object| o.version;
        assert_eq!(version(&store.put("Owner", &key("a"), |_| {})), 1);
        assert_eq!(version(&store.put("Other", &key("a"), |_| {})), 1);
        assert_eq!(store.get(&key("a")).unwrap().owner, "Owner", "who comes later does not take over");
        assert_eq!(version(&store.add_finalizer(&key("a"), "f").unwrap()), 2);
        assert_eq!(version(&store.add_finalizer(&key("a"), "f").unwrap()), 2);
        assert_eq!(version(&store.teardown(&key("a")).unwrap()), 3);
        assert_eq!(version(&store.teardown(&key("a")).unwrap()), 3);
        assert_eq!(version(&store.remove_finalizer(&key("a"), "f").unwrap()), 4);
        assert_eq!(store.revision(), 4);
        assert!(store.remove(&key("a")).is_some() && store.remove(&key("a")).is_none());
        assert_eq!(store.revision(), 5);
        assert!(store.modify(&key("a"), |_| {}).is_none() && store.get(&key("a")).is_none());
    }

    #[test]
    fn a_view_stands_still() {
        let store = store();
        store.put("", &key("a"), |_| {});
        let view = store.view();
        store.put("", &key("b"), |_| {});
        store.remove(&key("a"));
        let ids = |objects: Vec<Arc<Object>>| objects.iter().map(|o| o.key.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(Reader::list(&view, "MachineLabels.omni.sidero.dev")), ["a"]);
        assert_eq!(ids(store.list("MachineLabels.omni.sidero.dev")), ["b"]);
    }

    #[test]
    fn the_cache_shows_each_version_for_as_long_as_it_lags() {
        let clock = Arc::new(TestClock::at(1000));
        let lag = Duration::from_secs(10);
        let store = Store::open(clock.clone(), lag, None).unwrap();
        let mut seen = Vec::new();
        let mut look = |store: &Store| {
            let one = store.get_cached(&key("a")).map(|o| o.version);
            let listed = store.list_cached("MachineLabels.omni.sidero.dev", "default").first().map(|o| o.version);
            assert_eq!(one, listed);
            seen.push(one);
        };
        for _ in 0..3 {
            store.put("", &key("a"), |o| o.spec.push(0));
            look(&store);
            clock.advance(Duration::from_secs(4));
        }
        look(&store);
        store.remove(&key("a"));
        for _ in 0..3 {
            look(&store);
            clock.advance(Duration::from_secs(5));
        }
        assert_eq!(seen, [None, None, None, Some(1), Some(1), Some(2), None]);
        store.put("", &key("b"), |_| {});
        assert!(store.get_cached(&key("b")).is_none());
        store.refresh_cache();
        assert!(store.get_cached(&key("b")).is_some());
    }

    #[tokio::test]
    async fn a_reader_that_is_too_slow_is_told() {
        let store = store();
        let mut slow = store.subscribe();
        for n in 0..40_000u32 {
            store.put("", &key("a"), |o| o.spec = n.to_be_bytes().to_vec());
        }
        assert_eq!(slow.next().await.err(), Some(Stale));
        let mut quick = store.subscribe();
        store.remove(&key("a"));
        assert!(quick.next().await.unwrap().new.is_none());
    }
}
