//! Deletion of objects: teardown, waiting for finalizers, destroy.
//! At each step, an object that does not exist is a success.

use super::client::lag_delays;
use super::modify::MayConflict;
use super::recent_writes::Expect;
use super::unseen::Unseen;
use super::watch::Event;
use super::{Key, Phase};
use crate::omni::call::Call;
use crate::omni::client::Client;
use crate::omni::error::{Error, ErrorKind};
use crate::omni::retry::Idempotency;
use crate::omni::status::{About, Failure, Op};
use futures_util::FutureExt as _;
use omni_proto::cosi::resource as pb;
use std::sync::atomic::Ordering;

const DESTROY: &str = "/cosi.resource.State/Destroy";
const TEARDOWN: &str = "/cosi.resource.State/Teardown";
const TEARDOWN_AND_DESTROY: &str = "/cosi.resource.State/TeardownAndDestroy";

/// Why an object could not be destroyed; a conflict when something holds it that may let it go:
/// a controller that came back, or a cache of the server that is behind.
struct Held(Error);

impl Held {
    fn is(error: &Error) -> bool {
        error.is(ErrorKind::Finalizers) || error.is_conflict()
    }
}

impl From<Error> for Held {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl MayConflict for Held {
    fn is_conflict(&self) -> bool {
        Self::is(&self.0)
    }
}

impl Client {
    /// Tears an object down; true if it has no finalizers.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; or when the server refuses or does not respond.
    pub async fn teardown(&self, call: &Call, key: &Key) -> Result<bool, Error> {
        if !self.inner.no_teardown.load(Ordering::Relaxed) {
            let message = pb::TeardownRequest {
                namespace: key.kind.namespace.to_owned(),
                r#type: key.kind.name.to_owned(),
                id: key.id.clone(),
                options: Some(pb::TeardownOptions::default()),
            };
            let op = Op { method: TEARDOWN, about: About::Object(key) };
            let answer = self
                .remove_once(call, &op, key, || {
                    let mut service = self.state();
                    let request = message.clone();
                    async move { service.teardown(request).await.map(|answer| answer.into_inner().destroy_ready) }
                })
                .await;
            match answer {
                Err(e) if e.is(ErrorKind::Unimplemented) => self.inner.no_teardown.store(true, Ordering::Relaxed),
                answer => return answer.map(|ready| ready.unwrap_or(true)),
            }
        }
        self.teardown_by_update(call, key).await
    }

    /// [`Client::teardown`] on servers without that RPC.
    async fn teardown_by_update(&self, call: &Call, key: &Key) -> Result<bool, Error> {
        self.retry_conflicts(call, key, |current| {
            async move {
                let mut object = match current.read {
                    Err(e) if e.is(ErrorKind::NotFound) && current.is_again => return Ok(true),
                    read => read?,
                };
                if object.metadata.phase != Phase::TearingDown {
                    object.metadata.phase = Phase::TearingDown;
                    // A controller may be faster.
                    object = self.update(call, object, None).await?;
                }
                Ok(object.metadata.finalizers.is_empty())
            }
            .boxed()
        })
        .await
    }

    /// Destroys an object without finalizers. It does not tear the object down: see [`Client::remove`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; [`ErrorKind::Finalizers`] when controllers still hold on to it;
    /// or when the server refuses or does not respond.
    pub async fn destroy(&self, call: &Call, key: &Key) -> Result<(), Error> {
        let message = pb::DestroyRequest {
            namespace: key.kind.namespace.to_owned(),
            r#type: key.kind.name.to_owned(),
            id: key.id.clone(),
            options: Some(pb::DestroyOptions::default()),
        };
        let op = Op { method: DESTROY, about: About::Object(key) };
        self.remove_once(call, &op, key, || {
            let mut service = self.state();
            let request = message.clone();
            async move { service.destroy(request).await.map(|_| ()) }
        })
        .await?;
        self.inner.recent.note(key, Expect::Gone);
        Ok(())
    }

    /// Tears down and deletes in one call, which the server answers when the object is gone.
    /// On servers without that call, and when its answer gets lost, this is [`Client::remove`].
    ///
    /// # Errors
    /// As for [`Client::remove`].
    pub async fn teardown_and_destroy(&self, call: &Call, key: &Key) -> Result<(), Error> {
        let message = pb::TeardownAndDestroyRequest {
            namespace: key.kind.namespace.to_owned(),
            r#type: key.kind.name.to_owned(),
            id: key.id.clone(),
            options: Some(pb::TeardownAndDestroyOptions::default()),
        };
        if !self.inner.no_teardown.load(Ordering::Relaxed) {
            let op = Op { method: TEARDOWN_AND_DESTROY, about: About::Object(key) };
            let answer = self
                .run_within(call, &op, Idempotency::AtMostOnce, None, || {
                    let mut service = self.state();
                    let request = message.clone();
                    async move { service.teardown_and_destroy(request).await.map(|_| ()) }
                })
                .await;
            match answer {
                Ok(()) => {
                    self.inner.recent.note(key, Expect::Gone);
                    return Ok(());
                }
                // The limits of the operation are those of the long way too.
                Err(Failure { error, .. }) if error.is(ErrorKind::Timeout) || error.is(ErrorKind::Cancelled) => {
                    return Err(error);
                }
                // A cache may hide the object; the long way looks behind it.
                Err(Failure { error, .. })
                    if error.may_have_happened()
                        || error.is(ErrorKind::Unimplemented)
                        || error.is(ErrorKind::NotFound) => {}
                Err(failure) => return Err(failure.error),
            }
        }
        self.remove(call, key).await
    }

    /// Deletes an object: tears it down, waits until it has no finalizers, and destroys it.
    /// Every server removes some types by itself at the end; the deletion is sent all the same.
    ///
    /// # Errors
    /// [`Error::Stuck`] with the finalizers that are left when the deadline passes;
    /// or when the server refuses or does not respond.
    pub async fn remove(&self, call: &Call, key: &Key) -> Result<(), Error> {
        let mut delays = lag_delays();
        let ready = loop {
            match self.teardown(call, key).await {
                Ok(ready) => break ready,
                Err(e) if e.is(ErrorKind::NotFound) => {}
                Err(e) => return Err(e),
            }
            // The server looks for it in a cache, which may be behind.
            if self.get_fresh(call, key).await?.is_none() {
                self.inner.recent.note(key, Expect::Gone);
                return Ok(());
            }
            match delays.next() {
                Some(delay) => self.sleep(call, delay, &format!("Omni to find `{key}`")).await?,
                None => return self.teardown(call, key).await.map(|_| ()),
            }
        };
        if ready {
            match self.destroy(call, key).await {
                Err(e) if e.is(ErrorKind::NotFound) => {
                    self.inner.recent.note(key, Expect::Gone);
                    return Ok(());
                }
                Err(e) if Held::is(&e) => {}
                result => return result,
            }
        }
        self.finish_removal(call, key).await
    }

    /// Waits until an object that is being torn down has no finalizers, and destroys it; again when something holds it after all.
    pub(crate) async fn finish_removal(&self, call: &Call, key: &Key) -> Result<(), Error> {
        let ready = |_| self.without_finalizers(call, key).boxed();
        let destroy = |ready: Result<bool, Error>| {
            async move {
                if !ready? {
                    return Ok(());
                }
                match self.destroy(call, key).await {
                    Err(e) if e.is(ErrorKind::NotFound) => {
                        self.inner.recent.note(key, Expect::Gone);
                        Ok(())
                    }
                    result => Ok(result?),
                }
            }
            .boxed()
        };
        let what = format!("the removal of `{key}`");
        let end: Result<(), Held> =
            self.repeat_on_conflict(call, &what, self.inner.retry.endless(), ready, destroy).await;
        end.map_err(|Held(error)| error)
    }

    /// Waits until an object that is being torn down has no finalizers; says whether it has to be destroyed then.
    async fn without_finalizers(&self, call: &Call, key: &Key) -> Result<bool, Error> {
        let mut left = Vec::new();
        let mut watch = self.watch(call, key).await?;
        loop {
            match watch.next().await {
                Ok(Event::Gone(_)) => {
                    self.inner.recent.note(key, Expect::Gone);
                    return Ok(false);
                }
                // Ours is gone, and somebody has made another one.
                Ok(Event::Present(found)) if found.metadata.phase == Phase::Running => return Ok(false),
                Ok(Event::Present(found)) => {
                    left = found.metadata.finalizers;
                    if left.is_empty() {
                        return Ok(true);
                    }
                }
                Ok(Event::Bootstrapped) => {}
                Err(error) if error.is(ErrorKind::Timeout) && !left.is_empty() => {
                    return Err(Error::Stuck { key: key.clone(), finalizers: left, after: call.limit });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a call that takes an object away; `None` when the answer got lost and the object turned out to be gone.
    async fn remove_once<T, F, Fut>(&self, call: &Call, op: &Op<'_>, key: &Key, mut send: F) -> Result<Option<T>, Error>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, tonic::Status>>,
    {
        let write = self.inner.recent.get(key);
        let mut delays = self.inner.retry.delays();
        let mut lag = lag_delays();
        let mut lost = false;
        loop {
            let error = match self.run(call, op, Idempotency::AtMostOnce, &mut send).await {
                Ok(value) => return Ok(Some(value)),
                // An object that has come since then is not the one that was to go.
                Err(failure) => match self.seen_through(call, key, failure.error).await {
                    Unseen::Settled(error) | Unseen::There(error) => error,
                },
            };
            let delay = if error.is(ErrorKind::NotFound) {
                if lost {
                    return Ok(None);
                }
                if !self.still_hidden(write) {
                    return Err(error);
                }
                // Either the server's cache is behind, or the server removed the object by itself.
                match self.get_fresh(call, key).await {
                    Ok(None) => return Err(error),
                    _ => lag.next(),
                }
            } else if error.may_have_happened() {
                lost = true;
                match self.get_fresh(call, key).await {
                    Ok(None) => return Ok(None),
                    // Deleting a running object a second time could hit one that somebody has just made.
                    Ok(Some(found)) if op.method == DESTROY && found.metadata.phase == Phase::Running => None,
                    // A teardown may come twice, and a destroy of what is torn down.
                    Ok(Some(_)) => delays.next(),
                    // Who may not look can only ask again.
                    Err(unseen) if op.method == TEARDOWN || unseen.is(ErrorKind::Denied) => delays.next(),
                    Err(_) => None,
                }
            } else {
                return Err(error);
            };
            let Some(delay) = delay.filter(|delay| *delay < call.remaining()) else { return Err(error) };
            self.sleep(call, delay, &op.words()).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::testing::{Fault, Pair, cluster, key, minute, pair};
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;
    use tonic::Status;

    async fn with_object() -> Pair {
        let pair = pair();
        pair.client.create(&minute(), cluster("1.13.5")).await.unwrap();
        pair
    }

    fn finalizer(pair: &Pair, names: &[&str]) {
        pair.server.edit("prod", |metadata, _| metadata.finalizers = names.iter().map(|n| (*n).to_owned()).collect());
    }

    fn no_such_method(verb: &str) -> Fault {
        Fault::Refuse(Status::unimplemented(format!("unknown method {verb} for service cosi.resource.State")))
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_holds_on() {
        let pair = with_object().await;
        pair.client.remove(&minute(), &key()).await.unwrap();
        assert!(pair.server.stored("prod").is_none());
        assert_eq!(
            (pair.server.count("Teardown"), pair.server.count("Destroy"), pair.server.count("Watch")),
            (1, 1, 0)
        );
        // Again: what is not there is removed.
        pair.client.remove(&minute(), &key()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_controllers() {
        let pair = with_object().await;
        finalizer(&pair, &["A", "B"]);
        let controllers = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            finalizer(&pair, &["B"]);
            tokio::time::sleep(Duration::from_secs(3)).await;
            assert!(pair.server.stored("prod").is_some());
            finalizer(&pair, &[]);
        };
        let (call, key) = (minute(), key());
        let (result, ()) = tokio::join!(pair.client.remove(&call, &key), controllers);
        result.unwrap();
        assert!(pair.server.stored("prod").is_none());
        assert_eq!(pair.server.count("Destroy"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_deletes_by_itself() {
        let pair = with_object().await;
        finalizer(&pair, &["A"]);
        let controllers = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            pair.server.delete("prod");
        };
        let (call, key) = (minute(), key());
        let (result, ()) = tokio::join!(pair.client.remove(&call, &key), controllers);
        result.unwrap();
        assert_eq!(pair.server.count("Destroy"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn names_what_holds_on() {
        let pair = with_object().await;
        finalizer(&pair, &["A", "B"]);
        let call = Call::within(Duration::from_secs(20), &CancellationToken::new());
        match pair.client.remove(&call, &key()).await.unwrap_err() {
            Error::Stuck { key: of, finalizers, after } => {
                assert_eq!(of, key());
                assert_eq!(finalizers, ["A", "B"]);
                assert_eq!(after, Duration::from_secs(20));
            }
            other => panic!("{other:?}"),
        }
        assert!(pair.server.stored("prod").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn can_be_stopped() {
        let pair = with_object().await;
        finalizer(&pair, &["A"]);
        let cancel = CancellationToken::new();
        let call = Call::within(Duration::from_secs(600), &cancel);
        let stop = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cancel.cancel();
        };
        let key = key();
        let (result, ()) = tokio::join!(pair.client.remove(&call, &key), stop);
        assert!(result.unwrap_err().is(ErrorKind::Cancelled));
    }

    #[tokio::test(start_paused = true)]
    async fn servers_without_teardown() {
        let pair = with_object().await;
        finalizer(&pair, &["A"]);
        pair.server.fault("Teardown", no_such_method("Teardown"));
        // A controller writes in between once.
        pair.server.fault("Update", Fault::Refuse(Status::failed_precondition("update conflict: expected version")));
        assert!(!pair.client.teardown(&minute(), &key()).await.unwrap());
        let stored = pair.server.stored("prod").unwrap().metadata.unwrap();
        assert_eq!(stored.phase, "tearingDown");
        assert_eq!(stored.finalizers, ["A"]);
        assert_eq!(pair.server.count("Update"), 2);
        // The server is not asked for the call again, and what is torn down is not written again.
        assert!(!pair.client.teardown(&minute(), &key()).await.unwrap());
        assert_eq!(pair.server.count("Teardown"), 1);
        assert_eq!(pair.server.count("Update"), 2);
        finalizer(&pair, &[]);
        pair.client.teardown_and_destroy(&minute(), &key()).await.unwrap();
        assert!(pair.server.stored("prod").is_none());
        assert!(pair.client.teardown(&minute(), &key()).await.unwrap_err().is(ErrorKind::NotFound));
    }

    #[tokio::test(start_paused = true)]
    async fn servers_without_teardown_and_destroy() {
        // The server of these tests has no such call.
        let pair = with_object().await;
        pair.client.teardown_and_destroy(&minute(), &key()).await.unwrap();
        assert!(pair.server.stored("prod").is_none());
        assert_eq!(pair.server.count("Teardown"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn lost_answers() {
        let pair = with_object().await;
        pair.server.fault("Teardown", Fault::LoseAnswer);
        pair.server.fault("Destroy", Fault::LoseAnswer);
        pair.client.remove(&minute(), &key()).await.unwrap();
        assert!(pair.server.stored("prod").is_none());
        // It was gone, so it was not deleted twice.
        assert_eq!(pair.server.count("Destroy"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_deletion_does_not_hit_a_new_object() {
        let pair = with_object().await;
        let again = super::super::wire::encode(&pair.client.get(&minute(), &key()).await.unwrap());
        let made = |server: &crate::omni::testing::Fake| server.put(again, pb::EventType::Created);
        pair.server.fault("Destroy", Fault::Then(Box::new(made)));
        let error = pair.client.destroy(&minute(), &key()).await.unwrap_err();
        assert!(error.is(ErrorKind::Unavailable), "{error}");
        assert!(pair.server.stored("prod").is_some());
        assert_eq!(pair.server.count("Destroy"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn objects_that_the_server_does_not_find_yet() {
        let pair = with_object().await;
        // Made by another process a moment ago, so this client cannot know.
        tokio::time::advance(Duration::from_secs(20)).await;
        for _ in 0..2 {
            pair.server.fault("Teardown", Fault::Refuse(Status::not_found("doesn't exist")));
        }
        pair.client.remove(&minute(), &key()).await.unwrap();
        assert!(pair.server.stored("prod").is_none());
        assert_eq!(pair.server.count("Teardown"), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_controller_that_comes_back() {
        let pair = with_object().await;
        pair.server.fault("Destroy", Fault::Refuse(Status::failed_precondition("has pending finalizers &[A]")));
        pair.server.fault("Destroy", Fault::Refuse(Status::failed_precondition("has pending finalizers &[A]")));
        pair.client.remove(&minute(), &key()).await.unwrap();
        assert_eq!(pair.server.count("Destroy"), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_end_it() {
        let pair = with_object().await;
        let locked = "failed to validate: 1 error occurred:\n\t* deletion is not allowed: the cluster is locked\n\n";
        pair.server.fault("Teardown", Fault::Refuse(Status::invalid_argument(locked)));
        let error = pair.client.remove(&minute(), &key()).await.unwrap_err();
        assert!(error.is(ErrorKind::Validation), "{error}");
        assert_eq!(pair.server.count("Destroy"), 0);
    }
}
