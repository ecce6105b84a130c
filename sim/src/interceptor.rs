//! The interceptor of every call: log, EULA, signature, and delays.
//! It sees methods and headers, never messages.

use super::access::Caller;
use super::audit::Session;
use super::auth::Authenticator;
use super::connection::Disconnect;
use super::eula;
use super::faults::{self, Action, Breakable, Faults};
use super::kinds::Role;
use super::methods;
use super::outage::Outage;
use super::release::Release;
use super::requests::Requests;
use super::resource_service;
use super::sign_in::PAGE;
use super::store::Store;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

/// The prefix of the methods that see to faults themselves, since they know the type that a call is about.
const STATE: &str = "/cosi.resource.State/";

/// The answer to a client that speaks no gRPC, such as a browser or curl.
const NO_GRPC: &str = "This is omni-sim, a simulation of Omni's gRPC services over HTTP/2: point omnictl, a Terraform \
                       provider or another client of these services at this address. It has no web page, no gateway \
                       for JSON, no OpenID Connect, and of ResourceService only the call that accepts the EULA.\n";

/// What the interceptor looks at; clones share it.
#[derive(Clone)]
pub(super) struct Interceptor {
    pub(super) store: Store,
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) faults: Arc<Faults>,
    pub(super) outage: Outage,
    pub(super) requests: Requests,
    pub(super) release: Release,
    pub(super) delay: Duration,
    /// Whether everybody is a reader for now.
    pub(super) suspended: bool,
    pub(super) endpoint: String,
}

impl Interceptor {
    /// Lets the call in, and puts the caller and its place in the log into it.
    fn admit<B>(&self, request: &mut Request<B>) -> Result<(), Status> {
        let method = request.uri().path().to_owned();
        request.extensions_mut().insert(self.requests.arrived(&method));
        // Whether a call of this service needs it depends on the type in its message.
        if !method.starts_with(resource_service::PATH) {
            eula::check(&self.store, self.release, &self.endpoint)?;
        }
        let caller = self.authenticator.caller(&method, request.headers()).map_err(|why| {
            tracing::warn!(method, %why, "refused a call");
            Status::unauthenticated("invalid signature")
        })?;
        if let Some(caller) = caller {
            let role = if self.suspended { Role::Reader } else { caller.role };
            request.extensions_mut().insert(Caller { role, ..caller });
        }
        methods::check(&method, self.release)
    }

    fn strike<B>(&self, request: &Request<B>) -> (Option<Action>, Option<Disconnect>) {
        let method = request.uri().path();
        let action = if method.starts_with(STATE) { None } else { self.faults.strike(method, "") };
        (action, request.extensions().get().cloned())
    }
}

impl<S> Layer<S> for Interceptor {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { interceptor: self.clone(), inner }
    }
}

/// A service behind the interceptor.
#[derive(Clone)]
pub(super) struct Guarded<S> {
    interceptor: Interceptor,
    inner: S,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let interceptor = self.interceptor.clone();
        // The one that was found ready serves; its copy waits for the next call.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            if !interceptor.delay.is_zero() {
                tokio::time::sleep(interceptor.delay).await;
            }
            // A browser brings neither a licence nor a signature.
            if request.uri().path() == PAGE {
                return inner.call(request).await;
            }
            if !is_grpc(&request) {
                let mut answer = Response::new(Body::new(NO_GRPC.to_owned()));
                *answer.status_mut() = StatusCode::NOT_FOUND;
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
                return Ok(answer);
            }
            if let Err(status) = interceptor.admit(&mut request) {
                return Ok(status.into_http());
            }
            let (action, disconnect) = interceptor.strike(&request);
            let breakable = Breakable { disconnect: disconnect.as_ref(), outage: &interceptor.outage };
            let caller = request.extensions().get::<Caller>();
            let session = caller.map(|caller| Session::of(caller, request.headers())).unwrap_or_default();
            let work = session.scope(async { Ok(inner.call(request).await.unwrap_or_else(|never| match never {})) });
            Ok(faults::around(action.as_ref(), breakable, work).await.unwrap_or_else(Status::into_http))
        })
    }
}

/// Whether a request is a call at all.
fn is_grpc<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    request.version() == Version::HTTP_2 && kind.starts_with(b"application/grpc")
}
