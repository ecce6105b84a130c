//! The audit log: what was changed, by which identity and when, one JSON object per line.
//! The store reports every write to it, and RPCs report other events.

mod date;
mod filter;
mod session;
mod subject;

pub use filter::{Filter, Order};
pub use session::Session;

use super::object::{Key, Object};
use super::store::Observer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use subject::Change;
use tokio::sync::watch;

/// How many events are at hand; a server that runs for days has no more than these.
const KEPT: usize = 100_000;

/// The file within the data folder.
pub(super) const FILE: &str = "audit-log";

/// The audit log of one server; clones share it.
#[derive(Clone)]
pub struct AuditLog(Arc<Inner>);

struct Inner {
    events: Mutex<Events>,
    last: watch::Sender<i64>,
}

#[derive(Default)]
struct Events {
    entries: VecDeque<Arc<Entry>>,
    file: Option<File>,
}

/// One event and its place in the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counted from 1.
    pub id: i64,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `create`, `update`, `teardown`, `destroy`, `talos_access` …
    pub event_type: String,
    /// The type of the object; none for an access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The id of the object; none for an access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// Milliseconds since 1970.
    #[serde(rename = "event_ts")]
    pub millis: i64,
    /// A description of the object, and whose work it was.
    #[serde(rename = "event_data")]
    pub data: Value,
}

impl Event {
    /// The identity of who did it; empty when the server itself did.
    #[must_use]
    pub fn actor(&self) -> &str {
        self.data.get("session").and_then(|session| session.get("email")).and_then(Value::as_str).unwrap_or_default()
    }

    /// The cluster that it is about; empty when it is about none.
    #[must_use]
    pub fn cluster(&self) -> &str {
        subject::cluster(&self.data).unwrap_or_default()
    }

    /// The line of the log, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        // Maps with text for keys can always be written.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

impl Default for AuditLog {
    fn default() -> Self {
        Self(Arc::new(Inner { events: Mutex::default(), last: watch::Sender::new(0) }))
    }
}

impl AuditLog {
    /// The log of a server; one that keeps its state in a folder keeps its log there too.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn open(folder: Option<&Path>) -> io::Result<Self> {
        let log = Self::default();
        if let Some(folder) = folder {
            let path = folder.join(FILE);
            let mut options = OpenOptions::new();
            options.read(true).append(true).create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(path)?;
            // A line that a crash cut short, or that somebody wrote by hand, is no event.
            let lines = BufReader::new(&file).lines().map_while(Result::ok);
            for event in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                log.push(event);
            }
            log.lock().file = Some(file);
        }
        Ok(log)
    }

    /// Notes an access that changes no object: `member` describes it under `name`, which is also its kind.
    pub fn access(&self, now: Duration, name: &str, member: Value) {
        self.push(event(now, name, None, Some((name, member)), &Session::current()));
    }

    /// The events that fit, in the order that is asked for.
    #[must_use]
    pub fn read(&self, filter: &Filter) -> Vec<Arc<Entry>> {
        let found = self.lock().entries.iter().filter(|entry| filter.fits(&entry.event)).cloned().collect();
        filter.sorted(found)
    }

    /// The id before the first event of this time or later; the id of the last one when there is none.
    #[must_use]
    pub fn before(&self, millis: i64) -> i64 {
        let events = self.lock();
        let first = events.entries.iter().find(|entry| entry.event.millis >= millis).map(|entry| entry.id - 1);
        first.unwrap_or_else(|| events.last())
    }

    /// The id of the last event; 0 before the first.
    #[must_use]
    pub fn last(&self) -> i64 {
        self.lock().last()
    }

    /// What comes after an id, now and later.
    #[must_use]
    pub fn follow(&self, after: i64) -> Follower {
        Follower { log: self.clone(), after, changed: self.0.last.subscribe() }
    }

    fn push(&self, event: Event) {
        let mut events = self.lock();
        let id = events.last() + 1;
        if let Some(file) = &mut events.file
            && let Err(error) = file.write_all(event.line().as_bytes())
        {
            tracing::warn!(%error, "the audit log cannot be kept");
        }
        if events.entries.len() == KEPT {
            events.entries.pop_front();
        }
        events.entries.push_back(Arc::new(Entry { id, event }));
        self.0.last.send_replace(id);
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events {
    fn last(&self) -> i64 {
        self.entries.back().map_or(0, |entry| entry.id)
    }
}

impl Observer for AuditLog {
    fn saw(&self, now: Duration, key: &Key, old: Option<&Object>, new: Option<&Object>) {
        let change = Change::of(old, new);
        let session = Session::current();
        let Some(object) = new.or(old) else { return };
        if subject::is_noted(&key.kind, change, !session.email.is_empty()) {
            self.push(event(now, change.name(), Some(key), subject::describe(object, change), &session));
        }
    }
}

fn event(now: Duration, name: &str, key: Option<&Key>, member: Option<(&str, Value)>, session: &Session) -> Event {
    let mut data = Map::new();
    if let Some((name, value)) = member {
        data.insert(name.to_owned(), value);
    }
    data.insert("session".to_owned(), serde_json::to_value(session).unwrap_or_default());
    Event {
        event_type: name.to_owned(),
        resource_type: key.map(|key| key.kind.clone()),
        resource_id: key.map(|key| key.id.clone()),
        millis: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
        data: Value::Object(data),
    }
}

/// Reads on as events happen.
pub struct Follower {
    log: AuditLog,
    after: i64,
    changed: watch::Receiver<i64>,
}

impl Follower {
    /// The next event, once there is one.
    pub async fn next(&mut self) -> Option<Arc<Entry>> {
        loop {
            // Marked first, so that an event after the look below wakes the wait.
            self.changed.mark_unchanged();
            let entry = {
                let events = self.log.lock();
                // The ids follow one another, so the place of the next one is known.
                let first = events.entries.front().map_or(1, |entry| entry.id);
                let index = usize::try_from((self.after + 1 - first).max(0)).unwrap_or(usize::MAX);
                events.entries.get(index).cloned()
            };
            if let Some(entry) = entry {
                self.after = entry.id;
                return Some(entry);
            }
            self.changed.changed().await.ok()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Caller;
    use crate::kinds::{self, Role};
    use crate::names::kind;
    use crate::store::Store;
    use kit::clock::TestClock;
    use omni_proto::specs::{ClusterSpec, MachineSpec};
    use prost::Message;

    fn caller() -> Session {
        let caller = Caller { identity: "me@example.org".into(), user: "u1".into(), role: Role::Operator };
        let mut headers = http::HeaderMap::new();
        headers.insert("user-agent", "omnictl".parse().unwrap());
        headers.insert("x-sidero-signature", "siderov1 me@example.org abcd c2ln".parse().unwrap());
        Session::of(&caller, &headers)
    }

    fn store(log: &AuditLog) -> Store {
        let store = Store::new(Arc::new(TestClock::at(1_790_000_000)));
        store.tell(Arc::new(log.clone()));
        store
    }

    fn spec(version: &str) -> Vec<u8> {
        ClusterSpec { talos_version: version.into(), ..Default::default() }.encode_to_vec()
    }

    fn types(log: &AuditLog) -> Vec<String> {
        log.read(&Filter::default()).iter().map(|entry| entry.event.event_type.clone()).collect()
    }

    #[tokio::test]
    async fn a_caller_s_writes_are_noted_with_the_caller() {
        let log = AuditLog::default();
        let store = store(&log);
        let key = kinds::key(kind::CLUSTER, "prod");
        caller()
            .scope(async {
                store.put("", &key, |object| object.spec = spec("1.13.0"));
                store.put("", &key, |object| object.spec = spec("1.13.8"));
                store.teardown(&key);
                store.remove(&key);
            })
            .await;
        assert_eq!(types(&log), ["create", "update", "teardown", "destroy"]);
        assert_eq!(
            log.read(&Filter::default())[0].event.line(),
            "{\"event_type\":\"create\",\"resource_type\":\"Clusters.omni.sidero.dev\",\"resource_id\":\"prod\",\
             \"event_ts\":1790000000000,\"event_data\":{\"cluster\":{\"id\":\"prod\",\"talos_version\":\"1.13.0\"},\
             \"session\":{\"email\":\"me@example.org\",\"fingerprint\":\"abcd\",\"role\":\"Operator\",\
             \"user_agent\":\"omnictl\",\"user_id\":\"u1\"}}}\n"
        );
    }

    #[test]
    fn the_server_s_own_bookkeeping_is_not_noted() {
        let log = AuditLog::default();
        let store = store(&log);
        let cluster = kinds::key(kind::CLUSTER, "prod");
        store.put("", &cluster, |_| {});
        store.add_finalizer(&cluster, "ClusterController");
        store.put("", &kinds::key(kind::CLUSTER_STATUS, "prod"), |_| {});
        let machine = kinds::key(kind::MACHINE, "m");
        store.put("", &machine, |_| {});
        store.put("", &machine, |o| o.spec = MachineSpec { connected: true, ..Default::default() }.encode_to_vec());
        let noted = log.read(&Filter::default());
        let noted: Vec<_> = noted.iter().map(|e| (e.event.resource_id.as_deref().unwrap(), e.event.actor())).collect();
        assert_eq!(noted, [("prod", ""), ("m", "")]);
    }

    #[test]
    fn a_kept_log_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let log = AuditLog::open(Some(folder.path())).unwrap();
        store(&log).put("", &kinds::key(kind::CLUSTER, "prod"), |_| {});
        let mut file = OpenOptions::new().append(true).open(folder.path().join(FILE)).unwrap();
        file.write_all(b"{\"event_ty\n").unwrap();
        let again = AuditLog::open(Some(folder.path())).unwrap();
        assert_eq!(again.read(&Filter::default()), log.read(&Filter::default()));
        again.access(Duration::from_secs(1), "talos_access", Value::Null);
        assert_eq!(again.last(), 2);
    }

    #[tokio::test]
    async fn followers_miss_nothing() {
        let log = AuditLog::default();
        let mut follower = log.follow(0);
        for _ in 0..3 {
            log.access(Duration::from_secs(1), "talos_access", Value::Null);
        }
        for id in 1..=3 {
            assert_eq!(follower.next().await.unwrap().id, id);
        }
        let waiting = tokio::spawn(async move { follower.next().await.unwrap().id });
        log.access(Duration::from_secs(2), "talos_access", Value::Null);
        assert_eq!(waiting.await.unwrap(), 4);
        assert_eq!((log.before(2000), log.before(1000), log.before(9000)), (3, 0, 4));
    }
}
