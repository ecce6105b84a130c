//! Watches: initial contents, if requested, and then events.
//! Access was checked before.

use super::catalogue::Feature;
use super::object::{Key, Object};
use super::query::Query;
use super::release::Release;
use super::store::{Event, Stale, Store, Subscription};
use super::wire;
use futures_util::{Stream, stream};
use omni_proto::cosi::resource as pb;
use omni_proto::cosi::resource::EventType;
use std::collections::VecDeque;
use std::sync::Arc;
use tonic::{Code, Status};

/// How many events one answer holds at most.
const BATCH: usize = 1000;

/// One watch of one client.
pub(super) struct Watch {
    subscription: Subscription,
    kind: String,
    namespace: String,
    id: Option<String>,
    query: Query,
    aggregated: bool,
    /// Whether the client knows the later types of events.
    knows_errors: bool,
    ready: VecDeque<pb::WatchResponse>,
    done: bool,
}

/// The length of a bookmark.
const BOOKMARK: usize = 16;

impl Watch {
    /// The answer to a bookmark that says nothing here.
    fn stale(&self, bookmark: &[u8]) -> Status {
        let verb = if self.id.is_some() { "watch" } else { "watchKind" };
        let (kind, namespace, id) = (&self.kind, &self.namespace, self.id.as_deref().unwrap_or_default());
        let length = match bookmark.len() {
            BOOKMARK => String::new(),
            other => format!(" length: {other}"),
        };
        let text = format!("failed to {verb} \"{kind}({namespace}/{id}@undefined)\": invalid bookmark{length}");
        Status::failed_precondition(text)
    }

    /// Starts a watch; the first answers are ready at once.
    pub(super) fn start(store: &Store, request: pb::WatchRequest, release: Release) -> Result<Self, Status> {
        let options = request.options.unwrap_or_default();
        let query = Query::new(options.label_query, options.id_query)?;
        let single = request.id.is_some();
        if options.tail_events > 0 {
            let code = if release.has(Feature::UnimplementedTailEvents) { Code::Unimplemented } else { Code::Unknown };
            return Err(Status::new(code, "operation tailEvents is not supported"));
        }
        let refused = [
            (options.bootstrap_contents, "bootstrap contents"),
            (options.bootstrap_bookmark, "bootstrap bookmark"),
            (query.has_labels(), "label query"),
        ];
        if single && let Some((_, what)) = refused.iter().find(|(asked, _)| *asked) {
            return Err(Status::unimplemented(format!("{what} is not implemented for resource watch")));
        }
        let (view, subscription) = store.view_and_subscribe();
        let mut watch = Self {
            subscription,
            kind: request.r#type,
            namespace: request.namespace,
            id: request.id,
            query,
            aggregated: options.aggregated,
            knows_errors: request.api_version >= 1,
            ready: VecDeque::from([pb::WatchResponse::default()]),
            done: false,
        };
        if let Some(bookmark) = options.start_from_bookmark {
            watch.subscription = store.resume(&bookmark).map_err(|_| watch.stale(&bookmark))?;
            return Ok(watch);
        }
        let mut first = Vec::new();
        if let Some(id) = &watch.id {
            let key = wire::named(watch.namespace.clone(), watch.kind.clone(), id.clone());
            first.push(match view.object(&key) {
                Some(object) => watch.event(EventType::Created, wire::sent(&object)),
                None => watch.event(EventType::Destroyed, wire::tombstone(&key)),
            });
        } else if options.bootstrap_contents {
            for object in view.collection(&watch.kind, &watch.namespace) {
                if watch.query.matches(&object) {
                    first.push(watch.event(EventType::Created, wire::sent(&object)));
                }
            }
            if watch.knows_errors {
                first.push(watch.event(EventType::Bootstrapped, wire::tombstone(&watch.any())));
            }
        } else if options.bootstrap_bookmark {
            first.push(watch.event(EventType::Noop, wire::tombstone(&watch.any())));
        }
        watch.queue(first);
        Ok(watch)
    }

    /// The answers, one after the other.
    pub(super) fn answers(self) -> impl Stream<Item = Result<pb::WatchResponse, Status>> {
        stream::unfold(self, |mut watch| async move {
            let answer = watch.next().await?;
            Some((answer, watch))
        })
    }

    async fn next(&mut self) -> Option<Result<pb::WatchResponse, Status>> {
        loop {
            if let Some(answer) = self.ready.pop_front() {
                return Some(Ok(answer));
            }
            if self.done {
                return None;
            }
            match self.gather().await {
                Ok(events) => self.queue(events),
                // A client that knows no errors is left waiting.
                Err(_) if !self.knows_errors => std::future::pending().await,
                Err(stale) => {
                    self.done = true;
                    let mut event = self.event(EventType::Errored, wire::tombstone(&self.any()));
                    event.error = Some(stale.to_string());
                    self.queue(vec![event]);
                }
            }
        }
    }

    /// Waits for something to happen, and takes what else has happened meanwhile.
    async fn gather(&mut self) -> Result<Vec<pb::Event>, Stale> {
        let first = self.subscription.next().await?;
        let mut events: Vec<pb::Event> = self.translate(&first).into_iter().collect();
        while self.aggregated && events.len() < BATCH {
            let Some(event) = self.subscription.try_next()? else { break };
            events.extend(self.translate(&event));
        }
        Ok(events)
    }

    fn queue(&mut self, events: Vec<pb::Event>) {
        if self.aggregated {
            if !events.is_empty() {
                self.ready.push_back(pb::WatchResponse { event: events });
            }
        } else {
            self.ready.extend(events.into_iter().map(|event| pb::WatchResponse { event: vec![event] }));
        }
    }

    /// What an event is to this watch; objects that begin or cease to match seem to come and go.
    fn translate(&self, event: &Arc<Event>) -> Option<pb::Event> {
        let Key { namespace, kind, id } = &event.key;
        if *kind != self.kind || *namespace != self.namespace || self.id.as_ref().is_some_and(|i| i != id) {
            return None;
        }
        let was = event.old.as_deref().filter(|o| self.query.matches(o));
        let is = event.new.as_deref().filter(|o| self.query.matches(o));
        let send = |event_type, object: &Object| Some(self.event(event_type, wire::sent(object)));
        match (was, is) {
            (None, None) => None,
            (None, Some(new)) => send(EventType::Created, new),
            (Some(old), Some(new)) => {
                let old = Some(wire::sent(old));
                send(EventType::Updated, new).map(|event| pb::Event { old, ..event })
            }
            // What it is now, even if that is not asked for; what it was, if it is gone.
            (Some(old), None) => send(EventType::Destroyed, event.new.as_deref().unwrap_or(old)),
        }
    }

    fn event(&self, event_type: EventType, resource: pb::Resource) -> pb::Event {
        pb::Event {
            resource: Some(resource),
            event_type: event_type.into(),
            bookmark: Some(self.subscription.bookmark().to_vec()),
            ..pb::Event::default()
        }
    }

    fn any(&self) -> Key {
        wire::named(self.namespace.clone(), self.kind.clone(), String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(store: &Store, request: pb::WatchRequest) -> Result<Watch, Status> {
        Watch::start(store, request, Release::NEWEST)
    }

    use crate::kinds;
    use futures_util::StreamExt;
    use kit::clock::TestClock;

    const KIND: &str = "MachineLabels.omni.sidero.dev";

    fn store() -> Store {
        Store::new(Arc::new(TestClock::at(1_800_000_000)))
    }

    fn put(store: &Store, id: &str, label: &str) {
        store.put("", &kinds::key(KIND, id), |o| {
            o.labels.clear();
            o.labels.insert(label.to_owned(), String::new());
        });
    }

    fn request(options: pb::WatchOptions) -> pb::WatchRequest {
        pb::WatchRequest {
            namespace: "default".into(),
            r#type: KIND.into(),
            id: None,
            options: Some(options),
            api_version: 1,
        }
    }

    /// The answers that are there without waiting, as lines.
    async fn drain(answers: &mut (impl Stream<Item = Result<pb::WatchResponse, Status>> + Unpin)) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(answer) = futures_util::FutureExt::now_or_never(answers.next()).flatten() {
            let events = answer.unwrap().event;
            let line: Vec<String> = events
                .iter()
                .map(|e| {
                    let metadata = e.resource.clone().unwrap().metadata.unwrap();
                    format!("{} {}", e.event_type().as_str_name(), metadata.id).trim().to_owned()
                })
                .collect();
            lines.push(line.join(", "));
        }
        lines
    }

    #[tokio::test]
    async fn contents_then_changes() {
        let store = store();
        put(&store, "b", "x");
        put(&store, "a", "x");
        let watch = start(&store, request(pb::WatchOptions { bootstrap_contents: true, ..Default::default() }));
        let mut answers = Box::pin(watch.unwrap().answers());
        assert_eq!(drain(&mut answers).await, ["", "CREATED a", "CREATED b", "BOOTSTRAPPED"]);
        put(&store, "a", "y");
        put(&store, "c", "y");
        store.remove(&kinds::key(KIND, "b"));
        store.put("", &kinds::key("Clusters.omni.sidero.dev", "other"), |_| {});
        assert_eq!(drain(&mut answers).await, ["UPDATED a", "CREATED c", "DESTROYED b"]);
    }

    #[tokio::test]
    async fn old_clients_get_no_new_events() {
        let store = store();
        put(&store, "a", "x");
        let mut request = request(pb::WatchOptions { bootstrap_contents: true, ..Default::default() });
        request.api_version = 0;
        let mut answers = Box::pin(start(&store, request).unwrap().answers());
        assert_eq!(drain(&mut answers).await, ["", "CREATED a"]);
    }

    #[tokio::test]
    async fn aggregated_answers_hold_many_events() {
        let store = store();
        put(&store, "a", "x");
        put(&store, "b", "x");
        let options = pb::WatchOptions { bootstrap_contents: true, aggregated: true, ..Default::default() };
        let mut answers = Box::pin(start(&store, request(options)).unwrap().answers());
        assert_eq!(drain(&mut answers).await, ["", "CREATED a, CREATED b, BOOTSTRAPPED"]);
        put(&store, "a", "y");
        put(&store, "b", "y");
        assert_eq!(drain(&mut answers).await, ["UPDATED a, UPDATED b"]);
    }

    #[tokio::test]
    async fn objects_enter_and_leave_a_query() {
        let store = store();
        put(&store, "a", "x");
        let term = pb::LabelTerm { key: "y".into(), ..Default::default() };
        let options =
            pb::WatchOptions { label_query: vec![pb::LabelQuery { terms: vec![term] }], ..Default::default() };
        let mut answers = Box::pin(start(&store, request(options)).unwrap().answers());
        put(&store, "a", "z");
        put(&store, "a", "y");
        put(&store, "a", "x");
        assert_eq!(drain(&mut answers).await, ["", "CREATED a", "DESTROYED a"]);
    }

    #[tokio::test]
    async fn one_object() {
        let store = store();
        put(&store, "a", "x");
        let one = |id: &str| pb::WatchRequest { id: Some(id.into()), ..request(pb::WatchOptions::default()) };
        let mut there = Box::pin(start(&store, one("a")).unwrap().answers());
        let mut missing = Box::pin(start(&store, one("b")).unwrap().answers());
        assert_eq!(drain(&mut there).await, ["", "CREATED a"]);
        assert_eq!(drain(&mut missing).await, ["", "DESTROYED b"]);
        put(&store, "b", "x");
        assert!(drain(&mut there).await.is_empty());
        assert_eq!(drain(&mut missing).await, ["CREATED b"]);
    }

    #[tokio::test]
    async fn bookmarks_continue_a_watch() {
        let store = store();
        put(&store, "a", "x");
        let options = pb::WatchOptions { bootstrap_bookmark: true, ..Default::default() };
        let mut answers = Box::pin(start(&store, request(options)).unwrap().answers());
        answers.next().await.unwrap().unwrap();
        let noop = answers.next().await.unwrap().unwrap().event.remove(0);
        assert_eq!(noop.event_type(), EventType::Noop);
        put(&store, "b", "x");
        let from = |bookmark| request(pb::WatchOptions { start_from_bookmark: Some(bookmark), ..Default::default() });
        let mut resumed = Box::pin(start(&store, from(noop.bookmark.unwrap())).unwrap().answers());
        assert_eq!(drain(&mut resumed).await, ["", "CREATED b"]);
        let stale = start(&store, from(vec![0; 16])).err().unwrap();
        assert_eq!(stale.code(), tonic::Code::FailedPrecondition);
    }

    #[test]
    fn what_cannot_be_watched() {
        let store = store();
        let single = |options| pb::WatchRequest { id: Some("a".into()), ..request(options) };
        for request in [
            request(pb::WatchOptions { tail_events: 1, ..Default::default() }),
            single(pb::WatchOptions { bootstrap_contents: true, ..Default::default() }),
            single(pb::WatchOptions { label_query: vec![pb::LabelQuery::default()], ..Default::default() }),
        ] {
            assert_eq!(start(&store, request).err().unwrap().code(), tonic::Code::Unimplemented);
        }
    }
}
