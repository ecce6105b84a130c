//! Lists of objects as they arrive, so that a long list needs no memory for all of them.

use super::query::Query;
use super::wire::decode;
use super::{Kind, Resource};
use crate::omni::call::Call;
use crate::omni::client::Client;
use crate::omni::error::Error;
use crate::omni::retry::Idempotency;
use crate::omni::status::{About, Delivery, Op, read};
use omni_proto::cosi::resource as pb;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use tonic::Streaming;

const LIST: &str = "/cosi.resource.State/List";

/// The objects of a kind that match a query, one after the other.
/// It survives its connection: it lists again, and leaves out what it returned already.
pub struct Listing {
    client: Client,
    kind: Kind,
    message: pb::ListRequest,
    stream: Option<Open>,
    hasher: RandomState,
    /// Hashes of the IDs that were returned.
    returned: HashSet<u64>,
    interruptions: usize,
}

struct Open {
    stream: Streaming<pb::ListResponse>,
    /// The first answer; later `None`.
    first: Option<pb::ListResponse>,
    ended: bool,
}

impl Client {
    /// Lists the objects of a kind that match a query. Nothing is sent before the first [`Listing::next`].
    /// A list may be behind this client's own writes.
    #[must_use]
    pub fn listing(&self, kind: Kind, query: &Query) -> Listing {
        Listing {
            client: self.clone(),
            kind,
            message: pb::ListRequest {
                namespace: kind.namespace.to_owned(),
                r#type: kind.name.to_owned(),
                options: Some(pb::ListOptions { label_query: query.label_queries(), id_query: query.id_query() }),
            },
            stream: None,
            hasher: RandomState::new(),
            returned: HashSet::new(),
            interruptions: 0,
        }
    }
}

impl Listing {
    /// The next object; `None` after the last one. The deadline of the call is that of this step alone.
    ///
    /// # Errors
    /// [`Error::Timeout`] and [`Error::Cancelled`] by the limits of the call; or when the server refuses or does not respond.
    pub async fn next(&mut self, call: &Call) -> Result<Option<Resource>, Error> {
        let op = Op { method: LIST, about: About::Kind(self.kind) };
        loop {
            let Some(open) = &mut self.stream else {
                self.stream = Some(self.open(call).await?);
                continue;
            };
            let message = match open.first.take() {
                Some(first) => Ok(Some(first)),
                None if open.ended => return Ok(None),
                None => tokio::select! {
                    biased;
                    () = call.cancel.cancelled() => return Err(Error::Cancelled { what: op.words() }),
                    () = tokio::time::sleep_until(call.deadline) => {
                        return Err(Error::Timeout { what: op.words(), after: call.limit });
                    }
                    message = open.stream.message() => message,
                },
            };
            match message {
                Ok(Some(answer)) => {
                    let resource = decode(self.kind, answer.resource)?;
                    if self.returned.insert(self.hasher.hash_one(&resource.key.id)) {
                        return Ok(Some(resource));
                    }
                }
                Ok(None) => open.ended = true,
                Err(status) => {
                    let inner = &self.client.inner;
                    let failure = read(&op, &status, &inner.transport_state, &inner.endpoint);
                    self.interruptions += 1;
                    if failure.delivery == Delivery::Final || self.interruptions > inner.retry.max_attempts {
                        return Err(failure.error);
                    }
                    tracing::debug!(error = %failure.error, "a list lost its connection");
                    self.stream = None;
                }
            }
        }
    }

    async fn open(&self, call: &Call) -> Result<Open, Error> {
        let op = Op { method: LIST, about: About::Kind(self.kind) };
        let opened = self.client.run(call, &op, Idempotency::Idempotent, || {
            let mut service = self.client.state();
            let request = self.message.clone();
            async move {
                let mut stream = service.list(request).await?.into_inner();
                // Only now is it certain that the server accepted the call.
                let first = stream.message().await?;
                Ok(Open { stream, ended: first.is_none(), first })
            }
        });
        Ok(opened.await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec;
    use crate::omni::spec::Spec as _;
    use crate::omni::testing::{Fault, minute, pair};
    use omni_proto::specs::ClusterSpec;

    #[tokio::test(start_paused = true)]
    async fn each_object_comes_once_though_the_connection_breaks() {
        let pair = pair();
        for id in ["a", "b", "c"] {
            pair.client.create(&minute(), spec::resource(id, &ClusterSpec::default())).await.unwrap();
        }
        pair.server.fault("List", Fault::Break(2));
        let mut listing = pair.client.listing(ClusterSpec::KIND, &Query::all());
        let mut ids = Vec::new();
        while let Some(object) = listing.next(&minute()).await.unwrap() {
            ids.push(object.key.id);
        }
        assert_eq!(ids, ["a", "b", "c"]);
        assert_eq!(pair.server.count("List"), 2);
        assert_eq!(listing.next(&minute()).await.unwrap(), None, "the end stays the end");
        assert_eq!(pair.server.count("List"), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_before_the_first_object_is_asked_for() {
        let pair = pair();
        let mut listing = pair.client.listing(ClusterSpec::KIND, &Query::all());
        assert_eq!(pair.server.count("List"), 0);
        assert_eq!(listing.next(&minute()).await.unwrap(), None);
        assert_eq!(pair.server.count("List"), 1);
    }
}
