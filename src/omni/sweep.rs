//! Sweeps: series of reads that visit each object once, as a refresh does, so that one answer can serve many of them.
//!
//! A sweep ends when an object is visited again, and with every write of the client: no read after either is answered
//! from what was read before. Single reads, and reads that a write depends on, are part of no sweep.

use super::call::Call;
use super::client::Client;
use super::error::{Error, ErrorKind};
use super::management::User;
use super::state::query::Query;
use super::state::snapshot::{Snapshot, Stage};
use super::state::{Key, Kind, Metadata, Resource};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many reads of a kind are sent one by one before a watch of the kind answers the next ones.
pub(crate) const FEW: usize = 20;
/// How often a sweep opens a watch of the same kind: what was lost may be worth another one.
const OPENINGS: usize = 3;
/// From how many objects on the shared reads of plans are looked through for old ones.
const SHARED: usize = 256;
/// How long an answer that nothing keeps current serves other reads.
const ANSWER_AGE: Duration = Duration::from_secs(2);

/// A series of reads; clones are the same sweep.
#[derive(Clone)]
pub struct Sweep(Arc<State>);

struct State {
    /// Cancelled at the end.
    over: CancellationToken,
    hasher: RandomState,
    /// The visited objects, by hash: two of the same hash only end the sweep early.
    visited: Mutex<HashSet<u64>>,
    kinds: Mutex<HashMap<Kind, Reads>>,
    /// What the server itself has answered, by hash of the key: the version, or `None` for no object. Several visits may read the
    /// same object, and no snapshot that lags behind takes a later one back.
    answered: Mutex<HashMap<u64, Option<u64>>>,
    users: Shared<Vec<User>>,
    /// What plans have read within the last seconds.
    planned: Mutex<HashMap<Key, Arc<Shared<Resource>>>>,
    /// What plans have listed within the last seconds.
    listed: Mutex<Vec<SharedList>>,
}

/// Objects without their specs, which would be very much to keep.
type Found = Vec<(Key, Metadata)>;

/// The list of a kind by a query.
type SharedList = (Kind, Query, Arc<Shared<Found>>);

/// The reads of one kind.
struct Reads {
    sent: usize,
    openings: usize,
    snapshot: Option<Arc<Snapshot>>,
}

impl Default for Reads {
    fn default() -> Self {
        Self { sent: 0, openings: OPENINGS, snapshot: None }
    }
}

/// The sweeps of a client: one at a time, and none during a write.
pub(crate) struct Sweeps {
    enabled: bool,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    sweep: Sweep,
    writes: usize,
}

/// A write that is under way.
pub(crate) struct Writing<'a>(&'a Sweeps);

impl Sweeps {
    pub(crate) fn new(enabled: bool) -> Self {
        Self { enabled, current: Mutex::default() }
    }

    /// The sweep that visits `object` now; `None` while a write is under way.
    fn visit(&self, object: &impl Hash) -> Option<Sweep> {
        let mut current = lock(&self.current);
        if !self.enabled || current.writes > 0 {
            return None;
        }
        if current.sweep.is_over() || !current.sweep.visit(object) {
            current.sweep.end();
            current.sweep = Sweep::default();
            current.sweep.visit(object);
        }
        Some(current.sweep.clone())
    }

    /// Ends the sweep; the next one begins after the write.
    pub(crate) fn write(&self) -> Writing<'_> {
        let mut current = lock(&self.current);
        current.writes += 1;
        current.sweep.end();
        Writing(self)
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        lock(&self.0.current).writes -= 1;
    }
}

impl Default for Sweep {
    fn default() -> Self {
        Self(Arc::new(State {
            over: CancellationToken::new(),
            hasher: RandomState::new(),
            visited: Mutex::default(),
            kinds: Mutex::default(),
            answered: Mutex::default(),
            users: Shared::default(),
            planned: Mutex::default(),
            listed: Mutex::default(),
        }))
    }
}

impl fmt::Debug for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweep").field("is_over", &self.is_over()).finish_non_exhaustive()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

impl Sweep {
    /// Whether its answers no longer count.
    pub(crate) fn is_over(&self) -> bool {
        self.0.over.is_cancelled()
    }

    fn end(&self) {
        self.0.over.cancel();
    }

    /// Whether this is the first visit of the object.
    fn visit(&self, object: &impl Hash) -> bool {
        lock(&self.0.visited).insert(self.0.hasher.hash_one(object))
    }

    /// Remembers what the server itself has answered to a read.
    pub(crate) fn note(&self, key: &Key, answer: &Result<Resource, Error>) {
        let version = match answer {
            Ok(found) => found.metadata.version,
            Err(error) if error.is(ErrorKind::NotFound) => None,
            Err(_) => return,
        };
        if key.kind.can_be_watched() {
            lock(&self.0.answered).insert(self.0.hasher.hash_one(key), version);
        }
    }

    /// Where the plans of the sweep share their reads of `key`.
    fn shared(&self, key: &Key) -> Arc<Shared<Resource>> {
        let mut planned = lock(&self.0.planned);
        if planned.len() >= SHARED {
            planned.retain(|_, shared| !shared.is_old());
        }
        Arc::clone(planned.entry(key.clone()).or_default())
    }

    /// Where the plans of the sweep share their lists of `kind` by `query`.
    fn shared_list(&self, kind: Kind, query: &Query) -> Arc<Shared<Found>> {
        let mut listed = lock(&self.0.listed);
        listed.retain(|(.., shared)| !shared.is_old());
        if let Some((.., shared)) = listed.iter().find(|(of, by, _)| *of == kind && by == query) {
            return Arc::clone(shared);
        }
        let shared = Arc::default();
        listed.push((kind, query.clone(), Arc::clone(&shared)));
        shared
    }

    /// Whether the server itself has answered that the object is there.
    pub(crate) fn is_known(&self, key: &Key) -> bool {
        matches!(lock(&self.0.answered).get(&self.0.hasher.hash_one(key)), Some(Some(_)))
    }

    /// Whether the server itself has answered with something newer than this.
    pub(crate) fn is_outdated(&self, found: &Resource) -> bool {
        match lock(&self.0.answered).get(&self.0.hasher.hash_one(&found.key)) {
            None => false,
            Some(None) => true,
            Some(Some(version)) => found.metadata.version.is_none_or(|found| found < *version),
        }
    }

    /// The snapshot that answers a read of `kind`: `None` for the first few, and where no watch of the kind can be had.
    pub(crate) fn snapshot(&self, client: &Client, kind: Kind) -> Option<Arc<Snapshot>> {
        if !kind.can_be_watched() {
            return None;
        }
        let mut kinds = lock(&self.0.kinds);
        let reads = kinds.entry(kind).or_default();
        match reads.snapshot.as_ref().map(|snapshot| snapshot.stage()) {
            Some(Stage::Filling | Stage::Current) => return reads.snapshot.clone(),
            Some(Stage::Lost) => *reads = Reads { openings: reads.openings, ..Reads::default() },
            Some(Stage::Refused) => *reads = Reads { openings: 0, ..Reads::default() },
            None => {}
        }
        reads.sent = reads.sent.saturating_add(1);
        if reads.sent <= FEW || reads.openings == 0 || self.is_over() {
            return None;
        }
        reads.openings -= 1;
        reads.snapshot = Some(Snapshot::open(client, kind, self.0.over.clone()));
        reads.snapshot.clone()
    }
}

impl Call {
    /// Makes the call a part of the client's sweep: it reads `object`, and what belongs to it, for a refresh.
    ///
    /// Its reads may then be answered together with those of other calls. `object` is what names it, the same in every refresh.
    #[must_use]
    pub fn in_sweep(self, client: &Client, object: &impl Hash) -> Self {
        Self { sweep: client.inner.sweeps.visit(object), ..self }
    }

    /// The same for a plan of `object`. What a plan foresees may change before the apply in any case, so its reads may also be
    /// answered by what another plan of the sweep has read some seconds ago.
    #[must_use]
    pub fn in_plan_sweep(self, client: &Client, object: &impl Hash) -> Self {
        Self { is_plan: true, ..self.in_sweep(client, &("plan", object)) }
    }

    /// The sweep, as long as its answers count.
    pub(crate) fn current_sweep(&self) -> Option<&Sweep> {
        self.sweep.as_ref().filter(|sweep| !sweep.is_over())
    }
}

impl Client {
    /// All users, as a list of the sweep that is at most some seconds old shows them; a call in no sweep has its own list.
    /// Says too whether the list was made for this call.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub(crate) async fn swept_users(&self, call: &Call) -> Result<(Arc<Vec<User>>, bool), Error> {
        match call.current_sweep() {
            Some(sweep) => sweep.0.users.get(call, || self.users(call)).await,
            None => Ok((Arc::new(self.users(call).await?), true)),
        }
    }
}

impl Client {
    /// What `ask` brings, or what another plan of the sweep has brought for the same key.
    pub(crate) async fn shared_by_plans<F>(
        &self,
        call: &Call,
        key: &Key,
        ask: impl Fn() -> F,
    ) -> Result<Resource, Error>
    where
        F: Future<Output = Result<Resource, Error>>,
    {
        match call.current_sweep().filter(|_| call.is_plan) {
            Some(sweep) => Ok(Resource::clone(&sweep.shared(key).get(call, ask).await?.0)),
            None => ask().await,
        }
    }

    /// The objects that the query selects, without their specs, as this plan or another one of the sweep has listed them.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub(crate) async fn listed_by_plans(&self, call: &Call, kind: Kind, query: &Query) -> Result<Arc<Found>, Error> {
        match call.current_sweep().filter(|_| call.is_plan) {
            Some(sweep) => Ok(sweep.shared_list(kind, query).get(call, || self.metadata(call, kind, query)).await?.0),
            None => Ok(Arc::new(self.metadata(call, kind, query).await?)),
        }
    }

    async fn metadata(&self, call: &Call, kind: Kind, query: &Query) -> Result<Found, Error> {
        let mut listing = self.listing(kind, query);
        let mut found = Vec::new();
        while let Some(resource) = listing.next(call).await? {
            found.push((resource.key, resource.metadata));
        }
        Ok(found)
    }
}

/// An answer that many calls share. Where it cannot be had, each call asks for itself.
struct Shared<T>(Mutex<Option<Asked<T>>>);

struct Asked<T> {
    at: Instant,
    answer: watch::Receiver<Option<Arc<T>>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

/// What a call is to do about an answer.
enum Share<T> {
    Ask(watch::Sender<Option<Arc<T>>>),
    Await(watch::Receiver<Option<Arc<T>>>),
}

impl<T: Send + Sync> Shared<T> {
    /// The answer, and whether this call has asked for it.
    async fn get<F>(&self, call: &Call, ask: impl Fn() -> F) -> Result<(Arc<T>, bool), Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let shared = match self.share() {
            // Where this fails, nobody waits for it any more.
            Share::Ask(answered) => {
                let answer = Arc::new(ask().await?);
                answered.send_replace(Some(Arc::clone(&answer)));
                return Ok((answer, true));
            }
            Share::Await(mut answer) => tokio::select! {
                biased;
                () = call.cancel.cancelled() => None,
                shared = answer.wait_for(Option::is_some) => shared.ok().and_then(|shared| shared.clone()),
                () = tokio::time::sleep_until(call.deadline) => None,
            },
        };
        match shared {
            Some(answer) => Ok((answer, false)),
            None => Ok((Arc::new(ask().await?), true)),
        }
    }

    fn is_old(&self) -> bool {
        lock(&self.0).as_ref().is_none_or(|asked| asked.at.elapsed() >= ANSWER_AGE)
    }

    fn share(&self) -> Share<T> {
        let mut asked = lock(&self.0);
        if let Some(asked) = asked.as_ref().filter(|asked| asked.at.elapsed() < ANSWER_AGE) {
            return Share::Await(asked.answer.clone());
        }
        let (answered, answer) = watch::channel(None);
        *asked = Some(Asked { at: Instant::now(), answer });
        Share::Ask(answered)
    }
}

/// Locks, also after a panic elsewhere.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::testing::minute;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_object_is_visited_once() {
        let sweeps = Sweeps::new(true);
        let first = sweeps.visit(&("omni_cluster", "a")).unwrap();
        for other in [("omni_cluster", "b"), ("omni_machine_set", "a")] {
            sweeps.visit(&other).unwrap();
            assert!(!first.is_over(), "{other:?}");
        }
        let second = sweeps.visit(&("omni_cluster", "a")).unwrap();
        assert!(first.is_over() && !second.is_over());
    }

    #[test]
    fn writes_are_between_sweeps() {
        let sweeps = Sweeps::new(true);
        let sweep = sweeps.visit(&"a").unwrap();
        let writes = [sweeps.write(), sweeps.write()];
        assert!(sweep.is_over());
        for write in writes {
            assert!(sweeps.visit(&"b").is_none());
            drop(write);
        }
        assert!(!sweeps.visit(&"b").unwrap().is_over());
    }

    fn failed() -> Error {
        Error::Timeout { what: "an answer".to_owned(), after: Duration::ZERO }
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_serves_many_calls_for_a_while() {
        let (shared, call, asked) = (Shared::default(), minute(), AtomicUsize::new(0));
        let ask = || async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(asked.fetch_add(1, Ordering::Relaxed))
        };
        let (first, second) = tokio::join!(shared.get(&call, ask), shared.get(&call, ask));
        assert_eq!((first.unwrap(), second.unwrap()), ((Arc::new(0), true), (Arc::new(0), false)));
        assert_eq!(shared.get(&call, ask).await.unwrap(), (Arc::new(0), false));
        tokio::time::advance(ANSWER_AGE).await;
        assert_eq!(shared.get(&call, ask).await.unwrap(), (Arc::new(1), true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_that_of_one_call() {
        let (shared, call, asked) = (Shared::default(), minute(), AtomicUsize::new(0));
        let ask = || async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match asked.fetch_add(1, Ordering::Relaxed) {
                0 => Err(failed()),
                n => Ok(n),
            }
        };
        let (first, second) = tokio::join!(shared.get(&call, ask), shared.get(&call, ask));
        assert!(first.unwrap_err().is(ErrorKind::Timeout));
        assert_eq!(second.unwrap(), (Arc::new(1), true));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_asks_for_any_more_is_asked_for() {
        let (shared, call) = (Shared::default(), minute());
        let never = || std::future::pending::<Result<usize, Error>>();
        let given_up = tokio::time::timeout(Duration::from_secs(1), shared.get(&call, never)).await;
        assert!(given_up.is_err());
        assert_eq!(shared.get(&call, || async { Ok(7) }).await.unwrap(), (Arc::new(7), true));
    }
}
