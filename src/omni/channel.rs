//! Connections: TCP, through a proxy or not, with TLS or not, and HTTP/2 on top.
//! It neither signs nor retries.

use super::config::Config;
use super::endpoint::Endpoint;
use super::error::Error;
use super::plain::{Glimpse, Plain};
use super::proxy::Proxy;
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

/// The largest request that Omni accepts.
pub const MAX_REQUEST: usize = 32 * 1024 * 1024;
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a connection failed; the text is for diagnostics.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ConnectFailure {
    pub(crate) message: String,
    /// Whether another attempt cannot help, since something is set up wrongly.
    pub(crate) permanent: bool,
    /// The setting to look at first, by the name that [`Error::Config`] uses.
    pub(crate) setting: &'static str,
}

impl ConnectFailure {
    /// Puts the blame on another setting than the endpoint.
    fn of(self, setting: &'static str) -> Self {
        Self { setting, ..self }
    }
}

/// A byte stream of any kind.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

struct Route {
    target: Endpoint,
    proxy: Option<Proxy>,
    tls: Option<Tls>,
    limit: Duration,
    glimpse: Arc<Glimpse>,
}

/// A channel to the endpoint of `config` that connects when it is first used, and again when the connection is lost.
pub(crate) fn connect(config: &Config, endpoint: &Endpoint, glimpse: Arc<Glimpse>) -> Result<Channel, Error> {
    let proxy = config.proxy.url_for(endpoint).map(Proxy::parse).transpose()?;
    let tls = if endpoint.tls { Some(Tls::new(&config.tls, endpoint)?) } else { None };
    // An attempt that ends while it connects has certainly sent nothing; so this must end before the attempt does.
    let limit = CONNECT_TIMEOUT.min(config.request_timeout * 3 / 4);
    let route = Arc::new(Route { target: endpoint.clone(), proxy, tls, limit, glimpse });
    let connector = tower::service_fn(move |_: http::Uri| {
        let route = Arc::clone(&route);
        async move { route.open().await.map(TokioIo::new) }
    });
    Ok(base(config, endpoint)?.connect_with_connector_lazy(connector))
}

/// A channel to the endpoint of `config`, for callers that sign their calls themselves.
///
/// # Errors
/// [`Error::Config`] that names the setting and says what is wrong with it.
pub fn open(config: &Config) -> Result<Channel, Error> {
    connect(config, &Endpoint::parse(&config.endpoint)?, Arc::default())
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
        let (role, setting) = if self.proxy.is_some() { ("the proxy ", "proxy") } else { ("", "endpoint") };
        let addresses: Vec<_> = tokio::net::lookup_host((host, port))
            .await
            .map_err(|e| transient(format!("the name of {role}`{host}` cannot be resolved: {e}")).of(setting))?
            .collect();
        let mut stream = TcpStream::connect(addresses.as_slice()).await.map_err(|e| {
            let message = match e.kind() {
                std::io::ErrorKind::ConnectionRefused => format!("nothing listens on {role}{host}, port {port}"),
                _ => format!("cannot connect to {role}{host}, port {port}: {e}"),
            };
            transient(message).of(setting)
        })?;
        // Calls are small, and each waits for its answer. When the system refuses, they are only slower.
        let _slower = stream.set_nodelay(true);
        if let Some(proxy) = &self.proxy {
            proxy.connect(&mut stream, &self.target.authority()).await.map_err(|e| {
                transient(format!("{}{}", e, e.source().map(|s| format!(": {s}")).unwrap_or_default())).of("proxy")
            })?;
        }
        let Some(tls) = &self.tls else { return Ok(Box::new(Plain::new(stream, Arc::clone(&self.glimpse)))) };
        let stream = TlsConnector::from(Arc::clone(&tls.config))
            .connect(tls.server_name.clone(), stream)
            .await
            .map_err(|e| tls_failure(&e, tls))?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2".as_slice()) {
            return Err(ConnectFailure {
                message: "the server does not offer HTTP/2, which gRPC needs; is something else in front of Omni?"
                    .to_owned(),
                permanent: true,
                setting: "endpoint",
            });
        }
        Ok(Box::new(stream))
    }
}

fn transient(message: String) -> ConnectFailure {
    ConnectFailure { message, permanent: false, setting: "endpoint" }
}

fn tls_failure(error: &std::io::Error, tls: &Tls) -> ConnectFailure {
    use rustls::CertificateError as C;
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    let setting = match inner {
        Some(rustls::Error::InvalidCertificate(C::UnknownIssuer | C::BadSignature)) => "ca_certificate",
        Some(rustls::Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. })) => {
            "tls_server_name"
        }
        _ => "endpoint",
    };
    let message = match inner {
        // A bad signature is what an authority of the same name but with another key looks like.
        Some(rustls::Error::InvalidCertificate(C::UnknownIssuer | C::BadSignature)) => {
            let given = if tls.own_authorities { ", and that is not among the given ones either" } else { "" };
            format!("the server's certificate comes from an authority that this machine does not trust{given}")
        }
        Some(rustls::Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. })) => {
            format!("the server's certificate is not for the name `{}`", tls.server_name.to_str())
        }
        Some(rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. })) => {
            "the server's certificate has expired, or the clock of this machine is wrong".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(other)) => {
            format!("the server's certificate is not acceptable: {other}")
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "the server does not speak TLS; for a plain connection the endpoint has to begin with `http://`".to_owned()
        }
        Some(other) => format!("the TLS handshake failed: {other}"),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return transient(
                "the server closed the connection during the TLS handshake; if it does not speak TLS, the endpoint has to begin with `http://`"
                    .to_owned(),
            );
        }
        None => return transient(format!("the connection broke during the TLS handshake: {error}")),
    };
    ConnectFailure { message, permanent: true, setting }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::config::{Credentials, RetryPolicy, TlsOptions};
    use crate::omni::error::ErrorKind;
    use crate::omni::testing::{NOW, cluster, fake, key, minute};
    use crate::omni::{Client, Config};
    use kit::clock::TestClock;
    use kit::secret::SecretString;
    use omni_proto::cosi::resource::state_server::StateServer;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::transport::{Identity, Server, ServerTlsConfig};

    struct Site {
        port: u16,
        key: SecretString,
        ca: String,
    }

    async fn site(tls: bool) -> Site {
        let (server, key) = fake();
        let pair = rcgen::generate_simple_self_signed(vec!["omni.test".to_owned()]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut builder = Server::builder();
        if tls {
            let identity = Identity::from_pem(pair.cert.pem(), pair.signing_key.serialize_pem());
            builder = builder.tls_config(ServerTlsConfig::new().identity(identity)).unwrap();
        }
        let router = builder.add_service(StateServer::from_arc(server));
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        Site { port, key, ca: pair.cert.pem() }
    }

    fn config(site: &Site, scheme: &str) -> Config {
        let credentials = Credentials::ServiceAccountKey(site.key.clone());
        let mut config = Config::new(format!("{scheme}://127.0.0.1:{}", site.port), credentials);
        config.retry =
            RetryPolicy { base_delay: Duration::from_millis(1), max_delay: Duration::from_millis(2), ..config.retry };
        config
    }

    fn client(config: &Config) -> Client {
        Client::new(config, Arc::new(TestClock::at(NOW.as_secs()))).unwrap()
    }

    async fn works(config: &Config) {
        let client = client(config);
        client.create(&minute(), cluster("1.13.5")).await.unwrap();
        client.remove(&minute(), &key()).await.unwrap();
    }

    /// The text of the failure, and how often the call was sent.
    async fn fails(config: &Config) -> (String, bool) {
        let client = client(config);
        let error = client.create(&minute(), cluster("1.13.5")).await.unwrap_err();
        assert!(error.is(ErrorKind::Unavailable), "{error:?}");
        match error {
            Error::Transport { message, maybe_sent, .. } => (message, maybe_sent),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn plain_connections() {
        works(&config(&site(false).await, "http")).await;
    }

    #[tokio::test]
    async fn encrypted_connections() {
        let site = site(true).await;
        let mut config = config(&site, "https");
        config.tls = TlsOptions { ca_pem: Some(site.ca.clone()), ..TlsOptions::default() };
        let (message, sent) = fails(&config).await;
        assert!(message.contains("not for the name `127.0.0.1`"), "{message}");
        assert!(!sent);

        config.tls.server_name = Some("omni.test".to_owned());
        works(&config).await;

        config.tls.ca_pem = Some(rcgen::generate_simple_self_signed(vec!["other".to_owned()]).unwrap().cert.pem());
        let (message, _) = fails(&config).await;
        assert!(message.contains("does not trust, and that is not among the given ones"), "{message}");

        config.tls.ca_pem = None;
        let (message, _) = fails(&config).await;
        assert!(message.ends_with("an authority that this machine does not trust"), "{message}");

        config.tls = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
        works(&config).await;
    }

    #[tokio::test]
    async fn the_other_kind_of_connection() {
        let plain = site(false).await;
        let mut https = config(&plain, "https");
        https.tls.insecure_skip_verify = true;
        let (message, sent) = fails(&https).await;
        assert!(message.contains("does not speak TLS"), "{message}");
        assert!(!sent);

        let encrypted = site(true).await;
        let (message, sent) = fails(&config(&encrypted, "http")).await;
        assert!(message.contains("speaks TLS") && message.contains("`https://`"), "{message}");
        assert!(!sent);

        // What a proxy for the web answers to a client that does not speak as browsers do, and a server that hangs up.
        for (answer, part) in [(&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "HTTP/1"), (b"", "without a word")] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let mut preface = [0; 24];
                    stream.read_exact(&mut preface).await.unwrap();
                    stream.write_all(answer).await.unwrap();
                    stream.shutdown().await.unwrap();
                    // Bytes that nobody reads would make the system forget the answer.
                    while stream.read(&mut preface).await.is_ok_and(|n| n > 0) {}
                }
            });
            let site = Site { port, key: encrypted.key.clone(), ca: String::new() };
            let (message, sent) = fails(&config(&site, "http")).await;
            assert!(message.contains(part) && message.contains("`https://`"), "{message}");
            assert_eq!(sent, answer.is_empty(), "{part}");
        }
    }

    #[tokio::test]
    async fn nobody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let (_, key) = fake();
        let (message, sent) = fails(&config(&Site { port, key, ca: String::new() }, "http")).await;
        assert_eq!(message, format!("nothing listens on 127.0.0.1, port {port}"));
        assert!(!sent);
    }

    #[tokio::test]
    async fn no_http2() {
        let site = site(true).await;
        let pair = rcgen::generate_simple_self_signed(vec!["omni.test".to_owned()]).unwrap();
        let certificate = pair.cert.der().clone();
        let key = rustls::pki_types::PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
            while let Ok((stream, _)) = listener.accept().await {
                let _ended = acceptor.accept(stream).await;
            }
        });
        let mut config = config(&Site { port, ..site }, "https");
        config.tls.insecure_skip_verify = true;
        let (message, sent) = fails(&config).await;
        assert!(message.contains("does not offer HTTP/2"), "{message}");
        assert!(!sent);
    }

    #[tokio::test]
    async fn through_a_proxy() {
        let site = site(true).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap();
                let target = request.split(' ').nth(1).unwrap().to_owned();
                if !request.contains("Proxy-Authorization: Basic ") {
                    stream.write_all(b"HTTP/1.1 407 Who are you\r\n\r\n").await.unwrap();
                    continue;
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut onward = tokio::net::TcpStream::connect(target).await.unwrap();
                tokio::spawn(async move {
                    let _ended = copy_bidirectional(&mut stream, &mut onward).await;
                });
            }
        });
        let mut config = config(&site, "https");
        config.tls.insecure_skip_verify = true;
        config.proxy.url = Some(format!("http://me:pw@127.0.0.1:{proxy}"));
        works(&config).await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);

        config.proxy.url = Some(format!("http://127.0.0.1:{proxy}"));
        let (message, sent) = fails(&config).await;
        assert!(message.contains("asks for a user"), "{message}");
        assert!(!sent);

        let before = asked.load(Ordering::Relaxed);
        config.proxy.exceptions = Some("127.0.0.0/8".to_owned());
        works(&config).await;
        assert_eq!(asked.load(Ordering::Relaxed), before);
    }
}
