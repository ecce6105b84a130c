//! Events of objects, in order, for as long as they are kept.

use super::Store;
use crate::object::{Key, Object};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How many events a slow reader may be behind.
const REMEMBERED: usize = 1 << 14;

/// One write.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which write it was; they are counted from 1.
    pub revision: u64,
    /// The object.
    pub key: Key,
    /// What it was; none when it is new.
    pub old: Option<Arc<Object>>,
    /// What it is; none when it is gone.
    pub new: Option<Arc<Object>>,
    /// What continues after this event.
    pub bookmark: Vec<u8>,
}

/// The events after some point are not remembered any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid bookmark: the events after it are not known any more")]
pub struct Stale;

pub(super) struct Events {
    /// Tells bookmarks of this server from those of an earlier one.
    epoch: u64,
    remembered: VecDeque<Arc<Event>>,
    last: watch::Sender<u64>,
}

impl Events {
    pub(super) fn new(now: Duration) -> Self {
        let epoch = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        Self { epoch, remembered: VecDeque::new(), last: watch::Sender::new(0) }
    }

    pub(super) fn revision(&self) -> u64 {
        *self.last.borrow()
    }

    pub(super) fn push(&mut self, key: &Key, old: Option<Arc<Object>>, new: Option<Arc<Object>>) {
        let revision = self.revision() + 1;
        if self.remembered.len() == REMEMBERED {
            self.remembered.pop_front();
        }
        let bookmark = self.bookmark(revision);
        self.remembered.push_back(Arc::new(Event { revision, key: key.clone(), old, new, bookmark }));
        self.last.send_replace(revision);
    }

    /// Whether any write after this one passes the test; so it does when it is too long ago to tell.
    pub(super) fn any_since(&self, revision: u64, test: impl Fn(&Event) -> bool) -> bool {
        match (revision + 1).checked_sub(self.first()).map(usize::try_from) {
            Some(Ok(index)) => self.remembered.range(index.min(self.remembered.len())..).any(|event| test(event)),
            _ => true,
        }
    }

    pub(super) fn subscribe(&self, store: Store) -> Subscription {
        self.after(store, self.revision())
    }

    pub(super) fn resume(&self, store: Store, bookmark: &[u8]) -> Result<Subscription, Stale> {
        let (epoch, revision) = bookmark.split_at_checked(8).ok_or(Stale)?;
        let revision = u64::from_be_bytes(revision.try_into().map_err(|_| Stale)?);
        if epoch != self.epoch.to_be_bytes() || revision > self.revision() || revision + 1 < self.first() {
            return Err(Stale);
        }
        Ok(self.after(store, revision))
    }

    fn after(&self, store: Store, seen: u64) -> Subscription {
        Subscription { store, seen, last: self.last.subscribe(), bookmark: self.bookmark(seen) }
    }

    fn first(&self) -> u64 {
        self.remembered.front().map_or_else(|| self.revision() + 1, |e| e.revision)
    }

    fn bookmark(&self, revision: u64) -> Vec<u8> {
        [self.epoch.to_be_bytes(), revision.to_be_bytes()].concat()
    }

    fn following(&self, seen: u64) -> Result<Option<Arc<Event>>, Stale> {
        if seen == self.revision() {
            return Ok(None);
        }
        let index = (seen + 1).checked_sub(self.first()).ok_or(Stale)?;
        let index = usize::try_from(index).map_err(|_| Stale)?;
        Ok(self.remembered.get(index).cloned())
    }
}

/// A place in the order of events.
pub struct Subscription {
    store: Store,
    seen: u64,
    last: watch::Receiver<u64>,
    bookmark: Vec<u8>,
}

impl Subscription {
    /// The next event, once there is one.
    ///
    /// # Errors
    /// When this reader was so slow that it has missed some.
    pub async fn next(&mut self) -> Result<Arc<Event>, Stale> {
        loop {
            if let Some(event) = self.try_next()? {
                return Ok(event);
            }
            // The store holds the sender, and we hold the store.
            self.last.changed().await.map_err(|_| Stale)?;
        }
    }

    /// The next event, if it has happened.
    ///
    /// # Errors
    /// When this reader was so slow that it has missed some.
    pub fn try_next(&mut self) -> Result<Option<Arc<Event>>, Stale> {
        // Marked first, so that a write after the look below wakes the wait.
        self.last.mark_unchanged();
        let event = self.store.lock().events.following(self.seen)?;
        if let Some(event) = &event {
            self.seen = event.revision;
            self.bookmark.clone_from(&event.bookmark);
        }
        Ok(event)
    }

    /// What continues after the last event that was read.
    #[must_use]
    pub fn bookmark(&self) -> &[u8] {
        &self.bookmark
    }
}
