//! Reads and writes of objects.
//! A write whose response was lost is never simply repeated: the object is read first.

use super::query::Query;
use super::recent_writes::{Expect, WINDOW, Write};
use super::unseen::Unseen;
use super::wire::{decode, encode, phase_name};
use super::{Key, Kind, Phase, Resource};
use crate::omni::call::Call;
use crate::omni::client::Client;
use crate::omni::error::{Error, ErrorKind};
use crate::omni::labels;
use crate::omni::retry::Idempotency;
use crate::omni::status::{About, Op};
use omni_proto::cosi::resource as pb;
use std::time::Duration;
use tokio::time::Instant;

const GET: &str = "/cosi.resource.State/Get";
const CREATE: &str = "/cosi.resource.State/Create";
const UPDATE: &str = "/cosi.resource.State/Update";
/// The first wait for a write to become visible, and the longest.
const CACHE_POLL_INTERVAL: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

impl Client {
    /// Reads an object.
    /// After a write of this client the server is given ten seconds to show it, and is then believed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; or when the server refuses or does not respond.
    pub async fn get(&self, call: &Call, key: &Key) -> Result<Resource, Error> {
        let write = self.inner.recent.get(key);
        self.get_after(call, key, write).await
    }

    /// Reads an object that is known to have reached `version`; an older one, or none, is asked for again for ten seconds.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub async fn get_at_least(&self, call: &Call, key: &Key, version: Option<u64>) -> Result<Resource, Error> {
        let own = self.inner.recent.get(key);
        let write = match (version, own) {
            // What this client destroyed is gone whatever version it had.
            (_, Some(Write { left: Expect::Gone, .. })) | (None, _) => own,
            (Some(version), Some(Write { left: Expect::Version(newer), .. })) if newer >= version => own,
            (Some(version), _) => Some(Write { left: Expect::Version(version), at: Instant::now() }),
        };
        self.get_after(call, key, write).await
    }

    async fn get_after(&self, call: &Call, key: &Key, write: Option<Write>) -> Result<Resource, Error> {
        let mut delay = CACHE_POLL_INTERVAL.0;
        loop {
            let answer = self.read(call, key).await;
            let seen = match &answer {
                Ok(resource) => Some(resource),
                Err(e) if e.is(ErrorKind::NotFound) => None,
                Err(_) => return answer,
            };
            let Some(write) = write.filter(|w| w.is_stale(seen) && Instant::now() < w.until()) else {
                return answer;
            };
            let wait = delay.min(write.until().saturating_duration_since(Instant::now()));
            self.sleep(call, wait, &format!("Omni to show the last change of `{key}`")).await?;
            delay = (delay * 2).min(CACHE_POLL_INTERVAL.1);
        }
    }

    /// Reads an object as the server shows it at this moment.
    pub(crate) async fn read(&self, call: &Call, key: &Key) -> Result<Resource, Error> {
        let error = match self.read_by_id(call, key).await {
            Err(error) => error,
            found => return found,
        };
        match self.seen_through(call, key, error).await {
            Unseen::Settled(error) => Err(error),
            Unseen::There(_) => self.read_by_id(call, key).await,
        }
    }

    pub(super) async fn read_by_id(&self, call: &Call, key: &Key) -> Result<Resource, Error> {
        let op = Op { method: GET, about: About::Object(key) };
        let message = pb::GetRequest {
            namespace: key.kind.namespace.to_owned(),
            r#type: key.kind.name.to_owned(),
            id: key.id.clone(),
            options: Some(pb::GetOptions {}),
        };
        let answer = self
            .run(call, &op, Idempotency::Idempotent, || {
                let mut service = self.state();
                let request = message.clone();
                async move { service.get(request).await.map(tonic::Response::into_inner) }
            })
            .await?;
        decode(key.kind, answer.resource)
    }

    /// Reads the objects that `query` takes, in the order of their ids.
    /// A list may be behind this client's own writes.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn list(&self, call: &Call, kind: Kind, query: &Query) -> Result<Vec<Resource>, Error> {
        let mut listing = self.listing(kind, query);
        let mut all = Vec::new();
        while let Some(resource) = listing.next(call).await? {
            all.push(resource);
        }
        Ok(all)
    }

    /// Makes an object.
    ///
    /// An object under the same id that is on its way out is waited for.
    /// Unless the answer says that nothing happened, the object is looked for, and recognised by the mark that it
    /// carries; only where there is none is the call repeated.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when somebody else made it; or when the server refuses or does not respond.
    /// [`Error::may_have_happened`] tells whether the object may be there all the same.
    pub async fn create(&self, call: &Call, mut resource: Resource) -> Result<Resource, Error> {
        let key = resource.key.clone();
        let operation = resource
            .metadata
            .annotations
            .entry(labels::OPERATION.to_owned())
            .or_insert_with(|| uuid::Uuid::new_v4().to_string())
            .clone();
        resource.metadata.version = None;
        resource.metadata.owner.clear();
        resource.metadata.phase = Phase::Running;
        let op = Op { method: CREATE, about: About::Object(&key) };
        let mut delays = self.inner.retry.delays();
        // Whether an earlier attempt may still take effect.
        let mut open = false;
        loop {
            // The server stores this time as it is sent.
            resource.metadata.updated = Some(self.timestamp());
            let message =
                pb::CreateRequest { resource: Some(encode(&resource)), options: Some(pb::CreateOptions::default()) };
            let answer = self
                .run(call, &op, Idempotency::AtMostOnce, || {
                    let mut service = self.state();
                    let request = message.clone();
                    async move { service.create(request).await.map(tonic::Response::into_inner) }
                })
                .await;
            let error = match answer.map_err(Error::from).and_then(|answer| decode_of(&key, answer.resource)) {
                Ok(made) => {
                    self.inner.recent.note_version(&made);
                    return Ok(made);
                }
                Err(error) => error,
            };
            let taken = error.is(ErrorKind::AlreadyExists);
            if !taken && !error.may_have_happened() {
                // A later attempt that did nothing does not undo an earlier one.
                return Err(error.settled(open));
            }
            open |= error.may_have_happened() && !error.is_final_word();
            match self.get_fresh(call, &key).await {
                Ok(Some(found)) if found.metadata.annotations.get(labels::OPERATION) == Some(&operation) => {
                    self.inner.recent.note_version(&found);
                    return Ok(found);
                }
                Ok(Some(found)) if found.metadata.phase == Phase::TearingDown && found.metadata.owner.is_empty() => {
                    self.finish_removal(call, &key).await.map_err(|e| e.settled(open))?;
                    continue;
                }
                Ok(Some(_)) if taken => return Err(error),
                Ok(Some(_)) => {
                    return Err(status(ErrorKind::AlreadyExists, "another client created the object first", &op, &key));
                }
                // It is not there yet, or it went away between the two calls.
                Ok(None) => {}
                // Who may create and not read learns only that it is there.
                Err(unseen) if taken && unseen.is(ErrorKind::Denied) => return Err(error.settled(open)),
                Err(unseen) if taken => return Err(unseen.settled(open)),
                // What cannot be looked at now may be seen after the next attempt.
                Err(unseen) => {
                    tracing::debug!(%unseen, "whether a create took effect is not known");
                    open = true;
                }
            }
            let Some(delay) = delays.next().filter(|delay| *delay < call.remaining()) else {
                return Err(error.settled(open));
            };
            self.sleep(call, delay, &op.words()).await.map_err(|e| e.settled(open))?;
        }
    }

    /// Writes an object whose metadata carries the version that it is based on.
    ///
    /// When the answer gets lost, the object is looked at: a write that took place counts as done, one that did not is
    /// sent again, and anything else is a conflict.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when somebody else wrote first; [`ErrorKind::PhaseConflict`] when the object is in another phase
    /// than `expected_phase`; or when the server refuses or does not respond.
    pub async fn update(
        &self,
        call: &Call,
        resource: Resource,
        expected_phase: Option<Phase>,
    ) -> Result<Resource, Error> {
        let key = resource.key.clone();
        let op = Op { method: UPDATE, about: About::Object(&key) };
        let message = pb::UpdateRequest {
            new_resource: Some(encode(&resource)),
            options: Some(pb::UpdateOptions {
                // Naming the owner of an object would let us write what belongs to a controller.
                owner: String::new(),
                expected_phase: expected_phase.map(|phase| phase_name(phase).to_owned()),
            }),
        };
        let write = self.inner.recent.get(&key);
        let mut lag = CACHE_POLL_INTERVAL.0;
        let mut delays = self.inner.retry.delays();
        let mut lost = false;
        loop {
            let answer = self
                .run(call, &op, Idempotency::AtMostOnce, || {
                    let mut service = self.state();
                    let request = message.clone();
                    async move { service.update(request).await.map(tonic::Response::into_inner) }
                })
                .await;
            let error = match answer.map_err(Error::from).and_then(|answer| decode_of(&key, answer.resource)) {
                Ok(written) => {
                    self.inner.recent.note_version(&written);
                    return Ok(written);
                }
                Err(error) => error,
            };
            lost |= error.may_have_happened();
            let delay = match error.kind() {
                // The server looks for the object in its cache before it writes.
                ErrorKind::NotFound if self.still_hidden(write) => {
                    let delay = lag;
                    lag = (lag * 2).min(CACHE_POLL_INTERVAL.1);
                    Some(delay)
                }
                kind if error.may_have_happened() || (kind == ErrorKind::Conflict && lost) => {
                    match self.get_fresh(call, &key).await {
                        Ok(Some(found)) if found.metadata.version == resource.metadata.version => delays.next(),
                        Ok(Some(found)) if same_content(&found, &resource) => {
                            self.inner.recent.note_version(&found);
                            return Ok(found);
                        }
                        Ok(Some(_)) => return Err(conflict(&op, &key)),
                        Ok(None) => return Err(missing(&op, &key)),
                        // Nothing could be found out now; the version keeps a repetition from doing it twice.
                        Err(_) => delays.next(),
                    }
                }
                _ => None,
            };
            let Some(delay) = delay.filter(|delay| *delay < call.remaining()) else { return Err(error.settled(lost)) };
            self.sleep(call, delay, &op.words()).await.map_err(|e| e.settled(lost))?;
        }
    }

    /// Whether an object that the server does not find is one that this client just wrote.
    pub(crate) fn still_hidden(&self, write: Option<Write>) -> bool {
        write.is_some_and(|w| matches!(w.left, Expect::Version(_)) && Instant::now() < w.until())
    }

    fn timestamp(&self) -> prost_types::Timestamp {
        let now = self.inner.transport_state.clock.now();
        prost_types::Timestamp {
            seconds: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(now.subsec_nanos()).unwrap_or(0),
        }
    }
}

/// The waits until a cache has caught up, as long as that may reasonably take.
pub(crate) fn lag_delays() -> impl Iterator<Item = Duration> {
    let mut total = Duration::ZERO;
    let mut delay = CACHE_POLL_INTERVAL.0;
    std::iter::from_fn(move || {
        let current = delay;
        delay = (delay * 2).min(CACHE_POLL_INTERVAL.1);
        total += current;
        (total <= WINDOW).then_some(current)
    })
}

/// The object in the answer to a write; another one than was written makes no sense.
fn decode_of(key: &Key, resource: Option<pb::Resource>) -> Result<Resource, Error> {
    let found = decode(key.kind, resource)?;
    if found.key == *key {
        return Ok(found);
    }
    Err(Error::Decode { what: format!("`{key}`"), source: "the answer holds another object".into() })
}

/// Whether a write took place: controllers may have raised the version and set finalizers since.
fn same_content(found: &Resource, sent: &Resource) -> bool {
    found.spec == sent.spec
        && found.metadata.labels == sent.metadata.labels
        && found.metadata.annotations == sent.metadata.annotations
        && found.metadata.phase == sent.metadata.phase
        && found.metadata.version > sent.metadata.version
}

fn conflict(op: &Op<'_>, key: &Key) -> Error {
    status(ErrorKind::Conflict, "another client changed the object first", op, key)
}

fn missing(op: &Op<'_>, key: &Key) -> Error {
    status(ErrorKind::NotFound, "the object is no longer there", op, key)
}

fn status(kind: ErrorKind, message: &str, op: &Op<'_>, key: &Key) -> Error {
    Error::Status { kind, message: message.to_owned(), problems: Vec::new(), key: Some(key.clone()), method: op.method }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec::Spec;
    use crate::omni::testing::{Fault, cluster, key, minute, pair, pair_with};
    use omni_proto::specs::ClusterSpec;
    use tokio_util::sync::CancellationToken;
    use tonic::Status;

    fn unavailable() -> Fault {
        Fault::Refuse(Status::unavailable("restarting"))
    }

    #[tokio::test(start_paused = true)]
    async fn create_get_update_list() {
        let pair = pair();
        let (client, call) = (&pair.client, minute());
        let made = client.create(&call, cluster("1.13.5")).await.unwrap();
        assert_eq!(made.metadata.version, Some(1));
        assert_eq!(made.metadata.updated.unwrap().seconds, 1_790_000_000);
        assert_eq!(made.metadata.annotations[labels::OPERATION].len(), 36);
        assert_eq!(client.get(&call, &key()).await.unwrap(), made);

        let mut change = made.clone();
        change.metadata.labels.insert("a".to_owned(), "b".to_owned());
        let written = client.update(&call, change.clone(), Some(Phase::Running)).await.unwrap();
        assert_eq!(written.metadata.version, Some(2));
        assert_eq!(client.list(&call, ClusterSpec::KIND, &Query::all()).await.unwrap(), std::slice::from_ref(&written));

        let stale = client.update(&call, change, None).await.unwrap_err();
        assert!(stale.is(ErrorKind::Conflict), "{stale}");
        let phase = client.update(&call, written, Some(Phase::TearingDown)).await.unwrap_err();
        assert!(phase.is(ErrorKind::PhaseConflict), "{phase}");
        assert!(client.get(&call, &ClusterSpec::KIND.key("other")).await.unwrap_err().is(ErrorKind::NotFound));
        let counts = client.rpc_counts();
        assert_eq!(counts["/cosi.resource.State/Update"], 3);
        assert_eq!(counts["/cosi.resource.State/Get"], 2);
    }

    #[tokio::test(start_paused = true)]
    async fn reads_are_repeated_until_the_policy_ends() {
        let pair = pair();
        pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        for fault in [unavailable(), Fault::Refuse(Status::resource_exhausted("slow down")), Fault::Hang] {
            pair.server.fault("Get", fault);
        }
        assert!(pair.client.get(&minute(), &key()).await.is_ok());
        assert_eq!(pair.server.count("Get"), 4);

        for _ in 0..5 {
            pair.server.fault("List", unavailable());
        }
        let error = pair.client.list(&minute(), ClusterSpec::KIND, &Query::all()).await.unwrap_err();
        assert!(error.is(ErrorKind::Unavailable), "{error}");
        assert_eq!(pair.server.count("List"), 5);

        pair.server.fault("Get", Fault::Refuse(Status::permission_denied("no")));
        assert!(pair.client.get(&minute(), &key()).await.unwrap_err().is(ErrorKind::Denied));
        assert_eq!(pair.server.count("Get"), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn lists_that_break_begin_again() {
        let pair = pair();
        pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        pair.server.fault("List", Fault::Break(1));
        let all = pair.client.list(&minute(), ClusterSpec::KIND, &Query::all()).await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(pair.server.count("List"), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn every_attempt_is_signed_afresh() {
        use crate::omni::testing::verifies;
        use base64::Engine;
        let pair = pair();
        pair.server.fault("Get", unavailable());
        let clock = pair.clock.clone();
        let waiting = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            clock.advance(Duration::from_secs(400));
        };
        let (call, key) = (minute(), key());
        let (answer, ()) = tokio::join!(pair.client.get(&call, &key), waiting);
        assert!(answer.unwrap_err().is(ErrorKind::NotFound));
        let seen = pair.server.seen.lock().unwrap();
        assert_eq!(seen.len(), 2);
        for ((_, headers), second) in seen.iter().zip([1_790_000_000_u64, 1_790_000_400]) {
            let text = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
            assert_eq!(text("x-sidero-timestamp"), second.to_string());
            assert!(text("x-sidero-payload").contains(&format!("\"{second}\"")));
            assert!(text("x-sidero-payload").ends_with("\"method\":\"/cosi.resource.State/Get\"}"));
            let line = text("x-sidero-signature");
            let signature = base64::engine::general_purpose::STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap();
            let at = Duration::from_secs(second);
            assert!(verifies(&pair.server.cert, &signature, text("x-sidero-payload").as_bytes(), at));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn limits_end_a_call() {
        let pair = pair();
        pair.server.fault("Get", Fault::Hang);
        let started = Instant::now();
        let call = Call::within(Duration::from_secs(3), &CancellationToken::new());
        let error = pair.client.get(&call, &key()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "gave up after 3s while waiting for the answer to Get of `Clusters.omni.sidero.dev/prod`"
        );
        assert_eq!(started.elapsed(), Duration::from_secs(3));

        pair.server.fault("Get", Fault::Hang);
        let cancel = CancellationToken::new();
        let call = Call::within(Duration::from_secs(60), &cancel);
        let stop = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cancel.cancel();
        };
        let key = key();
        let (answer, ()) = tokio::join!(pair.client.get(&call, &key), stop);
        assert!(answer.unwrap_err().is(ErrorKind::Cancelled));
        // A call that was stopped already sends nothing.
        let before = pair.server.seen.lock().unwrap().len();
        assert!(pair.client.get(&call, &key).await.unwrap_err().is(ErrorKind::Cancelled));
        assert_eq!(pair.server.seen.lock().unwrap().len(), before);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_under_way_is_not_abandoned() {
        let pair = pair();
        let cancel = CancellationToken::new();
        let call = Call::within(Duration::from_secs(60), &cancel);
        pair.server.fault("Create", Fault::Slow(Duration::from_secs(1)));
        let stop = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            cancel.cancel();
        };
        let (made, ()) = tokio::join!(pair.client.create(&call, cluster("1.13.5")), stop);
        assert_eq!(made.unwrap().metadata.version, Some(1));

        // But nobody waits long for it.
        let cancel = CancellationToken::new();
        let call = Call::within(Duration::from_secs(60), &cancel);
        pair.server.fault("Create", Fault::Hang);
        let stop = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            cancel.cancel();
        };
        let started = Instant::now();
        let (made, ()) = tokio::join!(pair.client.create(&call, cluster("1.13.5")), stop);
        assert!(made.unwrap_err().is(ErrorKind::Cancelled));
        assert!(started.elapsed() >= Duration::from_secs(2));
        assert!(started.elapsed() <= Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn objects_of_controllers_are_not_written_in_their_name() {
        let pair = pair();
        let made = pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        let mut owned = made;
        owned.metadata.owner = "Controller".to_owned();
        pair.client.update(&minute(), owned, None).await.unwrap();
        assert_eq!(*pair.server.owners.lock().unwrap(), ["", ""]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_at_once_than_allowed() {
        let pair = pair_with(|config| config.max_concurrent_requests = Some(2));
        for _ in 0..2 {
            pair.server.fault("Get", Fault::Hang);
        }
        let call = Call::within(Duration::from_secs(2), &CancellationToken::new());
        let key = key();
        let (a, b, c) =
            tokio::join!(pair.client.get(&call, &key), pair.client.get(&call, &key), pair.client.get(&call, &key));
        for answer in [a, b, c] {
            assert!(answer.unwrap_err().is(ErrorKind::Timeout));
        }
        assert_eq!(pair.server.count("Get"), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn create_that_loses_its_answer() {
        let pair = pair();
        pair.server.fault("Create", Fault::LoseAnswer);
        let made = pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        assert_eq!(made.metadata.version, Some(1));
        assert_eq!(pair.server.count("Create"), 1, "it was looked for before anything was repeated");

        // It was lost on the way there, and somebody else was faster.
        pair.server.delete("prod");
        let others = super::super::wire::encode(&made);
        pair.server.fault(
            "Create",
            Fault::Then(Box::new(move |server| {
                server.delete("prod");
                server.put(others, pb::EventType::Created);
            })),
        );
        let error = pair.client.create(&minute(), cluster("1.13.8")).await.unwrap_err();
        assert!(error.is(ErrorKind::AlreadyExists), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn create_that_never_arrives_is_sent_again() {
        let pair = pair();
        pair.server.fault("Create", unavailable());
        assert!(pair.client.create(&minute(), cluster("1.13.5")).await.is_ok());
        assert_eq!(pair.server.count("Create"), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn create_waits_for_one_that_is_going() {
        let pair = pair();
        let first = pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        pair.server.edit("prod", |metadata, _| {
            metadata.phase = "tearingDown".to_owned();
            metadata.finalizers = vec!["A".to_owned()];
        });
        let server = pair.server.clone();
        let controller = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            server.edit("prod", |metadata, _| metadata.finalizers.clear());
        };
        let call = minute();
        let (made, ()) = tokio::join!(pair.client.create(&call, cluster("1.13.8")), controller);
        let made = made.unwrap();
        assert_eq!(made.metadata.version, Some(1));
        assert_ne!(made.metadata.annotations, first.metadata.annotations);
        assert_eq!(pair.server.count("Destroy"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn update_that_loses_its_answer() {
        let pair = pair();
        let made = pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        let mut change = made.clone();
        change.metadata.labels.insert("a".to_owned(), "b".to_owned());

        // It took place, and a controller came after it.
        pair.server.fault(
            "Update",
            Fault::Then(Box::new(|server| server.edit("prod", |m, _| m.finalizers.push("C".to_owned())))),
        );
        let written = pair.client.update(&minute(), change.clone(), None).await.unwrap();
        assert_eq!(written.metadata.version, Some(3));
        assert_eq!(pair.server.count("Update"), 1);

        // It did not take place.
        pair.server.fault("Update", unavailable());
        let mut change = written;
        change.metadata.labels.insert("a".to_owned(), "c".to_owned());
        let written = pair.client.update(&minute(), change.clone(), None).await.unwrap();
        assert_eq!(written.metadata.version, Some(4));
        assert_eq!(pair.server.count("Update"), 3);

        // It took place, and somebody changed it back.
        pair.server.fault("Update", Fault::Then(Box::new(|server| server.edit("prod", |m, _| m.labels.clear()))));
        let error = pair.client.update(&minute(), written.clone(), None).await.unwrap_err();
        assert!(error.is(ErrorKind::Conflict), "{error}");

        // It took place, and the object was deleted.
        let mut change = pair.client.get(&minute(), &key()).await.unwrap();
        change.metadata.labels.insert("x".to_owned(), String::new());
        pair.server.fault("Update", Fault::Then(Box::new(|server| server.delete("prod"))));
        let error = pair.client.update(&minute(), change, None).await.unwrap_err();
        assert!(error.is(ErrorKind::NotFound), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn reads_that_lag_behind_our_own_writes() {
        let pair = pair();
        let made = pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        pair.server.fault("Get", Fault::Show(None));
        pair.server.fault("Get", Fault::Show(None));
        assert_eq!(pair.client.get(&minute(), &key()).await.unwrap(), made);

        let old = pair.server.stored("prod").map(Box::new);
        let mut change = made;
        change.metadata.labels.insert("a".to_owned(), "b".to_owned());
        let written = pair.client.update(&minute(), change, None).await.unwrap();
        pair.server.fault("Get", Fault::Show(old.clone()));
        assert_eq!(pair.client.get(&minute(), &key()).await.unwrap(), written);

        // An update may meet the same cache.
        pair.server.fault("Update", Fault::Refuse(Status::not_found("doesn't exist")));
        let written = pair.client.update(&minute(), written, None).await.unwrap();

        // What does not change for ten seconds is believed.
        pair.server.delete("prod");
        let started = Instant::now();
        assert!(pair.client.get(&minute(), &key()).await.unwrap_err().is(ErrorKind::NotFound));
        assert!(started.elapsed() >= Duration::from_secs(9), "{:?}", started.elapsed());
        assert!(started.elapsed() <= WINDOW);
        let started = Instant::now();
        assert!(pair.client.get(&minute(), &key()).await.unwrap_err().is(ErrorKind::NotFound));
        assert!(started.elapsed() < Duration::from_secs(1));
        assert!(pair.client.update(&minute(), written, None).await.unwrap_err().is(ErrorKind::NotFound));
    }

    #[tokio::test(start_paused = true)]
    async fn reads_of_what_others_wrote() {
        let pair = pair();
        pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        tokio::time::advance(WINDOW).await;
        let old = pair.server.stored("prod").map(Box::new);
        pair.server.edit("prod", |_, _| {});
        pair.server.fault("Get", Fault::Show(old.clone()));
        let read = pair.client.get_at_least(&minute(), &key(), Some(2)).await.unwrap();
        assert_eq!(read.metadata.version, Some(2));
        // Nobody said that the object has to be newer, so the server is believed at once.
        pair.server.fault("Get", Fault::Show(old));
        let read = pair.client.get_at_least(&minute(), &key(), None).await.unwrap();
        assert_eq!(read.metadata.version, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn unknown_calls_name_both_versions() {
        use crate::omni::spec::instance::{SysVersionSpec, sys_version_key};
        let pair = pair();
        let version = SysVersionSpec { backend_version: "v1.6.6".to_owned(), ..SysVersionSpec::default() };
        let mut resource = super::super::wire::encode(&crate::omni::spec::resource("current", &version));
        resource.metadata.as_mut().unwrap().version = "1".to_owned();
        pair.server.put(resource, pb::EventType::Created);
        pair.server.fault("List", Fault::Refuse(Status::permission_denied("no access is permitted")));
        let error = pair.client.list(&minute(), ClusterSpec::KIND, &Query::all()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "this Omni does not know the type `Clusters.omni.sidero.dev` (the server says that it is v1.6.6)"
        );
        assert_eq!(pair.client.server_version(&minute()).await.unwrap(), "v1.6.6");
        assert_eq!(pair.server.count("Get"), 1);
        // A server that does not know its own version is not asked for it again and again.
        let other = crate::omni::testing::pair();
        other.server.fault("Get", Fault::Refuse(Status::unimplemented("unknown method Get")));
        assert!(other.client.read(&minute(), &sys_version_key()).await.unwrap_err().is(ErrorKind::Unimplemented));
        assert_eq!(other.server.count("Get"), 1);
    }

    #[test]
    fn futures_can_move_between_threads() {
        fn check<T: Send>(_: &T) {}
        fn never(client: &Client, call: &Call, resource: Resource) {
            let key = key();
            check(&client.get(call, &key));
            check(&client.list(call, key.kind, &Query::all()));
            check(&client.create(call, resource.clone()));
            check(&client.update(call, resource, None));
            check(&client.remove(call, &key));
            check(&client.teardown_and_destroy(call, &key));
            check(&client.wait_for(call, &key, "x", |r| r.map(|_| ())));
            check(&client.kubeconfig(
                call,
                "prod",
                crate::omni::KubeconfigRequest { user: String::new(), groups: Vec::new(), ttl: Duration::ZERO },
            ));
        }
        let _only_has_to_compile = never;
    }
}
