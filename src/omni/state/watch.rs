//! Watches of objects.
//! A watch survives its connection: it reconnects with a new signature and reports the changes that it missed.

use super::query::Query;
use super::wire::decode;
use super::{Key, Kind, Resource};
use crate::omni::call::Call;
use crate::omni::client::Client;
use crate::omni::error::{Error, ErrorKind};
use crate::omni::retry::Idempotency;
use crate::omni::status::{About, Delivery, Failure, Op, read};
use backon::ExponentialBackoff;
use omni_proto::cosi::resource as pb;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use tonic::Streaming;

const WATCH: &str = "/cosi.resource.State/Watch";
/// The first version of the protocol in which a watch sends bootstrap events and errors.
const API_VERSION: i32 = 1;

/// An event of a watch.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The object exists: it was created, updated, or is part of the bootstrap.
    Present(Box<Resource>),
    /// The object does not exist, or was destroyed.
    Gone(Key),
    /// The bootstrap event of a watch of a kind: every object that existed at its start has been reported.
    Bootstrapped,
}

#[derive(Clone)]
enum Target {
    One(Key),
    /// One object by a watch of its kind, with a query that matches nothing else.
    Only(Key, Query),
    Kind(Kind, Query),
}

/// A watch of one object, or of the objects of a kind.
pub struct Watch {
    client: Client,
    call: Call,
    target: Target,
    stream: Option<Streaming<pb::WatchResponse>>,
    queue: VecDeque<Event>,
    delays: ExponentialBackoff,
    /// The reported objects: ID to version and time of creation.
    known: HashMap<String, Mark>,
    /// The IDs since the stream was opened; `None` after its bootstrap event.
    fresh: Option<HashSet<String>>,
    bootstrapped: bool,
    /// Failed attempts to reopen the stream, in a row.
    refusals: usize,
    /// What ended the connection last, until another one has proved itself.
    lost: Option<Error>,
}

type Mark = (Option<u64>, Option<prost_types::Timestamp>);

impl Client {
    /// Watches one object. The first event says whether it exists, and reflects every write before the call.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn watch(&self, call: &Call, key: &Key) -> Result<Watch, Error> {
        match self.open(call, Target::One(key.clone())).await {
            Err(denied) if denied.is(ErrorKind::Denied) => match self.query_of_cluster(call, key).await {
                Some(query) => self.open(call, Target::Only(key.clone(), query)).await.map_err(|_| denied),
                None => Err(denied),
            },
            opened => opened,
        }
    }

    /// Watches the objects of a kind: first those that exist, then [`Event::Bootstrapped`], then changes.
    /// An object that no longer matches the query is reported as [`Event::Gone`].
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub async fn watch_kind(&self, call: &Call, kind: Kind, query: &Query) -> Result<Watch, Error> {
        self.open(call, Target::Kind(kind, query.clone())).await
    }

    /// Watches an object until `look` finds what it looks for. `what` says what that is, for the error.
    ///
    /// # Errors
    /// [`Error::Timeout`] and [`Error::Cancelled`] that name `what`; or when the server refuses or does not respond.
    pub async fn wait_for<T, F>(&self, call: &Call, key: &Key, what: &str, mut look: F) -> Result<T, Error>
    where
        F: FnMut(Option<&Resource>) -> Option<T> + Send,
        T: Send,
    {
        let named = |error| named(error, what);
        let mut watch = self.watch(call, key).await.map_err(named)?;
        loop {
            let found = match watch.next().await.map_err(named)? {
                Event::Present(resource) => look(Some(&*resource)),
                Event::Gone(_) => look(None),
                Event::Bootstrapped => None,
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }

    /// Watches the objects of a kind until `look` finds what it looks for among all of them, by id.
    /// `what` says what that is, for the error.
    ///
    /// # Errors
    /// As for [`Client::wait_for`].
    pub async fn wait_for_any<T, F>(
        &self,
        call: &Call,
        kind: Kind,
        query: &Query,
        what: &str,
        mut look: F,
    ) -> Result<T, Error>
    where
        F: FnMut(&BTreeMap<String, Resource>) -> Option<T> + Send,
        T: Send,
    {
        let named = |error| named(error, what);
        let mut watch = self.watch_kind(call, kind, query).await.map_err(named)?;
        let (mut there, mut complete) = (BTreeMap::new(), false);
        loop {
            match watch.next().await.map_err(named)? {
                Event::Present(resource) => drop(there.insert(resource.key.id.clone(), *resource)),
                Event::Gone(key) => drop(there.remove(&key.id)),
                Event::Bootstrapped => complete = true,
            }
            // Half of a list decides nothing: what comes later in it may count as well.
            if complete && let Some(found) = look(&there) {
                return Ok(found);
            }
        }
    }

    /// Reads an object by a watch: unlike a read from the cache, it reflects every write.
    pub(crate) async fn get_fresh(&self, call: &Call, key: &Key) -> Result<Option<Resource>, Error> {
        self.watch(call, key).await?.first().await
    }

    /// The same by a watch of the kind that takes nothing but this object.
    pub(crate) async fn get_fresh_by(&self, call: &Call, key: &Key, query: Query) -> Result<Option<Resource>, Error> {
        self.open(call, Target::Only(key.clone(), query)).await?.first().await
    }

    /// Reads the objects that `query` takes, in the order of their IDs, by a watch: unlike [`Client::list`], it reflects every write.
    /// Whoever may list and not watch gets the list.
    ///
    /// # Errors
    /// When the server refuses or does not respond.
    pub(crate) async fn list_fresh(&self, call: &Call, kind: Kind, query: &Query) -> Result<Vec<Resource>, Error> {
        let what = format!("the objects of `{}`", kind.name);
        let all = |there: &BTreeMap<String, Resource>| Some(there.values().cloned().collect());
        match self.wait_for_any(call, kind, query, &what, all).await {
            Err(error) if error.is(ErrorKind::Denied) => self.list(call, kind, query).await,
            listed => listed,
        }
    }

    /// Opens the stream of a watch: of one object, or of the objects that `query` takes; with its first message.
    pub(super) async fn open_stream(
        &self,
        call: &Call,
        kind: Kind,
        key: Option<&Key>,
        query: Option<&Query>,
        idempotency: Idempotency,
    ) -> Result<(Streaming<pb::WatchResponse>, Option<pb::WatchResponse>), Failure> {
        let message = pb::WatchRequest {
            namespace: kind.namespace.to_owned(),
            r#type: kind.name.to_owned(),
            id: key.map(|key| key.id.clone()),
            options: Some(pb::WatchOptions {
                bootstrap_contents: query.is_some(),
                label_query: query.map(Query::label_queries).unwrap_or_default(),
                id_query: query.and_then(Query::id_query),
                ..pb::WatchOptions::default()
            }),
            api_version: API_VERSION,
        };
        let op = Op { method: WATCH, about: key.map_or(About::Kind(kind), About::Object) };
        self.run(call, &op, idempotency, || {
            let mut service = self.state();
            let request = message.clone();
            async move {
                let mut stream = service.watch(request).await?.into_inner();
                // Only now is it certain that the server accepted the signature, and that the watch stands.
                let first = stream.message().await?;
                Ok((stream, first))
            }
        })
        .await
    }

    async fn open(&self, call: &Call, target: Target) -> Result<Watch, Error> {
        let mut watch = Watch {
            client: self.clone(),
            call: call.clone(),
            target,
            stream: None,
            queue: VecDeque::new(),
            delays: self.inner.retry.endless(),
            known: HashMap::new(),
            fresh: None,
            bootstrapped: false,
            refusals: 0,
            lost: None,
        };
        watch.connect(Idempotency::Idempotent).await?;
        Ok(watch)
    }
}

/// Says of a wait that ended what was waited for.
pub(crate) fn named(error: Error, what: &str) -> Error {
    match error {
        Error::Timeout { after, .. } => Error::Timeout { what: what.to_owned(), after },
        Error::Away { after, last, .. } => Error::Away { what: what.to_owned(), after, last },
        Error::Cancelled { .. } => Error::Cancelled { what: what.to_owned() },
        other => other,
    }
}

impl Watch {
    /// The one object as it is at first.
    async fn first(mut self) -> Result<Option<Resource>, Error> {
        loop {
            match self.next().await? {
                Event::Present(resource) => return Ok(Some(*resource)),
                Event::Gone(_) => return Ok(None),
                Event::Bootstrapped => {}
            }
        }
    }

    /// Waits for the next event, until the deadline of the call that opened the watch.
    ///
    /// # Errors
    /// [`Error::Timeout`] and [`Error::Cancelled`] by the limits of the call, and [`Error::Away`] where there was no connection
    /// at the end; or when the server refuses.
    pub async fn next(&mut self) -> Result<Event, Error> {
        // Whether a call took effect says nothing of a watch.
        match self.advance().await.map_err(Error::into_cause) {
            Err(Error::Timeout { what, after }) => Err(match self.lost.take() {
                Some(last) => Error::Away { what, after, last: Box::new(last) },
                None => Error::Timeout { what, after },
            }),
            advanced => advanced,
        }
    }

    async fn advance(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Ok(event);
            }
            let Some(stream) = &mut self.stream else {
                self.reconnect().await?;
                continue;
            };
            let message = tokio::select! {
                biased;
                () = self.call.cancel.cancelled() => return Err(Error::Cancelled { what: self.words() }),
                () = tokio::time::sleep_until(self.call.deadline) => {
                    return Err(Error::Timeout { what: self.words(), after: self.call.limit });
                }
                message = stream.message() => message,
            };
            match message {
                Ok(Some(response)) => {
                    for event in response.event {
                        self.take(event)?;
                    }
                }
                // Servers that stop end their streams in good order.
                Ok(None) => self.stream = None,
                Err(status) => {
                    let failure = self.failure(&status);
                    if failure.delivery == Delivery::Final {
                        return Err(failure.error);
                    }
                    tracing::debug!(error = %failure.error, "a watch lost its connection");
                    self.lost = Some(failure.error);
                    self.stream = None;
                }
            }
        }
    }

    async fn reconnect(&mut self) -> Result<(), Error> {
        let what = self.words();
        let delay = self.delays.next().unwrap_or(self.client.inner.retry.max_delay);
        self.client.sleep(&self.call, delay, &what).await?;
        match self.connect(Idempotency::AtMostOnce).await {
            // A server that restarts is worth waiting for: only the deadline ends a watch.
            Err(Failure { delivery: Delivery::Lost | Delivery::Unsent, error }) => {
                // One that answers and does not say that it is busy may go on so for ever.
                self.refusals += usize::from(error.is(ErrorKind::Other));
                if self.refusals >= self.client.inner.retry.max_attempts {
                    return Err(error);
                }
                tracing::debug!(%error, "a watch is still without a connection");
                self.lost = Some(error);
                Ok(())
            }
            result => Ok(result?),
        }
    }

    async fn connect(&mut self, idempotency: Idempotency) -> Result<(), Failure> {
        let (kind, key, query) = match &self.target {
            Target::One(key) => (key.kind, Some(key), None),
            Target::Only(key, query) => (key.kind, None, Some(query)),
            Target::Kind(kind, query) => (*kind, None, Some(query)),
        };
        let (stream, first) = self.client.open_stream(&self.call, kind, key, query, idempotency).await?;
        self.stream = first.is_some().then_some(stream);
        self.fresh = query_of(&self.target).then(HashSet::new);
        for event in first.map(|response| response.event).unwrap_or_default() {
            self.take(event).map_err(Failure::last)?;
        }
        Ok(())
    }

    fn take(&mut self, event: pb::Event) -> Result<(), Error> {
        use pb::EventType as T;
        let kind = match &self.target {
            Target::One(key) | Target::Only(key, _) => key.kind,
            Target::Kind(kind, _) => *kind,
        };
        match event.event_type() {
            T::Created | T::Updated => {
                let resource = decode(kind, event.resource)?;
                let mark = (resource.metadata.version, resource.metadata.created);
                if let Some(fresh) = &mut self.fresh {
                    fresh.insert(resource.key.id.clone());
                }
                self.settle();
                // After a new connection everything is shown again; only news is reported.
                if self.known.insert(resource.key.id.clone(), mark) != Some(mark) {
                    self.queue.push_back(Event::Present(Box::new(resource)));
                }
            }
            T::Destroyed => {
                let key = match (&self.target, event.resource) {
                    (Target::One(key) | Target::Only(key, _), _) => key.clone(),
                    (Target::Kind(..), resource) => decode(kind, resource)?.key,
                };
                self.settle();
                self.known.remove(&key.id);
                self.queue.push_back(Event::Gone(key));
            }
            T::Bootstrapped => {
                self.settle();
                let fresh = self.fresh.take().unwrap_or_default();
                let mut missed: Vec<_> = self.known.keys().filter(|id| !fresh.contains(*id)).cloned().collect();
                missed.sort_unstable();
                for id in missed {
                    self.known.remove(&id);
                    self.queue.push_back(Event::Gone(kind.key(id)));
                }
                if !self.bootstrapped {
                    self.bootstrapped = true;
                    match &self.target {
                        Target::Only(key, _) if self.known.is_empty() => self.queue.push_back(Event::Gone(key.clone())),
                        Target::Only(..) => {}
                        _ => self.queue.push_back(Event::Bootstrapped),
                    }
                }
            }
            T::Errored => {
                tracing::debug!(error = event.error.as_deref().unwrap_or_default(), "the server ended a watch");
                self.stream = None;
            }
            T::Noop => {}
        }
        Ok(())
    }

    /// The connection has proved itself.
    fn settle(&mut self) {
        self.delays = self.client.inner.retry.endless();
        self.refusals = 0;
        self.lost = None;
    }

    fn failure(&self, status: &tonic::Status) -> Failure {
        let inner = &self.client.inner;
        let about = match &self.target {
            Target::One(key) | Target::Only(key, _) => About::Object(key),
            Target::Kind(kind, _) => About::Kind(*kind),
        };
        read(&Op { method: WATCH, about }, status, &inner.transport_state, &inner.endpoint)
    }

    fn words(&self) -> String {
        match &self.target {
            Target::One(key) | Target::Only(key, _) => format!("a change of `{key}`"),
            Target::Kind(kind, _) => format!("changes of `{}`", kind.name),
        }
    }
}

fn query_of(target: &Target) -> bool {
    matches!(target, Target::Kind(..) | Target::Only(..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::error::ErrorKind;
    use crate::omni::spec::{Spec, resource};
    use crate::omni::state::wire::encode;
    use crate::omni::testing::{Fault, Pair, cluster, key, minute, pair};
    use omni_proto::specs::ClusterSpec;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;
    use tonic::Status;

    fn put(pair: &Pair, id: &str, version: u64, event: pb::EventType) {
        let mut object = encode(&resource(id, &ClusterSpec::default()));
        object.metadata.as_mut().unwrap().version = version.to_string();
        pair.server.put(object, event);
    }

    /// An event in short: id and version, id and minus, or a star.
    fn short(event: &Event) -> String {
        match event {
            Event::Present(r) => format!("{}@{}", r.key.id, r.metadata.version.unwrap()),
            Event::Gone(key) => format!("{}-", key.id),
            Event::Bootstrapped => "*".to_owned(),
        }
    }

    async fn take(watch: &mut Watch, n: usize) -> Vec<String> {
        let mut events = Vec::new();
        for _ in 0..n {
            events.push(short(&watch.next().await.unwrap()));
        }
        events
    }

    #[tokio::test(start_paused = true)]
    async fn one_object() {
        let pair = pair();
        let mut watch = pair.client.watch(&minute(), &key()).await.unwrap();
        assert_eq!(take(&mut watch, 1).await, ["prod-"]);
        put(&pair, "prod", 1, pb::EventType::Created);
        put(&pair, "other", 1, pb::EventType::Created);
        pair.server.edit("prod", |_, _| {});
        pair.server.delete("prod");
        assert_eq!(take(&mut watch, 3).await, ["prod@1", "prod@2", "prod-"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind() {
        let pair = pair();
        put(&pair, "a", 1, pb::EventType::Created);
        put(&pair, "b", 1, pb::EventType::Created);
        let mut watch = pair.client.watch_kind(&minute(), ClusterSpec::KIND, &Query::all()).await.unwrap();
        assert_eq!(take(&mut watch, 3).await, ["a@1", "b@1", "*"]);
        pair.server.edit("a", |_, _| {});
        pair.server.delete("b");
        assert_eq!(take(&mut watch, 2).await, ["a@2", "b-"]);
    }

    #[tokio::test(start_paused = true)]
    async fn reports_what_it_missed() {
        let pair = pair();
        for id in ["a", "b", "c"] {
            put(&pair, id, 1, pb::EventType::Created);
        }
        // The mark, three objects and the end of the bootstrap.
        pair.server.fault("Watch", Fault::Break(5));
        // The next connections break at once, and in the middle of the bootstrap.
        pair.server.fault("Watch", Fault::Refuse(Status::unavailable("restarting")));
        pair.server.fault("Watch", Fault::Break(2));
        let mut watch = pair.client.watch_kind(&minute(), ClusterSpec::KIND, &Query::all()).await.unwrap();
        assert_eq!(take(&mut watch, 4).await, ["a@1", "b@1", "c@1", "*"]);
        pair.server.edit("b", |_, _| {});
        pair.server.delete("c");
        put(&pair, "d", 1, pb::EventType::Created);
        assert_eq!(take(&mut watch, 3).await, ["b@2", "d@1", "c-"]);
        pair.server.edit("a", |_, _| {});
        assert_eq!(take(&mut watch, 1).await, ["a@2"]);
        assert_eq!(pair.server.count("Watch"), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn limits_and_refusals() {
        let pair = pair();
        put(&pair, "prod", 1, pb::EventType::Created);
        let call = Call::within(Duration::from_secs(5), &CancellationToken::new());
        // The limit of the operation is told, and not the rest of it.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut watch = pair.client.watch(&call, &key()).await.unwrap();
        assert_eq!(take(&mut watch, 1).await, ["prod@1"]);
        let error = watch.next().await.unwrap_err();
        assert_eq!(error.to_string(), "gave up after 5s while waiting for a change of `Clusters.omni.sidero.dev/prod`");

        pair.server.fault("Watch", Fault::Refuse(Status::unauthenticated("invalid signature")));
        assert!(pair.client.watch(&minute(), &key()).await.err().unwrap().is(ErrorKind::Unauthenticated));

        // Of what a server says when it comes back, only refusals count.
        pair.server.fault("Watch", Fault::Break(2));
        pair.server.fault("Watch", Fault::Refuse(Status::permission_denied("no")));
        let mut watch = pair.client.watch(&minute(), &key()).await.unwrap();
        assert_eq!(take(&mut watch, 1).await, ["prod@1"]);
        assert!(watch.next().await.unwrap_err().is(ErrorKind::Denied));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_stays_away_is_told() {
        use std::error::Error as _;
        let pair = pair();
        put(&pair, "prod", 1, pb::EventType::Created);
        pair.server.fault("Watch", Fault::Break(2));
        for _ in 0..100 {
            pair.server.fault("Watch", Fault::Refuse(Status::unavailable("restarting")));
        }
        let call = Call::within(Duration::from_secs(5), &CancellationToken::new());
        let error = pair.client.wait_for(&call, &key(), "the cluster to fly", |_| None::<()>).await.unwrap_err();
        assert_eq!(error.to_string(), "gave up after 5s while waiting for the cluster to fly");
        assert!(error.is(ErrorKind::Timeout));
        assert!(error.source().is_some_and(|last| last.to_string().contains("restarting")), "{error:?}");
        assert!(error.last_of_connection().is_some());

        // One that has come back has nothing to do with it.
        let pair = self::pair();
        put(&pair, "prod", 1, pb::EventType::Created);
        pair.server.fault("Watch", Fault::Break(2));
        let call = Call::within(Duration::from_secs(5), &CancellationToken::new());
        let error = pair.client.wait_for(&call, &key(), "the cluster to fly", |_| None::<()>).await.unwrap_err();
        assert!(error.is(ErrorKind::Timeout) && error.source().is_none(), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn waits_until_it_is_so() {
        let pair = pair();
        pair.server.fault("Watch", Fault::Break(2));
        let world = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            put(&pair, "prod", 1, pb::EventType::Created);
            tokio::time::sleep(Duration::from_secs(2)).await;
            pair.server.edit("prod", |metadata, _| {
                metadata.labels.insert("ready".to_owned(), "yes".to_owned());
            });
        };
        let mut looks = 0;
        let look = |found: Option<&Resource>| {
            looks += 1;
            found.and_then(|r| r.metadata.labels.get("ready").cloned())
        };
        let (call, key) = (minute(), key());
        let (ready, ()) = tokio::join!(pair.client.wait_for(&call, &key, "the cluster to be ready", look), world);
        assert_eq!(ready.unwrap(), "yes");
        assert!(looks >= 3, "{looks}");

        let call = Call::within(Duration::from_secs(5), &CancellationToken::new());
        let error = pair.client.wait_for(&call, &key, "the cluster to fly", |_| None::<()>).await.unwrap_err();
        assert_eq!(error.to_string(), "gave up after 5s while waiting for the cluster to fly");
    }

    #[tokio::test(start_paused = true)]
    async fn waits_until_one_of_them_is_so() {
        let pair = pair();
        for id in ["a", "b"] {
            put(&pair, id, 1, pb::EventType::Created);
        }
        let world = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            pair.server.delete("b");
            put(&pair, "c", 1, pb::EventType::Created);
        };
        let ids = |there: &BTreeMap<String, Resource>| there.keys().cloned().collect::<Vec<_>>();
        let look = |there: &BTreeMap<String, Resource>| there.contains_key("c").then(|| ids(there));
        let (call, kind, all) = (minute(), ClusterSpec::KIND, Query::all());
        let (found, ()) = tokio::join!(pair.client.wait_for_any(&call, kind, &all, "a third cluster", look), world);
        assert_eq!(found.unwrap(), ["a", "c"]);

        // The list is looked at as a whole first.
        let whole = pair.client.wait_for_any(&call, kind, &all, "any cluster", |there| Some(ids(there))).await;
        assert_eq!(whole.unwrap(), ["a", "c"]);

        let call = Call::within(Duration::from_secs(5), &CancellationToken::new());
        let error = pair.client.wait_for_any(&call, kind, &all, "a fourth cluster", |_| None::<()>).await.unwrap_err();
        assert_eq!(error.to_string(), "gave up after 5s while waiting for a fourth cluster");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peek_sees_what_is_there() {
        let pair = pair();
        assert_eq!(pair.client.get_fresh(&minute(), &key()).await.unwrap(), None);
        let made = pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        assert_eq!(pair.client.get_fresh(&minute(), &key()).await.unwrap(), Some(made));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_list_is_one_watch_or_else_the_list() {
        let pair = pair();
        for id in ["b", "a"] {
            put(&pair, id, 1, pb::EventType::Created);
        }
        let (call, kind) = (minute(), ClusterSpec::KIND);
        let ids = async || {
            let listed = pair.client.list_fresh(&call, kind, &Query::all()).await;
            listed.map(|all| all.into_iter().map(|object| object.key.id).collect::<Vec<_>>())
        };
        assert_eq!(ids().await.unwrap(), ["a", "b"]);
        assert_eq!((pair.server.count("Watch"), pair.server.count("List")), (1, 0));
        pair.server.fault("Watch", Fault::Refuse(Status::permission_denied("no")));
        assert_eq!(ids().await.unwrap(), ["a", "b"]);
        assert_eq!((pair.server.count("Watch"), pair.server.count("List")), (2, 1));
        pair.server.fault("Watch", Fault::Refuse(Status::unauthenticated("invalid signature")));
        assert!(ids().await.unwrap_err().is(ErrorKind::Unauthenticated));
        assert_eq!(pair.server.count("List"), 1, "what is no denial is told");
    }
}
