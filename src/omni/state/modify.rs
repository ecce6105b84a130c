//! Read-modify-write with optimistic concurrency: after a conflict it retries from a read that reflects every write.

use super::client::lag_delays;
use super::{Key, Phase, Resource};
use crate::omni::client::Client;
use crate::omni::{Call, Error, ErrorKind};
use std::time::Duration;
use tokio::time::Instant;

/// The attempts of one update of an object.
///
/// The first read may come from a cache; after a conflict the object is read past all caches,
/// so that a conflict with the client's own earlier write is not taken for somebody else's.
/// Pauses grow, and after about ten seconds the last conflict is the error.
pub(crate) struct Attempts<'a> {
    client: &'a Client,
    call: &'a Call,
    key: Key,
    started: Instant,
    delays: Box<dyn Iterator<Item = Duration> + Send + Sync>,
    conflicts: u32,
}

impl Attempts<'_> {
    /// Reads the object.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; or when the server refuses or does not respond.
    pub(crate) async fn read(&self) -> Result<Resource, Error> {
        if self.conflicts == 0 {
            return self.client.get(self.call, &self.key).await;
        }
        match self.client.get_fresh(self.call, &self.key).await? {
            Some(found) => Ok(found),
            // For the error of the server.
            None => self.client.get(self.call, &self.key).await,
        }
    }

    /// Whether there was a conflict.
    pub(crate) fn lost_a_race(&self) -> bool {
        self.conflicts > 0
    }

    /// Handles the error of a write: after a conflict it pauses, and the caller retries.
    ///
    /// # Errors
    /// With `error` when it is no conflict, or there were too many of them; or when the call ends in the pause.
    pub(crate) async fn again(&mut self, error: Error) -> Result<(), Error> {
        if !error.is(ErrorKind::Conflict) {
            return Err(error);
        }
        self.conflicts += 1;
        let Some(delay) = self.delays.next() else { return Err(error) };
        self.client.sleep(self.call, delay, self.started, &format!("the write of `{}`", self.key)).await
    }
}

/// The result of an update.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Modified {
    /// It was written: the stored object.
    Written(Resource),
    /// Nothing was to write: the current object.
    Unchanged(Resource),
}

impl Modified {
    /// The object.
    pub(crate) fn into_resource(self) -> Resource {
        match self {
            Self::Written(resource) | Self::Unchanged(resource) => resource,
        }
    }
}

impl Client {
    /// The tries of a change of `key` that takes more than one call.
    pub(crate) fn attempts<'a>(&'a self, call: &'a Call, key: Key) -> Attempts<'a> {
        let delays = Box::new(lag_delays());
        Attempts { client: self, call, key, started: Instant::now(), delays, conflicts: 0 }
    }

    /// Updates an object: `edit` changes the current object in place, and is called again after each conflict.
    /// If `edit` changes nothing, nothing is written.
    ///
    /// # Errors
    /// Those of `edit`; [`ErrorKind::NotFound`] when there is no object; [`ErrorKind::Conflict`] when it changes all the time;
    /// or when the server refuses or does not respond.
    pub(crate) async fn modify(
        &self,
        call: &Call,
        key: &Key,
        expected_phase: Option<Phase>,
        mut edit: impl FnMut(&mut Resource) -> Result<(), Error> + Send,
    ) -> Result<Modified, Error> {
        let mut attempts = self.attempts(call, key.clone());
        loop {
            let current = attempts.read().await?;
            let mut next = current.clone();
            edit(&mut next)?;
            if next == current {
                return Ok(Modified::Unchanged(current));
            }
            match self.update(call, next, expected_phase).await {
                Ok(written) => return Ok(Modified::Written(written)),
                Err(error) => attempts.again(error).await?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::testing::{Fault, Pair, cluster, key, minute, pair};
    use omni_proto::cosi::resource as pb;

    fn label(resource: &mut Resource) -> Result<(), Error> {
        resource.metadata.labels.insert("ours".to_owned(), "1".to_owned());
        Ok(())
    }

    fn theirs(pair: &Pair) {
        pair.server.edit("prod", |metadata, _| {
            metadata.labels.insert("theirs".to_owned(), metadata.version.clone());
        });
    }

    fn labels(pair: &Pair) -> Vec<String> {
        pair.server.stored("prod").unwrap().metadata.unwrap().labels.into_keys().collect()
    }

    /// What a cache that is behind shows.
    fn stale(resource: &pb::Resource) -> Fault {
        Fault::Show(Some(Box::new(resource.clone())))
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_by_somebody_else_is_kept() {
        let pair = pair();
        pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        let before = pair.server.stored("prod").unwrap();
        theirs(&pair);
        pair.server.fault("Get", stale(&before));
        let modified = pair.client.modify(&minute(), &key(), Some(Phase::Running), label).await.unwrap();
        assert!(matches!(modified, Modified::Written(_)));
        let mut labels = labels(&pair);
        labels.sort();
        assert_eq!(labels, ["ours", "theirs"]);
        assert_eq!(pair.server.count("Update"), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn reads_that_stay_behind_do_not_matter_after_the_first_conflict() {
        let pair = pair();
        pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        let before = pair.server.stored("prod").unwrap();
        theirs(&pair);
        (0..20).for_each(|_| pair.server.fault("Get", stale(&before)));
        pair.client.modify(&minute(), &key(), Some(Phase::Running), label).await.unwrap();
        assert_eq!((pair.server.count("Get"), pair.server.count("Update")), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_so_already_is_not_written() {
        let pair = pair();
        let made = pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        let modified = pair.client.modify(&minute(), &key(), Some(Phase::Running), |_| Ok(())).await.unwrap();
        assert_eq!(modified, Modified::Unchanged(made));
        assert_eq!(pair.server.count("Update"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_that_never_rests_is_a_conflict_after_a_while() {
        let pair = pair();
        pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        let started = Instant::now();
        let edit = |resource: &mut Resource| {
            theirs(&pair);
            label(resource)
        };
        let error = pair.client.modify(&minute(), &key(), Some(Phase::Running), edit).await.unwrap_err();
        assert!(error.is(ErrorKind::Conflict), "{error}");
        assert!(pair.server.count("Update") > 5);
        let time = started.elapsed();
        assert!(time > Duration::from_secs(5) && time < Duration::from_secs(15), "{time:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn other_errors_end_it_at_once() {
        let pair = pair();
        let error = pair.client.modify(&minute(), &key(), None, label).await.unwrap_err();
        assert!(error.is(ErrorKind::NotFound), "{error}");
        pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        pair.server.fault("Update", Fault::Refuse(tonic::Status::permission_denied("no")));
        let error = pair.client.modify(&minute(), &key(), None, label).await.unwrap_err();
        assert!(error.is(ErrorKind::Denied), "{error}");
        assert_eq!(pair.server.count("Update"), 1);
    }
}
