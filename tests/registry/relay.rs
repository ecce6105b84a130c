//! What stands between client and server in the field: an HTTP/2 relay, which passes everything on but the answers that
//! it is told to spoil. It knows HTTP and the names of calls, and nothing of Omni.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tower::Service as _;

/// When the call reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Never: the answer comes in its place.
    Before,
    /// Before its answer is spoilt.
    After,
    /// Only after the next call of the same method.
    Late,
}

/// What is answered in the place of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoilt {
    /// A page of a reverse proxy: HTTP status, and whether it has a body.
    Page(u16, bool),
    /// A gRPC status.
    Status(u16),
    /// Success, without a message.
    Nothing,
    /// Success, with a message that cannot be decoded.
    Garbage,
    /// Success, with a body that is not even framed.
    Unframed,
    /// The beginning of an answer, and no end.
    CutOff,
    /// A page of another program, with the status 200.
    OtherProgram,
}

impl Spoilt {
    /// Every kind of answer that is no refusal.
    pub const ALL: [Self; 16] = [
        Self::Page(502, true),
        Self::Page(502, false),
        Self::Page(503, true),
        Self::Page(503, false),
        Self::Page(504, true),
        Self::Page(504, false),
        // Unknown, DeadlineExceeded, Aborted, Internal, DataLoss.
        Self::Status(2),
        Self::Status(4),
        Self::Status(10),
        Self::Status(13),
        Self::Status(15),
        Self::Nothing,
        Self::Garbage,
        Self::Unframed,
        Self::CutOff,
        Self::OtherProgram,
    ];

    fn answer(self) -> Response<Body> {
        let trailers = |code: &'static str| {
            let mut map = HeaderMap::new();
            map.insert("grpc-status", HeaderValue::from_static(code));
            Frame::trailers(map)
        };
        let data = |bytes: &'static [u8]| Frame::data(Bytes::from_static(bytes));
        let page = b"<html><body>The server is busy.</body></html>";
        let (status, kind, frames) = match self {
            Self::Page(status, true) => (status, Some("text/html"), vec![data(page)]),
            Self::Page(status, false) => (status, None, Vec::new()),
            Self::OtherProgram => (200, Some("text/html"), vec![data(page)]),
            Self::Status(_) => (200, Some("application/grpc"), Vec::new()),
            Self::Nothing => (200, Some("application/grpc"), vec![trailers("0")]),
            Self::Garbage => {
                (200, Some("application/grpc"), vec![data(&[0, 0, 0, 0, 3, 0xff, 0xff, 0xff]), trailers("0")])
            }
            Self::Unframed => (200, Some("application/grpc"), vec![data(page), trailers("0")]),
            Self::CutOff => (200, Some("application/grpc"), vec![data(&[0, 0, 0, 0, 90, 10])]),
        };
        let mut answer = Response::builder().status(status);
        if let Some(kind) = kind {
            answer = answer.header("content-type", kind);
        }
        if let Self::Status(code) = self {
            answer = answer.header("grpc-status", code.to_string()).header("grpc-message", "the relay says so");
        }
        answer.body(Body::new(Frames(frames.into()))).expect("an answer")
    }
}

/// The frames of a body, one after the other.
struct Frames(VecDeque<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

/// A running relay; it ends with the runtime.
#[derive(Clone)]
pub struct Relay {
    /// Where clients find it.
    pub endpoint: String,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    /// The name of the method, how many of its calls are spoilt, and how.
    spoils: Vec<(String, usize, When, Spoilt)>,
    calls: Vec<String>,
    late: Option<Request<Body>>,
}

impl Relay {
    /// A relay to the server at `endpoint`, which speaks without TLS.
    pub async fn to(endpoint: &str) -> Self {
        let upstream =
            Endpoint::from_shared(endpoint.replace("grpc://", "http://")).expect("an address").connect_lazy();
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let incoming = incoming.with_nodelay(Some(true));
        let endpoint = format!("grpc://{}", incoming.local_addr().expect("an address"));
        let relay = Self { endpoint, plan: Arc::default() };
        let passing = relay.clone();
        let router = axum::Router::new().fallback(move |request: Request<Body>| {
            let (relay, upstream) = (passing.clone(), upstream.clone());
            async move { relay.pass(upstream, request).await }
        });
        let server = Server::builder().add_routes(Routes::from(router));
        tokio::spawn(server.serve_with_incoming(incoming));
        relay
    }

    /// Spoils the answers to the next calls of a method.
    pub fn spoil(&self, method: &str, times: usize, when: When, spoilt: Spoilt) {
        self.plan.lock().unwrap().spoils.push((method.to_owned(), times, when, spoilt));
    }

    /// Passes everything on again; says how many answers were still to be spoilt.
    pub fn calm(&self) -> usize {
        std::mem::take(&mut self.plan.lock().unwrap().spoils).into_iter().map(|(_, times, ..)| times).sum()
    }

    /// The methods of the calls so far, which are forgotten.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.plan.lock().unwrap().calls)
    }

    fn strike(&self, path: &str) -> Option<(When, Spoilt)> {
        let mut plan = self.plan.lock().unwrap();
        let name = path.rsplit('/').next().unwrap_or_default();
        plan.calls.push(name.to_owned());
        let spoil = plan.spoils.iter_mut().find(|(method, times, ..)| method == name && *times > 0)?;
        spoil.1 -= 1;
        Some((spoil.2, spoil.3))
    }

    async fn pass(&self, upstream: Channel, request: Request<Body>) -> Response<Body> {
        let late = {
            let mut plan = self.plan.lock().unwrap();
            let is_next = plan.late.as_ref().is_some_and(|late| late.uri() == request.uri());
            plan.late.take_if(|_| is_next)
        };
        let spoilt = match self.strike(request.uri().path()) {
            Some((When::Before, spoilt)) => return spoilt.answer(),
            Some((When::Late, spoilt)) => {
                let (parts, body) = request.into_parts();
                let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a request");
                self.plan.lock().unwrap().late = Some(Request::from_parts(parts, Body::from(bytes)));
                return spoilt.answer();
            }
            Some((When::After, spoilt)) => Some(spoilt),
            None => None,
        };
        let answer = forward(upstream.clone(), request).await;
        if let Some(late) = late {
            drain(forward(upstream, late).await).await;
        }
        match spoilt {
            Some(spoilt) => {
                // The deed is done once all of the true answer is there.
                drain(answer).await;
                spoilt.answer()
            }
            None => answer.map(Body::new),
        }
    }
}

async fn forward(mut upstream: Channel, request: Request<Body>) -> Response<tonic::body::Body> {
    std::future::poll_fn(|cx| upstream.poll_ready(cx)).await.expect("the server is there");
    upstream.call(request.map(tonic::body::Body::new)).await.expect("the server answers")
}

async fn drain(answer: Response<tonic::body::Body>) {
    let mut body = answer.into_body();
    while std::future::poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut body), cx)).await.is_some() {}
}
