//! The recent writes of this client, for reads that reflect them.
//! Omni reads from a cache that lags behind its writes, so a read may return an older version.

use super::{Key, Resource};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a read may lag behind a write; after that the read counts.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);
const LIMIT: usize = 4096;

/// The expected result of a read after a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// An object of this version.
    Version(u64),
    /// No object.
    Gone,
}

/// A write of this client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) left: Expect,
    pub(crate) at: Instant,
}

impl Write {
    /// Whether a response is older than the write.
    pub(crate) fn is_stale(&self, answer: Option<&Resource>) -> bool {
        match (self.left, answer) {
            (Expect::Version(_), None) => true,
            (Expect::Version(version), Some(resource)) => resource.metadata.version.is_some_and(|v| v < version),
            (Expect::Gone, answer) => answer.is_some(),
        }
    }

    /// Until when reads may lag behind.
    pub(crate) fn until(&self) -> Instant {
        self.at + WINDOW
    }
}

/// The last writes, by object.
#[derive(Default)]
pub(crate) struct RecentWrites(Mutex<HashMap<Key, Write>>);

impl RecentWrites {
    /// Notes a write.
    pub(crate) fn note(&self, key: &Key, left: Expect) {
        let now = Instant::now();
        let mut writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if writes.len() >= LIMIT && !writes.contains_key(key) {
            writes.retain(|_, write| write.until() > now);
            if writes.len() >= LIMIT {
                let oldest = writes.iter().min_by_key(|(_, write)| write.at).map(|(key, _)| key.clone());
                oldest.and_then(|key| writes.remove(&key));
            }
        }
        writes.insert(key.clone(), Write { left, at: now });
    }

    /// Notes what a write returned.
    pub(crate) fn note_version(&self, resource: &Resource) {
        if let Some(version) = resource.metadata.version {
            self.note(&resource.key, Expect::Version(version));
        }
    }

    /// The last write to an object, unless it was long ago.
    pub(crate) fn get(&self, key: &Key) -> Option<Write> {
        let mut writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let write = *writes.get(key)?;
        if write.until() <= Instant::now() {
            writes.remove(key);
            return None;
        }
        Some(write)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec::{Spec, resource};
    use omni_proto::specs::ClusterSpec;

    fn at(version: u64) -> Resource {
        let mut r = resource("x", &ClusterSpec::default());
        r.metadata.version = Some(version);
        r
    }

    #[tokio::test(start_paused = true)]
    async fn is_forgotten_in_time() {
        let recent = RecentWrites::default();
        recent.note_version(&at(3));
        let key = at(3).key;
        assert_eq!(recent.get(&key).unwrap().left, Expect::Version(3));
        tokio::time::advance(WINDOW).await;
        assert!(recent.get(&key).is_none());
        assert_eq!(recent.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn stays_small() {
        let recent = RecentWrites::default();
        for i in 0..LIMIT + 10 {
            recent.note(&ClusterSpec::KIND.key(i.to_string()), Expect::Gone);
            tokio::time::advance(Duration::from_micros(1)).await;
        }
        assert_eq!(recent.len(), LIMIT);
        assert!(recent.get(&ClusterSpec::KIND.key("0")).is_none());
        assert!(recent.get(&ClusterSpec::KIND.key((LIMIT + 9).to_string())).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn older_answers() {
        let version = Write { left: Expect::Version(3), at: Instant::now() };
        let gone = Write { left: Expect::Gone, at: Instant::now() };
        for (write, answer, outdated) in [
            (version, None, true),
            (version, Some(at(2)), true),
            (version, Some(at(3)), false),
            (version, Some(at(4)), false),
            (gone, None, false),
            (gone, Some(at(1)), true),
        ] {
            assert_eq!(write.is_stale(answer.as_ref()), outdated, "{write:?} {answer:?}");
        }
    }
}
