//! The layer that every request and response passes:
//! it signs and counts requests, compares the clock of the server with ours, and rejects responses that are not gRPC.
//! It does not retry, so each attempt has a new signature.

use super::auth::Signer;
use super::auth::sign::SignError;
use super::plain::Glimpse;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use kit::clock::Clock;
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

/// What all clones of a client share about the state.
pub(crate) struct TransportState {
    pub(crate) signer: Signer,
    pub(crate) clock: Arc<dyn Clock>,
    /// What the last connection turned out to be.
    pub(crate) glimpse: Arc<Glimpse>,
    counts: Mutex<BTreeMap<String, u64>>,
    /// The server's clock less ours, in seconds, as last seen.
    skew: AtomicI64,
}

/// No answer has told the server's time yet.
const UNKNOWN: i64 = i64::MIN;

impl TransportState {
    pub(crate) fn new(signer: Signer, clock: Arc<dyn Clock>, glimpse: Arc<Glimpse>) -> Self {
        Self { signer, clock, glimpse, counts: Mutex::default(), skew: AtomicI64::new(UNKNOWN) }
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
    state: Arc<TransportState>,
}

impl Transport {
    pub(crate) fn new(channel: Channel, state: Arc<TransportState>) -> Self {
        Self { channel, state }
    }

    /// The same connections, with another signature.
    pub(crate) fn signed_by(&self, state: Arc<TransportState>) -> Self {
        Self { channel: self.channel.clone(), state }
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
        if let Err(e) = self.state.signer.sign(&method, request.headers_mut(), self.state.clock.now()) {
            return Box::pin(async move { Err(NotSigned(e).into()) });
        }
        self.state.count(&method);
        let answer = self.channel.call(request);
        let state = Arc::clone(&self.state);
        Box::pin(async move {
            let answer = answer.await?;
            state.observe(answer.headers());
            grpc(answer)
        })
    }
}

/// An answer that is none of gRPC: something other than Omni spoke.
#[derive(Debug, thiserror::Error)]
#[error("HTTP {status} with {}", content_type.as_deref().unwrap_or("no content type"))]
pub(crate) struct NotGrpc {
    pub(crate) status: http::StatusCode,
    pub(crate) content_type: Option<String>,
}

/// An answer that ended before it said how the call went.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut off")]
pub(crate) struct CutOff;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// The library that reads it stops the process when it is not base64, and nothing here needs it.
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
/// Stands beside each refusal that came over the state; those that the library makes up lack it.
const RECEIVED: HeaderName = HeaderName::from_static("x-omnirs-received");

/// Whether the other side sent this status; otherwise it was made on this side, of an answer that could not be read.
pub(crate) fn is_received(status: &tonic::Status) -> bool {
    status.metadata().contains_key(RECEIVED.as_str())
}

/// Lets an answer of gRPC through, with a look at how it ends.
fn grpc(answer: http::Response<Body>) -> Result<http::Response<Body>, BoxError> {
    let (mut parts, body) = answer.into_parts();
    let content_type = parts.headers.get(CONTENT_TYPE).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    if parts.status != http::StatusCode::OK || !content_type.as_deref().is_some_and(is_grpc) {
        return Err(NotGrpc { status: parts.status, content_type }.into());
    }
    let ended = mark(&mut parts.headers);
    let body = if ended { body } else { Body::new(Ending { body, ended }) };
    Ok(http::Response::from_parts(parts, body))
}

fn is_grpc(content_type: &str) -> bool {
    let rest = content_type.strip_prefix("application/grpc");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']))
}

/// Marks a gRPC status in headers or trailers as received; returns whether it was present.
fn mark(headers: &mut HeaderMap) -> bool {
    headers.remove(DETAILS);
    let Some(status) = headers.get(STATUS) else { return false };
    if status != "0" {
        headers.insert(RECEIVED, HeaderValue::from_static("1"));
    }
    true
}

/// A body that fails when it ends without a status.
struct Ending {
    body: Body,
    ended: bool,
}

impl http_body::Body for Ending {
    type Data = bytes::Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(match polled {
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    self.ended |= mark(trailers);
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => Some(Err(error.into())),
            None if self.ended => None,
            None => {
                self.ended = true;
                Some(Err(CutOff.into()))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Body as _;

    fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> http::Response<Body> {
        let mut answer = http::Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        answer.body(Body::empty()).unwrap()
    }

    #[test]
    fn only_answers_of_grpc_come_through() {
        for (status, content_type, through) in [
            (200, Some("application/grpc"), true),
            (200, Some("application/grpc+proto"), true),
            (200, Some("application/grpc; charset=utf-8"), true),
            (200, Some("application/grpc-web"), false),
            (200, Some("text/html"), false),
            (200, None, false),
            (204, Some("application/grpc"), false),
            (502, Some("application/grpc"), false),
            (503, None, false),
        ] {
            let headers: Vec<_> = content_type.map(|value| ("content-type", value)).into_iter().collect();
            assert_eq!(grpc(answer(status, &headers)).is_ok(), through, "{status} {content_type:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_cut_off() {
        let mut cut = grpc(answer(200, &[("content-type", "application/grpc")])).unwrap().into_body();
        let frame = std::future::poll_fn(|cx| Pin::new(&mut cut).poll_frame(cx)).await;
        let status = frame.unwrap().unwrap_err();
        assert!(std::error::Error::source(&status).is_some_and(|e| e.is::<CutOff>()), "{status:?}");
        assert!(std::future::poll_fn(|cx| Pin::new(&mut cut).poll_frame(cx)).await.is_none(), "it fails once");
    }

    #[test]
    fn what_is_received_is_marked_and_can_be_read() {
        for (code, marked) in [("5", true), ("0", false)] {
            let headers =
                [("content-type", "application/grpc"), ("grpc-status", code), ("grpc-status-details-bin", "%")];
            let answer = grpc(answer(200, &headers)).unwrap();
            let status = tonic::Status::from_header_map(answer.headers()).unwrap();
            assert_eq!(is_received(&status), marked, "{code}");
        }
        assert!(!is_received(&tonic::Status::internal("made here")));
    }
}
