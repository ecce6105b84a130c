//! Taking objects away: teardown, waiting for controllers, destruction.
//! At each step of a removal an object that is not there counts as success.

use super::client::lag_delays;
use super::recent::Left;
use super::watch::Event;
use super::{Key, Phase};
use crate::omni::call::Call;
use crate::omni::client::Client;
use crate::omni::error::{Class, Error};
use crate::omni::retry::Repeat;
use crate::omni::status::{About, Failure, Fate, Op};
use crate::pb::cosi::resource as pb;
use std::sync::atomic::Ordering;
use tokio::time::Instant;

const DESTROY: &str = "/cosi.resource.State/Destroy";
const TEARDOWN: &str = "/cosi.resource.State/Teardown";
const TEARDOWN_AND_DESTROY: &str = "/cosi.resource.State/TeardownAndDestroy";
/// How often a fallback that races with controllers is tried.
const RACES: usize = 10;

impl Client {
    /// Tells the controllers to let go of an object; true when none of them holds on to it.
    ///
    /// # Errors
    /// [`Class::NotFound`] when there is none; or when the server refuses, or does not answer.
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
                Err(e) if e.is(Class::Unimplemented) => self.inner.no_teardown.store(true, Ordering::Relaxed),
                answer => return answer.map(|ready| ready.unwrap_or(true)),
            }
        }
        self.teardown_by_update(call, key).await
    }

    /// What [`Client::teardown`] does on servers that have no call for it.
    async fn teardown_by_update(&self, call: &Call, key: &Key) -> Result<bool, Error> {
        let started = Instant::now();
        let mut current = self.get(call, key).await?;
        let mut delays = lag_delays();
        for _ in 0..RACES {
            if current.metadata.phase == Phase::TearingDown {
                return Ok(current.metadata.finalizers.is_empty());
            }
            current.metadata.phase = Phase::TearingDown;
            match self.update(call, current, None).await {
                Ok(written) => return Ok(written.metadata.finalizers.is_empty()),
                Err(e) if e.is(Class::Conflict) => {
                    if let Some(delay) = delays.next() {
                        self.sleep(call, delay, started, &format!("the teardown of `{key}`")).await?;
                    }
                    // A controller was faster; reads may be behind it, this is not.
                    let Some(found) = self.peek(call, key).await? else { return Ok(true) };
                    current = found;
                }
                Err(e) => return Err(e),
            }
        }
        Err(Error::Status {
            class: Class::Conflict,
            message: "the object changes faster than it can be torn down".to_owned(),
            problems: Vec::new(),
            key: Some(key.clone()),
            method: TEARDOWN,
        })
    }

    /// Deletes an object that no controller holds on to. Nothing is cleaned up by that: see [`Client::remove`].
    ///
    /// # Errors
    /// [`Class::NotFound`] when there is none; [`Class::Finalizers`] when controllers still hold on to it;
    /// or when the server refuses, or does not answer.
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
        self.inner.recent.note(key, Left::Gone);
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
                .run_within(call, &op, Repeat::Unsent, None, || {
                    let mut service = self.state();
                    let request = message.clone();
                    async move { service.teardown_and_destroy(request).await.map(|_| ()) }
                })
                .await;
            match answer {
                Ok(()) => {
                    self.inner.recent.note(key, Left::Gone);
                    return Ok(());
                }
                // A cache may hide the object; the long way looks behind it.
                Err(Failure { error, fate })
                    if fate == Fate::Lost || error.is(Class::Unimplemented) || error.is(Class::NotFound) => {}
                Err(failure) => return Err(failure.error),
            }
        }
        self.remove(call, key).await
    }

    /// Removes an object: tears it down, waits until no controller holds on to it, and deletes it.
    /// Every server removes some types by itself at the end; the deletion is sent all the same.
    ///
    /// # Errors
    /// [`Error::Stuck`] with the finalizers that are left when the deadline passes;
    /// or when the server refuses, or does not answer.
    pub async fn remove(&self, call: &Call, key: &Key) -> Result<(), Error> {
        let started = Instant::now();
        let mut delays = lag_delays();
        let ready = loop {
            match self.teardown(call, key).await {
                Ok(ready) => break ready,
                Err(e) if e.is(Class::NotFound) => {}
                Err(e) => return Err(e),
            }
            // The server looks for it in a cache, which may be behind.
            if self.peek(call, key).await?.is_none() {
                self.inner.recent.note(key, Left::Gone);
                return Ok(());
            }
            match delays.next() {
                Some(delay) => self.sleep(call, delay, started, &format!("Omni to find `{key}`")).await?,
                None => return self.teardown(call, key).await.map(|_| ()),
            }
        };
        if ready {
            match self.destroy(call, key).await {
                Err(e) if e.is(Class::NotFound) => {
                    self.inner.recent.note(key, Left::Gone);
                    return Ok(());
                }
                Err(e) if e.is(Class::Finalizers) || e.is(Class::Conflict) => {}
                result => return result,
            }
        }
        self.finish_removal(call, key, started).await
    }

    /// Waits until no controller holds on to an object that is torn down already, and deletes it.
    pub(crate) async fn finish_removal(&self, call: &Call, key: &Key, started: Instant) -> Result<(), Error> {
        let mut left = Vec::new();
        match self.wait_and_destroy(call, key, started, &mut left).await {
            Err(Error::Timeout { .. }) if !left.is_empty() => {
                Err(Error::Stuck { key: key.clone(), finalizers: left, after: started.elapsed() })
            }
            result => result,
        }
    }

    async fn wait_and_destroy(
        &self,
        call: &Call,
        key: &Key,
        started: Instant,
        left: &mut Vec<String>,
    ) -> Result<(), Error> {
        let what = format!("the removal of `{key}`");
        let mut delays = self.inner.retry.endless();
        loop {
            let mut watch = self.watch(call, key).await?;
            loop {
                match watch.next().await? {
                    Event::Gone(_) => {
                        self.inner.recent.note(key, Left::Gone);
                        return Ok(());
                    }
                    // Ours is gone, and somebody has made another one.
                    Event::Present(found) if found.metadata.phase == Phase::Running => return Ok(()),
                    Event::Present(found) => {
                        *left = found.metadata.finalizers;
                        if left.is_empty() {
                            break;
                        }
                    }
                    Event::Bootstrapped => {}
                }
            }
            drop(watch);
            match self.destroy(call, key).await {
                Ok(()) => return Ok(()),
                Err(e) if e.is(Class::NotFound) => {
                    self.inner.recent.note(key, Left::Gone);
                    return Ok(());
                }
                // A controller came back, or the server's cache is behind.
                Err(e) if e.is(Class::Finalizers) || e.is(Class::Conflict) => {
                    let delay = delays.next().unwrap_or(self.inner.retry.max_delay);
                    self.sleep(call, delay, started, &what).await?;
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Sends a call that takes an object away; `None` when the answer got lost and the object turned out to be gone.
    async fn remove_once<T, F, Fut>(&self, call: &Call, op: &Op<'_>, key: &Key, mut send: F) -> Result<Option<T>, Error>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, tonic::Status>>,
    {
        let started = Instant::now();
        let write = self.inner.recent.get(key);
        let mut delays = self.inner.retry.delays();
        let mut lag = lag_delays();
        let mut lost = false;
        loop {
            let failure = match self.run(call, op, Repeat::Unsent, &mut send).await {
                Ok(value) => return Ok(Some(value)),
                Err(failure) => failure,
            };
            let delay = if failure.error.is(Class::NotFound) {
                if lost {
                    return Ok(None);
                }
                if !self.still_hidden(write) {
                    return Err(failure.error);
                }
                lag.next()
            } else if failure.fate == Fate::Lost {
                lost = true;
                match self.peek(call, key).await {
                    Ok(None) => return Ok(None),
                    // Deleting a running object a second time could hit one that somebody has just made.
                    Ok(Some(found)) if op.method == DESTROY && found.metadata.phase == Phase::Running => None,
                    Ok(Some(_)) => delays.next(),
                    Err(_) => None,
                }
            } else {
                return Err(failure.error);
            };
            let Some(delay) = delay.filter(|delay| *delay < call.remaining()) else { return Err(failure.error) };
            self.sleep(call, delay, started, &op.words()).await?;
        }
    }
}
