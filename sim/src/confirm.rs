//! Follows the confirmation link of a new key, without a browser.

use http::uri::{InvalidUri, Uri};
use http::{Method, Request, StatusCode};
use tonic::body::Body;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tower::{Service, ServiceExt};

/// A page has no business to be longer.
const LONGEST: usize = 64 * 1024;

/// A key could not be confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// The link is none.
    #[error("{0:?} is no link: give the whole one that the owner of the key is shown")]
    NoLink(String, #[source] Option<InvalidUri>),
    /// There is no simulator behind it.
    #[error("cannot reach the simulator at {0}")]
    Unreachable(String, #[source] tonic::transport::Error),
    /// Its answer got lost.
    #[error("the simulator's answer cannot be read")]
    Unreadable(#[source] axum::Error),
    /// It does not know the key.
    #[error("{0}")]
    Refused(String),
}

/// Confirms the key of this link, and returns what the page says.
///
/// # Errors
/// When the link leads to no simulator, or to no key.
pub async fn confirm(link: &str, ca_pem: Option<&str>) -> Result<String, ConfirmError> {
    let uri: Uri = link.parse().map_err(|error| ConfirmError::NoLink(link.to_owned(), Some(error)))?;
    let (Some(scheme), Some(authority), Some(path)) = (uri.scheme_str(), uri.authority(), uri.path_and_query()) else {
        return Err(ConfirmError::NoLink(link.to_owned(), None));
    };
    let origin = format!("{scheme}://{authority}");
    let unreachable = |error| ConfirmError::Unreachable(origin.clone(), error);
    let mut endpoint = Endpoint::from_shared(origin.clone()).map_err(unreachable)?;
    if let Some(pem) = ca_pem {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
        endpoint = endpoint.tls_config(tls).map_err(unreachable)?;
    }
    let mut channel = endpoint.connect().await.map_err(unreachable)?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = path.clone().into();
    let answer = channel.ready().await.map_err(unreachable)?.call(request).await.map_err(unreachable)?;
    let status = answer.status();
    let body = axum::body::to_bytes(axum::body::Body::new(answer.into_body()), LONGEST).await;
    let text = String::from_utf8_lossy(&body.map_err(ConfirmError::Unreadable)?).into_owned();
    if status == StatusCode::OK { Ok(text) } else { Err(ConfirmError::Refused(text.trim().to_owned())) }
}
