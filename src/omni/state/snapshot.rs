//! Snapshots: the objects of a kind as a watch shows them, for the reads of a sweep.
//!
//! A snapshot is filled by the bootstrap of the watch, and its events keep it current. It answers for objects that it has,
//! and that there is none only to the plan of a create: never with an older version than this client has written, and not at all
//! once the watch is lost.

use super::query::Query;
use super::wire::decode;
use super::{Key, Kind, Resource};
use crate::omni::call::Call;
use crate::omni::client::Client;
use crate::omni::error::{Error, ErrorKind};
use crate::omni::retry::Idempotency;
use crate::omni::sweep::lock;
use omni_proto::cosi::resource as pb;
use prost::Message as _;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

/// How long reads wait for a snapshot; after that they are sent, until it is there.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the bootstrap may take.
const BOOTSTRAP_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a snapshot that nobody reads stays open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes that a snapshot holds; a kind with more is read one by one.
const LARGEST: usize = 256 * 1024 * 1024;

/// The namespaces whose objects are computed or fetched for each request, so that no watch can keep them current.
const UNWATCHED: [&str; 2] = ["virtual", "external"];

impl Kind {
    /// Whether a watch can show its objects.
    pub(crate) fn can_be_watched(self) -> bool {
        !UNWATCHED.contains(&self.namespace)
    }
}

/// How far a snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The bootstrap is under way.
    Filling,
    /// It holds every object, and follows their changes.
    Current,
    /// The watch ended; another one may do better.
    Lost,
    /// There is no use in another one.
    Refused,
}

/// The objects of a kind.
pub(crate) struct Snapshot {
    kind: Kind,
    opened: Instant,
    stage: watch::Sender<Stage>,
    objects: Mutex<Objects>,
    used: Mutex<Instant>,
}

/// What a read does with the object of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// It stays for the next read.
    Shows,
    /// It is held no longer.
    Takes,
}

/// Objects by ID, encoded: decoded ones take several times as much memory, and most are read once.
#[derive(Default)]
struct Objects {
    by_id: HashMap<Box<str>, Box<[u8]>>,
    bytes: usize,
}

impl Objects {
    /// Keeps an object without what its kind and ID say already.
    fn put(&mut self, mut object: pb::Resource) -> Option<()> {
        let metadata = object.metadata.as_mut()?;
        let id = std::mem::take(&mut metadata.id).into_boxed_str();
        metadata.namespace = String::new();
        metadata.r#type = String::new();
        let object = object.encode_to_vec().into_boxed_slice();
        self.bytes += object.len();
        if let Some(old) = self.by_id.insert(id, object) {
            self.bytes -= old.len();
        }
        Some(())
    }

    /// The encoded object; nothing is left of one that is taken but that it is there.
    fn get(&mut self, id: &str, usage: Use) -> Option<Box<[u8]>> {
        let object = self.by_id.get_mut(id)?;
        if usage == Use::Shows {
            return Some(object.clone());
        }
        self.bytes -= object.len();
        Some(std::mem::take(object))
    }

    fn remove(&mut self, id: &str) {
        if let Some(old) = self.by_id.remove(id) {
            self.bytes -= old.len();
        }
    }
}

impl Client {
    /// Reads an object as [`Client::get`] does; a call in a sweep may be answered from a snapshot.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub async fn get_swept(&self, call: &Call, key: &Key) -> Result<Resource, Error> {
        let ask = || async {
            match self.answer_from_snapshot(call, key, Use::Shows).await.flatten() {
                Some(found) => Ok(found),
                None => self.ask_and_note(call, key).await,
            }
        };
        self.shared_by_plans(call, key, ask).await
    }

    /// The same for an object that hardly anything else in the sweep reads: a snapshot drops it, and the next read is sent to the
    /// server.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub(crate) async fn take_swept(&self, call: &Call, key: &Key) -> Result<Resource, Error> {
        match self.answer_from_snapshot(call, key, Use::Takes).await.flatten() {
            Some(found) => Ok(found),
            None => self.ask_and_note(call, key).await,
        }
    }

    /// Looks in a plan whether the object of a planned create is there already: the create itself finds out, so that
    /// a snapshot may also say that it is not.
    ///
    /// # Errors
    /// As for [`Client::get`], but for [`ErrorKind::NotFound`].
    pub(crate) async fn foresee(&self, call: &Call, key: &Key) -> Result<Option<Resource>, Error> {
        if let Some(answer) = self.answer_from_snapshot(call, key, Use::Shows).await {
            return Ok(answer);
        }
        match self.ask_and_note(call, key).await {
            Err(error) if error.is(ErrorKind::NotFound) => Ok(None),
            answer => answer.map(Some),
        }
    }

    async fn ask_and_note(&self, call: &Call, key: &Key) -> Result<Resource, Error> {
        let answer = self.get(call, key).await;
        if let Some(sweep) = call.current_sweep() {
            sweep.note(key, &answer);
        }
        answer
    }

    /// What a snapshot says of the object, if one may answer.
    async fn answer_from_snapshot(&self, call: &Call, key: &Key, usage: Use) -> Option<Option<Resource>> {
        let sweep = call.current_sweep()?;
        let snapshot = sweep.snapshot(self, key.kind)?;
        if !snapshot.is_current(call).await {
            return None;
        }
        let found = snapshot.find(key, usage)?;
        let is_stale = self.inner.recent.get(key).is_some_and(|write| write.is_stale(found.as_ref()));
        let is_outdated = match &found {
            Some(found) => sweep.is_outdated(found),
            None => sweep.is_known(key) || snapshot.stage() != Stage::Current,
        };
        // A write may have begun in between.
        (!is_stale && !is_outdated && call.current_sweep().is_some()).then_some(found)
    }
}

/// A snapshot whose watch is followed. Once nobody does that any more, whatever the reason, it answers nothing.
struct Open {
    snapshot: Arc<Snapshot>,
    end: Stage,
}

impl Drop for Open {
    fn drop(&mut self) {
        tracing::debug!(kind = self.snapshot.kind.name, end = ?self.end, "a snapshot is closed");
        // In this order, so that no object seems to be missing while the snapshot is current.
        self.snapshot.stage.send_replace(self.end);
        *lock(&self.snapshot.objects) = Objects::default();
    }
}

impl Snapshot {
    /// Opens a watch of `kind` that fills a new snapshot and keeps it current, until `over` is cancelled.
    pub(crate) fn open(client: &Client, kind: Kind, over: CancellationToken) -> Arc<Self> {
        let opened = Instant::now();
        let snapshot = Arc::new(Self {
            kind,
            opened,
            stage: watch::Sender::new(Stage::Filling),
            objects: Mutex::default(),
            used: Mutex::new(opened),
        });
        let open = Open { snapshot: Arc::clone(&snapshot), end: Stage::Lost };
        let client = client.clone();
        tokio::spawn(async move {
            let mut open = open;
            open.end = open.snapshot.fill(client, &over).await;
            drop(open);
        });
        snapshot
    }

    pub(crate) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Waits a little for the bootstrap; says whether the snapshot can be read.
    async fn is_current(&self, call: &Call) -> bool {
        let mut stage = self.stage.subscribe();
        let end = call.deadline.min(self.opened + READ_TIMEOUT);
        tokio::select! {
            biased;
            () = call.cancel.cancelled() => false,
            reached = stage.wait_for(|stage| *stage != Stage::Filling) => reached.is_ok_and(|stage| *stage == Stage::Current),
            () = tokio::time::sleep_until(end) => false,
        }
    }

    /// The object, or that it is not there; `None` where it cannot be read, or is not held any more.
    fn find(&self, key: &Key, usage: Use) -> Option<Option<Resource>> {
        *lock(&self.used) = Instant::now();
        let Some(object) = lock(&self.objects).get(&key.id, usage) else { return Some(None) };
        let mut object = pb::Resource::decode(&*object).ok()?;
        object.metadata.as_mut()?.id.clone_from(&key.id);
        decode(self.kind, Some(object)).ok().map(Some)
    }

    /// Follows a watch to its end.
    async fn fill(&self, client: Client, over: &CancellationToken) -> Stage {
        let call = Call::within(BOOTSTRAP_TIMEOUT, over);
        let opened = client.open_stream(&call, self.kind, None, Some(&Query::all()), Idempotency::AtMostOnce).await;
        // The watch must not keep the client alive: the sweep ends with it.
        drop(client);
        match opened {
            Ok((stream, first)) => self.follow(stream, first, &call).await,
            Err(failure) if failure.error.is(ErrorKind::Denied) || failure.error.is(ErrorKind::Unimplemented) => {
                tracing::debug!(error = %failure.error, "the objects of a kind cannot be watched");
                Stage::Refused
            }
            Err(failure) => {
                tracing::debug!(error = %failure.error, "a snapshot could not be opened");
                Stage::Lost
            }
        }
    }

    async fn follow(
        &self,
        mut stream: Streaming<pb::WatchResponse>,
        first: Option<pb::WatchResponse>,
        call: &Call,
    ) -> Stage {
        let mut message = first;
        while let Some(response) = message {
            for event in response.event {
                if let Err(end) = self.take(event) {
                    return end;
                }
            }
            message = tokio::select! {
                biased;
                () = call.cancel.cancelled() => return Stage::Lost,
                message = stream.message() => message.ok().flatten(),
                () = self.unused(call) => return Stage::Lost,
            };
        }
        Stage::Lost
    }

    /// Takes in an event, or says why the snapshot ends with it.
    fn take(&self, event: pb::Event) -> Result<(), Stage> {
        use pb::EventType as T;
        let is = event.event_type();
        match is {
            T::Created | T::Updated | T::Destroyed => {
                let object = event.resource.ok_or(Stage::Lost)?;
                let mut objects = lock(&self.objects);
                match is {
                    T::Destroyed => objects.remove(&object.metadata.ok_or(Stage::Lost)?.id),
                    _ => objects.put(object).ok_or(Stage::Lost)?,
                }
                if objects.bytes > LARGEST {
                    return Err(Stage::Refused);
                }
            }
            T::Bootstrapped => {
                *lock(&self.used) = Instant::now();
                self.stage.send_replace(Stage::Current);
            }
            T::Errored => return Err(Stage::Lost),
            T::Noop => {}
        }
        Ok(())
    }

    /// Returns when the bootstrap takes too long, or nobody has read the snapshot for a while.
    async fn unused(&self, call: &Call) {
        loop {
            let end = match self.stage() {
                Stage::Current => *lock(&self.used) + IDLE_TIMEOUT,
                _ => call.deadline,
            };
            if end <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec::{Spec as _, resource};
    use crate::omni::state::wire::encode;
    use crate::omni::sweep::FEW;
    use crate::omni::testing::{Fault, Pair, minute, pair, pair_with};
    use omni_proto::specs::{ConfigPatchSpec, CurrentUserSpec};
    use tonic::Status;

    /// Enough for two snapshots.
    const MANY: usize = 3 * FEW;

    fn key(n: usize) -> Key {
        ConfigPatchSpec::KIND.key(format!("p{n}"))
    }

    fn patch(n: usize, version: u64) -> pb::Resource {
        let mut patch = encode(&resource(key(n).id, &ConfigPatchSpec::default()));
        patch.metadata.as_mut().unwrap().version = version.to_string();
        patch
    }

    fn fill(pair: &Pair) {
        (0..MANY).for_each(|n| pair.server.put(patch(n, 1), pb::EventType::Created));
    }

    fn filled() -> Pair {
        let pair = pair();
        fill(&pair);
        pair
    }

    fn turn(pair: &Pair, n: usize) -> Call {
        minute().in_sweep(&pair.client, &n)
    }

    /// Reads a patch as a refresh does; its version.
    async fn refresh(pair: &Pair, n: usize) -> u64 {
        pair.client.get_swept(&turn(pair, n), &key(n)).await.unwrap().metadata.version.unwrap()
    }

    async fn refresh_all(pair: &Pair) {
        for n in 0..MANY {
            assert_eq!(refresh(pair, n).await, 1, "{n}");
        }
    }

    fn counts(pair: &Pair) -> [usize; 2] {
        ["Get", "Watch"].map(|verb| pair.server.count(verb))
    }

    /// Lets the other tasks run until something holds.
    async fn until(what: impl Fn() -> bool) {
        for _ in 0..10_000 {
            if what() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it never happens");
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_answers_all_but_the_first_reads() {
        let pair = filled();
        assert_eq!(refresh(&pair, 0).await, 1);
        assert_eq!(counts(&pair), [1, 0], "one object");
        for n in 1..FEW {
            refresh(&pair, n).await;
        }
        assert_eq!(counts(&pair), [FEW, 0], "a few objects");
        for n in FEW..MANY {
            refresh(&pair, n).await;
        }
        assert_eq!(counts(&pair), [FEW, 1], "many objects");
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_whole() {
        let pair = filled();
        refresh_all(&pair).await;
        let (call, key) = (turn(&pair, MANY), key(1));
        let answered = pair.client.get_swept(&call, &key).await.unwrap();
        assert_eq!(answered, pair.client.get(&call, &key).await.unwrap());
        assert_eq!(counts(&pair), [FEW + 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn reads_outside_of_a_sweep_are_sent() {
        let pair = filled();
        refresh_all(&pair).await;
        pair.client.get_swept(&minute(), &key(0)).await.unwrap();
        pair.client.get(&turn(&pair, MANY), &key(0)).await.unwrap();
        assert_eq!(counts(&pair), [FEW + 2, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_refresh_of_an_object_reads_it_again() {
        let pair = filled();
        refresh_all(&pair).await;
        for n in [0, MANY - 1] {
            pair.server.edit(&key(n).id, |_, _| {});
            assert_eq!(refresh(&pair, n).await, 2);
        }
        assert_eq!(counts(&pair), [FEW + 2, 1]);
        // The second time too, many reads are answered together.
        for n in 1..MANY - 1 {
            refresh(&pair, n).await;
        }
        assert_eq!(counts(&pair), [2 * FEW, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn changes_by_others_arrive() {
        let pair = filled();
        refresh_all(&pair).await;
        let call = turn(&pair, MANY);
        let snapshot = call.current_sweep().unwrap().snapshot(&pair.client, ConfigPatchSpec::KIND).unwrap();
        pair.server.edit("p1", |_, _| {});
        pair.server.put(patch(MANY, 1), pb::EventType::Created);
        pair.server.delete("p2");
        until(|| snapshot.find(&key(2), Use::Shows) == Some(None)).await;
        for (n, version) in [(1, 2), (MANY, 1)] {
            let found = pair.client.get_swept(&call, &key(n)).await.unwrap();
            assert_eq!(found.metadata.version, Some(version));
        }
        assert_eq!(counts(&pair), [FEW, 1]);
        // That something is gone, the server itself has to say.
        assert!(pair.client.get_swept(&call, &key(2)).await.unwrap_err().is(ErrorKind::NotFound));
        assert_eq!(counts(&pair), [FEW + 1, 1]);
    }

    /// Several visits may read the same object, such as the cluster that they belong to.
    #[tokio::test(start_paused = true)]
    async fn what_the_server_has_said_is_not_taken_back() {
        let pair = filled();
        // Somebody changes one object and removes another one, and both are read by visits before there is a snapshot.
        pair.server.edit("p1", |_, _| {});
        pair.server.delete("p2");
        assert_eq!(refresh(&pair, 1).await, 2);
        assert!(pair.client.get_swept(&turn(&pair, 2), &key(2)).await.unwrap_err().is(ErrorKind::NotFound));
        // The watches of the server are behind.
        let newest = pair.server.stored("p1").unwrap();
        [1, 2].iter().for_each(|n| pair.server.put(patch(*n, 1), pb::EventType::Updated));
        for n in 3..MANY {
            refresh(&pair, n).await;
        }
        let call = turn(&pair, MANY);
        pair.server.fault("Get", Fault::Show(Some(Box::new(newest))));
        assert_eq!(pair.client.get_swept(&call, &key(1)).await.unwrap().metadata.version, Some(2));
        pair.server.fault("Get", Fault::Show(None));
        assert!(pair.client.get_swept(&call, &key(2)).await.unwrap_err().is(ErrorKind::NotFound));
    }

    #[tokio::test(start_paused = true)]
    async fn a_snapshot_that_nobody_follows_answers_nothing() {
        let pair = filled();
        refresh_all(&pair).await;
        let call = turn(&pair, MANY);
        let snapshot = call.current_sweep().unwrap().snapshot(&pair.client, ConfigPatchSpec::KIND).unwrap();
        // As a panic in the task would do.
        drop(Open { snapshot: Arc::clone(&snapshot), end: Stage::Lost });
        assert!(snapshot.find(&key(1), Use::Shows) == Some(None) && snapshot.stage() == Stage::Lost);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_ends_the_sweep() {
        let pair = filled();
        refresh_all(&pair).await;
        let call = turn(&pair, MANY);
        let mut patch = pair.client.get_swept(&call, &key(1)).await.unwrap();
        patch.metadata.labels.insert("a".to_owned(), "b".to_owned());
        let written = pair.client.update(&minute(), patch, None).await.unwrap();
        for call in [call, turn(&pair, MANY)] {
            assert_eq!(pair.client.get_swept(&call, &key(1)).await.unwrap(), written);
        }
        assert_eq!(counts(&pair), [FEW + 2, 1]);
        until(|| pair.server.watchers() == 0).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_fails_ends_the_sweep_as_well() {
        let pair = filled();
        refresh_all(&pair).await;
        let call = turn(&pair, MANY);
        pair.server.fault("Destroy", Fault::Refuse(Status::permission_denied("no")));
        pair.client.destroy(&minute(), &key(1)).await.unwrap_err();
        assert!(call.current_sweep().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn no_sweep_begins_during_a_write() {
        let pair = filled();
        pair.server.fault("Destroy", Fault::Slow(Duration::from_secs(5)));
        let (call, key) = (minute(), key(1));
        let meanwhile = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(turn(&pair, 1).current_sweep().is_none());
        };
        let (destroyed, ()) = tokio::join!(pair.client.destroy(&call, &key), meanwhile);
        destroyed.unwrap();
        assert!(turn(&pair, 1).current_sweep().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_version_before_our_own_is_not_believed() {
        let pair = filled();
        let patch_1 = pair.client.get(&minute(), &key(1)).await.unwrap();
        pair.client.update(&minute(), patch_1, None).await.unwrap();
        let written = pair.server.stored("p1").unwrap();
        // A server whose watches are behind.
        pair.server.put(patch(1, 1), pb::EventType::Updated);
        for n in 2..MANY {
            refresh(&pair, n).await;
        }
        pair.server.fault("Get", Fault::Show(Some(Box::new(written))));
        assert_eq!(refresh(&pair, 1).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_watched_is_read_one_by_one() {
        let pair = filled();
        pair.server.fault("Watch", Fault::Refuse(Status::permission_denied("no")));
        refresh_all(&pair).await;
        assert_eq!(counts(&pair), [MANY, 1]);
        assert!(!CurrentUserSpec::KIND.can_be_watched());
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_is_lost_is_opened_again_later() {
        let pair = filled();
        pair.server.fault("Watch", Fault::Break(5));
        refresh_all(&pair).await;
        assert_eq!(counts(&pair), [2 * FEW + 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_is_lost_answers_nothing_more() {
        let pair = filled();
        pair.server.fault("Watch", Fault::Break(MANY + 3));
        refresh_all(&pair).await;
        let call = turn(&pair, MANY);
        let snapshot = call.current_sweep().unwrap().snapshot(&pair.client, ConfigPatchSpec::KIND).unwrap();
        pair.server.edit("p1", |_, _| {});
        until(|| snapshot.stage() == Stage::Lost).await;
        assert_eq!(pair.client.get_swept(&call, &key(1)).await.unwrap().metadata.version, Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_watch_holds_reads_up_only_once() {
        let pair = filled();
        pair.server.fault("Watch", Fault::Hang);
        let started = Instant::now();
        refresh_all(&pair).await;
        assert_eq!(counts(&pair), [MANY, 1]);
        assert!(started.elapsed() < READ_TIMEOUT * 2, "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_for_a_snapshot_can_be_cancelled() {
        let pair = filled();
        for n in 0..FEW {
            refresh(&pair, n).await;
        }
        pair.server.fault("Watch", Fault::Hang);
        let (call, key) = (turn(&pair, FEW), key(FEW));
        let started = Instant::now();
        let cancel = async {
            until(|| pair.server.count("Watch") == 1).await;
            call.cancel.cancel();
        };
        let (read, ()) = tokio::join!(pair.client.get_swept(&call, &key), cancel);
        assert!(read.unwrap_err().is(ErrorKind::Cancelled));
        assert!(started.elapsed() < READ_TIMEOUT, "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_is_held_no_longer_and_is_there_all_the_same() {
        let pair = filled();
        refresh_all(&pair).await;
        let call = turn(&pair, MANY);
        let snapshot = call.current_sweep().unwrap().snapshot(&pair.client, ConfigPatchSpec::KIND).unwrap();
        let before = lock(&snapshot.objects).bytes;
        let taken = pair.client.take_swept(&call, &key(1)).await.unwrap();
        assert!(lock(&snapshot.objects).bytes < before);
        assert_eq!(counts(&pair), [FEW, 1], "taken");
        assert_eq!(pair.client.get_swept(&call, &key(1)).await.unwrap(), taken);
        assert!(pair.client.foresee(&call, &key(1)).await.unwrap().is_some());
        assert_eq!(counts(&pair), [FEW + 2, 1], "read again");
        pair.server.edit("p1", |_, _| {});
        until(|| snapshot.find(&key(1), Use::Shows).is_some()).await;
        assert_eq!(pair.client.get_swept(&call, &key(1)).await.unwrap().metadata.version, Some(2));
        assert_eq!(counts(&pair), [FEW + 2, 1], "changed since");
    }

    fn plan(pair: &Pair, n: usize) -> Call {
        minute().in_plan_sweep(&pair.client, &n)
    }

    #[tokio::test(start_paused = true)]
    async fn plans_share_what_they_read() {
        let pair = filled();
        for n in 0..MANY {
            assert!(pair.client.get_swept(&plan(&pair, n), &key(1)).await.is_ok());
        }
        assert_eq!(counts(&pair), [1, 0], "plans");
        refresh(&pair, 1).await;
        assert_eq!(counts(&pair), [2, 0], "a refresh");
        tokio::time::advance(Duration::from_secs(2)).await;
        pair.client.get_swept(&plan(&pair, MANY), &key(1)).await.unwrap();
        assert_eq!(counts(&pair), [3, 0], "after some seconds");
        pair.client.get_swept(&plan(&pair, MANY), &key(1)).await.unwrap();
        assert_eq!(counts(&pair), [4, 0], "the next plan");
    }

    /// Looks for patches that are not there, as plans of creates do.
    async fn foresee_none(pair: &Pair) {
        for n in MANY..2 * MANY {
            assert_eq!(pair.client.foresee(&plan(pair, n), &key(n)).await.unwrap(), None, "{n}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_plan_of_a_create_is_told_that_nothing_is_there() {
        let pair = filled();
        foresee_none(&pair).await;
        assert_eq!(counts(&pair), [FEW, 1]);
        // And what is.
        let found = pair.client.foresee(&plan(&pair, 0), &key(0)).await.unwrap();
        assert_eq!((found.map(|found| found.key), counts(&pair)), (Some(key(0)), [FEW, 1]));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_missing_that_the_server_has_shown() {
        let pair = filled();
        let newest = pair.server.stored("p1").unwrap();
        assert_eq!(refresh(&pair, 1).await, 1);
        // The watches of the server are behind.
        pair.server.delete("p1");
        foresee_none(&pair).await;
        pair.server.fault("Get", Fault::Show(Some(Box::new(newest))));
        assert!(pair.client.foresee(&plan(&pair, 1), &key(1)).await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_missing_because_a_watch_is_lost() {
        let pair = filled();
        foresee_none(&pair).await;
        let call = plan(&pair, 0);
        let snapshot = call.current_sweep().unwrap().snapshot(&pair.client, ConfigPatchSpec::KIND).unwrap();
        drop(Open { snapshot, end: Stage::Lost });
        assert!(pair.client.foresee(&call, &key(0)).await.unwrap().is_some());
        assert_eq!(counts(&pair), [FEW + 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_ends_with_its_client() {
        let pair = filled();
        refresh_all(&pair).await;
        let Pair { client, server, .. } = pair;
        assert_eq!(server.watchers(), 1);
        drop(client);
        until(|| server.watchers() == 0).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_nobody_reads_is_closed() {
        let pair = filled();
        refresh_all(&pair).await;
        tokio::time::sleep(IDLE_TIMEOUT * 2).await;
        until(|| pair.server.watchers() == 0).await;
        assert_eq!(refresh(&pair, MANY - 1).await, 1);
        assert_eq!(counts(&pair), [FEW + 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn shared_reads_can_be_turned_off() {
        let pair = pair_with(|config| config.shared_reads = false);
        fill(&pair);
        refresh_all(&pair).await;
        assert_eq!(counts(&pair), [MANY, 0]);
    }

    #[test]
    fn bytes_are_counted() {
        let mut objects = Objects::default();
        objects.put(patch(1, 1)).unwrap();
        let one = objects.bytes;
        objects.put(patch(2, 1)).unwrap();
        objects.put(patch(1, 2)).unwrap();
        assert_eq!(objects.bytes, 2 * one);
        objects.remove("p1");
        objects.remove("p3");
        assert_eq!(objects.bytes, one);
    }
}
