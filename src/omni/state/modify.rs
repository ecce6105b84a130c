//! Read-modify-write with optimistic concurrency: after a conflict it retries from a read that reflects every write.

use super::client::lag_delays;
use super::{Key, Phase, Resource};
use crate::omni::client::Client;
use crate::omni::{Call, Error, ErrorKind};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::time::Duration;

/// An error that may be a conflict with another write.
pub(crate) trait MayConflict: From<Error> {
    /// Whether it is one.
    fn is_conflict(&self) -> bool;
}

impl MayConflict for Error {
    fn is_conflict(&self) -> bool {
        self.is(ErrorKind::Conflict)
    }
}

/// The object that an attempt starts from.
pub(crate) struct Current {
    /// The object, or why it could not be read.
    pub(crate) read: Result<Resource, Error>,
    /// Whether there was a conflict before.
    pub(crate) is_again: bool,
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
    /// Makes `attempt` on the current object, and again after each conflict.
    ///
    /// The first read may come from a cache; after a conflict the object is read past all caches,
    /// so that a conflict with the client's own earlier write is not taken for somebody else's.
    /// Pauses grow, and after about ten seconds the last conflict is the error.
    ///
    /// # Errors
    /// Those of `attempt`; or when the call ends in a pause.
    pub(crate) async fn retry_conflicts<'a, T, E: MayConflict>(
        &self,
        call: &Call,
        key: &Key,
        attempt: impl FnMut(Current) -> BoxFuture<'a, Result<T, E>> + Send,
    ) -> Result<T, E> {
        let current = |is_again| {
            async move {
                let read = match is_again {
                    true => self.get_fresh(call, key).await.transpose(),
                    false => None,
                };
                // An object that is gone is asked for again, for the error of the server.
                let read = match read {
                    Some(read) => read,
                    None => self.get(call, key).await,
                };
                Current { read, is_again }
            }
            .boxed()
        };
        self.repeat_on_conflict(call, &format!("the write of `{key}`"), lag_delays(), current, attempt).await
    }

    /// Makes `attempt` on what `prepare` gives, and both again after each conflict; `prepare` is told whether there was one before.
    /// `delays` are the pauses in between; after the last one the conflict is the error. `what` names it all in messages.
    ///
    /// # Errors
    /// Those of `attempt`; or when the call ends in a pause.
    pub(super) async fn repeat_on_conflict<'p, 'a, P, T, E: MayConflict>(
        &self,
        call: &Call,
        what: &str,
        mut delays: impl Iterator<Item = Duration> + Send,
        prepare: impl Fn(bool) -> BoxFuture<'p, P> + Send,
        mut attempt: impl FnMut(P) -> BoxFuture<'a, Result<T, E>> + Send,
    ) -> Result<T, E> {
        let mut is_again = false;
        loop {
            let error = match attempt(prepare(is_again).await).await {
                Err(error) if error.is_conflict() => error,
                end => return end,
            };
            let Some(delay) = delays.next() else { return Err(error) };
            self.sleep(call, delay, what).await?;
            is_again = true;
        }
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
        self.retry_conflicts(call, key, |current| {
            let edited = current.read.and_then(|current| {
                let mut next = current.clone();
                edit(&mut next).map(|()| (current, next))
            });
            async move {
                // Nothing was sent in this attempt, and a conflict says that nothing was written before.
                let (current, next) = edited.map_err(|error| error.settled(false))?;
                if next == current {
                    return Ok(Modified::Unchanged(current));
                }
                self.update(call, next, expected_phase).await.map(Modified::Written)
            }
            .boxed()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::testing::{Fault, Pair, cluster, key, minute, pair};
    use omni_proto::cosi::resource as pb;
    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;

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
    async fn what_could_not_be_read_was_not_written() {
        let pair = pair();
        let late = Call::within(Duration::ZERO, &CancellationToken::new());
        let error = pair.client.modify(&late, &key(), None, label).await.unwrap_err();
        assert!(error.is(ErrorKind::Timeout) && !error.may_have_happened(), "{error}");
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
