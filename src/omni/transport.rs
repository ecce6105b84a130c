//! What happens to every request on its way out and to every answer on its way in:
//! it is signed and counted, and the server's clock is compared with ours.
//! It repeats nothing, so each attempt carries a signature of its own.

use super::auth::Signer;
use super::auth::sign::SignError;
use crate::kit::clock::Clock;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What all clones of a client share about the wire.
pub(crate) struct Wire {
    pub(crate) signer: Signer,
    pub(crate) clock: Arc<dyn Clock>,
    counts: Mutex<BTreeMap<String, u64>>,
    /// The server's clock less ours, in seconds, as last seen.
    skew: AtomicI64,
}

/// No answer has told the server's time yet.
const UNKNOWN: i64 = i64::MIN;

impl Wire {
    pub(crate) fn new(signer: Signer, clock: Arc<dyn Clock>) -> Self {
        Self { signer, clock, counts: Mutex::default(), skew: AtomicI64::new(UNKNOWN) }
    }

    /// How many requests went out, by full method name.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// By how many seconds the server's clock is ahead of ours, if it has been seen.
    pub(crate) fn skew(&self) -> Option<i64> {
        Some(self.skew.load(Ordering::Relaxed)).filter(|skew| *skew != UNKNOWN)
    }

    fn count(&self, method: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(method) {
            Some(n) => *n += 1,
            None => {
                counts.insert(method.to_owned(), 1);
            }
        }
    }

    pub(crate) fn observe(&self, headers: &http::HeaderMap) {
        let date = headers.get(http::header::DATE).and_then(|d| d.to_str().ok());
        let Some(server) = date.and_then(|d| jiff::fmt::rfc2822::parse(d).ok()) else { return };
        let ours = i64::try_from(self.clock.now().as_secs()).unwrap_or(i64::MAX);
        self.skew.store(server.timestamp().as_second().saturating_sub(ours), Ordering::Relaxed);
    }
}

/// A channel that signs and counts.
#[derive(Clone)]
pub(crate) struct Transport {
    channel: Channel,
    wire: Arc<Wire>,
}

impl Transport {
    pub(crate) fn new(channel: Channel, wire: Arc<Wire>) -> Self {
        Self { channel, wire }
    }

    /// The same connections, with another signature.
    pub(crate) fn signed_by(&self, wire: Arc<Wire>) -> Self {
        Self { channel: self.channel.clone(), wire }
    }
}

/// A request that could not be signed, and so was not sent.
#[derive(Debug, thiserror::Error)]
#[error("the request could not be signed")]
pub(crate) struct NotSigned(#[source] pub(crate) SignError);

impl Service<http::Request<Body>> for Transport {
    type Response = http::Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let method = request.uri().path().to_owned();
        if let Err(e) = self.wire.signer.sign(&method, request.headers_mut(), self.wire.clock.now()) {
            return Box::pin(async move { Err(NotSigned(e).into()) });
        }
        self.wire.count(&method);
        let answer = self.channel.call(request);
        let wire = Arc::clone(&self.wire);
        Box::pin(async move {
            let answer = answer.await?;
            wire.observe(answer.headers());
            Ok(answer)
        })
    }
}
