//! Reading and writing objects.
//! Writes whose answer got lost are never simply sent again: the object is looked at first.

use super::query::Query;
use super::recent::{Left, WINDOW, Write};
use super::wire::{decode, encode, phase_name};
use super::{Key, Kind, Phase, Resource};
use crate::omni::call::Call;
use crate::omni::client::Client;
use crate::omni::error::{Class, Error};
use crate::omni::labels;
use crate::omni::retry::Repeat;
use crate::omni::status::{About, Fate, Op};
use crate::pb::cosi::resource as pb;
use std::time::Duration;
use tokio::time::Instant;

const GET: &str = "/cosi.resource.State/Get";
const LIST: &str = "/cosi.resource.State/List";
const CREATE: &str = "/cosi.resource.State/Create";
const UPDATE: &str = "/cosi.resource.State/Update";
/// The first wait for a write to become visible, and the longest.
const LAG: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

impl Client {
    /// Reads an object.
    /// After a write of this client the server is given ten seconds to show it, and is then believed.
    ///
    /// # Errors
    /// [`Class::NotFound`] when there is none; or when the server refuses, or does not answer.
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
            (_, Some(Write { left: Left::Gone, .. })) | (None, _) => own,
            (Some(version), Some(Write { left: Left::Version(newer), .. })) if newer >= version => own,
            (Some(version), _) => Some(Write { left: Left::Version(version), at: Instant::now() }),
        };
        self.get_after(call, key, write).await
    }

    async fn get_after(&self, call: &Call, key: &Key, write: Option<Write>) -> Result<Resource, Error> {
        let started = Instant::now();
        let mut delay = LAG.0;
        loop {
            let answer = self.read(call, key).await;
            let seen = match &answer {
                Ok(resource) => Some(resource),
                Err(e) if e.is(Class::NotFound) => None,
                Err(_) => return answer,
            };
            let Some(write) = write.filter(|w| w.outdates(seen) && Instant::now() < w.until()) else {
                return answer;
            };
            let wait = delay.min(write.until().saturating_duration_since(Instant::now()));
            self.sleep(call, wait, started, &format!("Omni to show the last change of `{key}`")).await?;
            delay = (delay * 2).min(LAG.1);
        }
    }

    /// Reads an object as the server shows it at this moment.
    pub(crate) async fn read(&self, call: &Call, key: &Key) -> Result<Resource, Error> {
        let op = Op { method: GET, about: About::Object(key) };
        let message = pb::GetRequest {
            namespace: key.kind.namespace.to_owned(),
            r#type: key.kind.name.to_owned(),
            id: key.id.clone(),
            options: Some(pb::GetOptions {}),
        };
        let answer = self
            .run(call, &op, Repeat::Lost, || {
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
    /// When the server refuses, or does not answer.
    pub async fn list(&self, call: &Call, kind: Kind, query: &Query) -> Result<Vec<Resource>, Error> {
        let op = Op { method: LIST, about: About::Kind(kind) };
        let message = pb::ListRequest {
            namespace: kind.namespace.to_owned(),
            r#type: kind.name.to_owned(),
            options: Some(pb::ListOptions { label_query: query.label_queries(), id_query: query.id_query() }),
        };
        let answers = self
            .run(call, &op, Repeat::Lost, || {
                let mut service = self.state();
                let request = message.clone();
                async move {
                    let mut stream = service.list(request).await?.into_inner();
                    let mut answers = Vec::new();
                    while let Some(answer) = stream.message().await? {
                        answers.push(answer.resource);
                    }
                    Ok(answers)
                }
            })
            .await?;
        answers.into_iter().map(|resource| decode(kind, resource)).collect()
    }

    /// Makes an object.
    ///
    /// An object under the same id that is on its way out is waited for.
    /// When the answer gets lost, the object is recognised by the mark that it carries.
    ///
    /// # Errors
    /// [`Class::AlreadyExists`] when somebody else made it; or when the server refuses, or does not answer.
    pub async fn create(&self, call: &Call, mut resource: Resource) -> Result<Resource, Error> {
        let started = Instant::now();
        let key = resource.key.clone();
        let operation = resource
            .metadata
            .annotations
            .entry(labels::OPERATION.to_owned())
            .or_insert_with(|| uuid::Uuid::new_v4().to_string())
            .clone();
        resource.metadata.version = None;
        resource.metadata.phase = Phase::Running;
        let op = Op { method: CREATE, about: About::Object(&key) };
        let mut delays = self.inner.retry.delays();
        loop {
            // The server stores this time as it is sent.
            resource.metadata.updated = Some(self.timestamp());
            let message = pb::CreateRequest {
                resource: Some(encode(&resource)),
                options: Some(pb::CreateOptions { owner: resource.metadata.owner.clone() }),
            };
            let answer = self
                .run(call, &op, Repeat::Unsent, || {
                    let mut service = self.state();
                    let request = message.clone();
                    async move { service.create(request).await.map(tonic::Response::into_inner) }
                })
                .await;
            let failure = match answer {
                Ok(answer) => {
                    let made = decode(key.kind, answer.resource)?;
                    self.inner.recent.note_version(&made);
                    return Ok(made);
                }
                Err(failure) => failure,
            };
            if failure.error.is(Class::AlreadyExists) {
                match self.peek(call, &key).await? {
                    Some(found) if found.metadata.annotations.get(labels::OPERATION) == Some(&operation) => {
                        self.inner.recent.note_version(&found);
                        return Ok(found);
                    }
                    Some(found) if found.metadata.phase == Phase::TearingDown && found.metadata.owner.is_empty() => {
                        self.finish_removal(call, &key, started).await?;
                        continue;
                    }
                    Some(_) => return Err(failure.error),
                    // It went away between the two calls.
                    None => {}
                }
            } else if failure.fate != Fate::Lost {
                return Err(failure.error);
            }
            let Some(delay) = delays.next().filter(|delay| *delay < call.remaining()) else {
                return Err(failure.error);
            };
            self.sleep(call, delay, started, &op.words()).await?;
        }
    }

    /// Writes an object whose metadata carries the version that it is based on.
    ///
    /// When the answer gets lost, the object is looked at: a write that took place counts as done, one that did not is
    /// sent again, and anything else is a conflict.
    ///
    /// # Errors
    /// [`Class::Conflict`] when somebody else wrote first; [`Class::PhaseConflict`] when the object is in another phase
    /// than `expected_phase`; or when the server refuses, or does not answer.
    pub async fn update(
        &self,
        call: &Call,
        resource: Resource,
        expected_phase: Option<Phase>,
    ) -> Result<Resource, Error> {
        let started = Instant::now();
        let key = resource.key.clone();
        let op = Op { method: UPDATE, about: About::Object(&key) };
        let message = pb::UpdateRequest {
            new_resource: Some(encode(&resource)),
            options: Some(pb::UpdateOptions {
                owner: resource.metadata.owner.clone(),
                expected_phase: expected_phase.map(|phase| phase_name(phase).to_owned()),
            }),
        };
        let write = self.inner.recent.get(&key);
        let mut lag = LAG.0;
        let mut delays = self.inner.retry.delays();
        let mut lost = false;
        loop {
            let answer = self
                .run(call, &op, Repeat::Unsent, || {
                    let mut service = self.state();
                    let request = message.clone();
                    async move { service.update(request).await.map(tonic::Response::into_inner) }
                })
                .await;
            let failure = match answer {
                Ok(answer) => {
                    let written = decode(key.kind, answer.resource)?;
                    self.inner.recent.note_version(&written);
                    return Ok(written);
                }
                Err(failure) => failure,
            };
            lost |= failure.fate == Fate::Lost;
            let delay = match failure.error.class() {
                // The server looks for the object in its cache before it writes.
                Class::NotFound if self.still_hidden(write) => {
                    let delay = lag;
                    lag = (lag * 2).min(LAG.1);
                    Some(delay)
                }
                Class::Unavailable | Class::Conflict if lost => match self.peek(call, &key).await {
                    Ok(Some(found)) if found.metadata.version == resource.metadata.version => delays.next(),
                    Ok(Some(found)) if same_content(&found, &resource) => {
                        self.inner.recent.note_version(&found);
                        return Ok(found);
                    }
                    Ok(Some(_)) => return Err(conflict(&op, &key)),
                    Ok(None) => return Err(missing(&op, &key)),
                    // Nothing could be found out.
                    Err(_) => None,
                },
                _ => None,
            };
            let Some(delay) = delay.filter(|delay| *delay < call.remaining()) else { return Err(failure.error) };
            self.sleep(call, delay, started, &op.words()).await?;
        }
    }

    /// Whether an object that the server does not find is one that this client just wrote.
    pub(crate) fn still_hidden(&self, write: Option<Write>) -> bool {
        write.is_some_and(|w| matches!(w.left, Left::Version(_)) && Instant::now() < w.until())
    }

    fn timestamp(&self) -> prost_types::Timestamp {
        let now = self.inner.wire.clock.now();
        prost_types::Timestamp {
            seconds: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(now.subsec_nanos()).unwrap_or(0),
        }
    }
}

/// The waits until a cache has caught up, as long as that may reasonably take.
pub(crate) fn lag_delays() -> impl Iterator<Item = Duration> {
    let mut total = Duration::ZERO;
    let mut delay = LAG.0;
    std::iter::from_fn(move || {
        let current = delay;
        delay = (delay * 2).min(LAG.1);
        total += current;
        (total <= WINDOW).then_some(current)
    })
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
    status(Class::Conflict, "somebody else changed the object first", op, key)
}

fn missing(op: &Op<'_>, key: &Key) -> Error {
    status(Class::NotFound, "the object is no longer there", op, key)
}

fn status(class: Class, message: &str, op: &Op<'_>, key: &Key) -> Error {
    Error::Status {
        class,
        message: message.to_owned(),
        problems: Vec::new(),
        key: Some(key.clone()),
        method: op.method,
    }
}
