//! Connections: TCP, through a proxy or not, with TLS or not, and HTTP/2 on top.
//! It signs nothing and repeats nothing.

use super::config::Config;
use super::endpoint::Endpoint;
use super::error::Error;
use super::proxy::{Proxy, bypassed};
use super::tls::Tls;
use hyper_util::rt::TokioIo;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::Channel;

/// Messages may be larger than what servers accept today, so that the limit is theirs.
pub(crate) const MAX_MESSAGE: usize = 64 * 1024 * 1024;
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection could not be made; the text is for people.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ConnectFailure {
    pub(crate) message: String,
    /// Whether another attempt cannot help, since something is set up wrongly.
    pub(crate) permanent: bool,
}

/// A byte stream of any kind.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

struct Route {
    target: Endpoint,
    proxy: Option<Proxy>,
    tls: Option<Tls>,
    limit: Duration,
}

/// A channel to the endpoint of `config` that connects when it is first used, and again when the connection is lost.
pub(crate) fn connect(config: &Config, endpoint: &Endpoint) -> Result<Channel, Error> {
    let proxy = match &config.proxy {
        Some(url) if !bypassed(config.no_proxy.as_deref().unwrap_or_default(), &endpoint.host, endpoint.port) => {
            Some(Proxy::parse(url)?)
        }
        _ => None,
    };
    let tls = if endpoint.tls { Some(Tls::new(&config.tls, endpoint)?) } else { None };
    // An attempt that ends while it connects has certainly sent nothing; so this must end before the attempt does.
    let limit = CONNECT_TIMEOUT.min(config.request_timeout * 3 / 4);
    let route = Arc::new(Route { target: endpoint.clone(), proxy, tls, limit });
    let connector = tower::service_fn(move |_: http::Uri| {
        let route = Arc::clone(&route);
        async move { route.open().await.map(TokioIo::new) }
    });
    Ok(base(config, endpoint)?.connect_with_connector_lazy(connector))
}

/// The HTTP/2 side of a channel.
pub(crate) fn base(config: &Config, endpoint: &Endpoint) -> Result<tonic::transport::Endpoint, Error> {
    let wrong = |e: &dyn StdError| Error::Config { setting: "endpoint", message: e.to_string() };
    // The scheme of this address is always plain: the connector above does the encryption.
    let address = format!("http://{}", endpoint.authority());
    let origin: http::Uri = endpoint.to_string().parse().map_err(|e: http::uri::InvalidUri| wrong(&e))?;
    tonic::transport::Endpoint::from_shared(address)
        .map_err(|e| wrong(&e))?
        .origin(origin)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .user_agent(config.user_agent.clone())
        .map_err(|e| Error::Config { setting: "user_agent", message: e.to_string() })
}

impl Route {
    async fn open(&self) -> Result<Box<dyn Io>, ConnectFailure> {
        match tokio::time::timeout(self.limit, self.dial()).await {
            Ok(result) => result,
            Err(_) => Err(transient(format!("no connection within {} s", self.limit.as_secs_f32()))),
        }
    }

    async fn dial(&self) -> Result<Box<dyn Io>, ConnectFailure> {
        let (host, port) = match &self.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (self.target.host.as_str(), self.target.port),
        };
        let role = if self.proxy.is_some() { "the proxy " } else { "" };
        let addresses: Vec<_> = tokio::net::lookup_host((host, port))
            .await
            .map_err(|e| transient(format!("the name of {role}`{host}` cannot be resolved: {e}")))?
            .collect();
        let mut stream = TcpStream::connect(addresses.as_slice()).await.map_err(|e| match e.kind() {
            std::io::ErrorKind::ConnectionRefused => transient(format!("nothing listens on {role}{host}, port {port}")),
            _ => transient(format!("cannot connect to {role}{host}, port {port}: {e}")),
        })?;
        // Calls are small, and each waits for its answer. When the system refuses, they are only slower.
        let _slower = stream.set_nodelay(true);
        if let Some(proxy) = &self.proxy {
            proxy
                .connect(&mut stream, &self.target.authority())
                .await
                .map_err(|e| transient(format!("{}{}", e, e.source().map(|s| format!(": {s}")).unwrap_or_default())))?;
        }
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let stream = TlsConnector::from(Arc::clone(&tls.config))
            .connect(tls.server_name.clone(), stream)
            .await
            .map_err(|e| tls_failure(&e, &tls.server_name.to_str()))?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2".as_slice()) {
            return Err(ConnectFailure {
                message: "the server does not offer HTTP/2, which gRPC needs; is something else in front of Omni?"
                    .to_owned(),
                permanent: true,
            });
        }
        Ok(Box::new(stream))
    }
}

fn transient(message: String) -> ConnectFailure {
    ConnectFailure { message, permanent: false }
}

fn tls_failure(error: &std::io::Error, name: &str) -> ConnectFailure {
    use rustls::CertificateError as C;
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    let message = match inner {
        Some(rustls::Error::InvalidCertificate(C::UnknownIssuer)) => {
            "the server's certificate comes from an authority that this machine does not trust; give the CA certificate of Omni".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. })) => {
            format!("the server's certificate is not for the name `{name}`")
        }
        Some(rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. })) => {
            "the server's certificate has expired, or the clock of this machine is wrong".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(other)) => format!("the server's certificate is not acceptable: {other}"),
        Some(rustls::Error::InvalidMessage(_)) => {
            "the server does not speak TLS; for a plain connection the endpoint begins with `http://`".to_owned()
        }
        Some(other) => format!("the TLS handshake failed: {other}"),
        None => return transient(format!("the connection broke during the TLS handshake: {error}")),
    };
    ConnectFailure { message, permanent: true }
}
