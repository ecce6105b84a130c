//! The configuration of a client: endpoint, credentials, TLS, proxy, timeouts and retries.
//! It reads no environment and no files; the caller that builds a [`Config`] does.

use kit::secret::SecretString;
use std::time::Duration;

/// The credentials of the client.
#[derive(Clone)]
pub enum Credentials {
    /// A service account key as Omni prints it: base64 of a JSON object.
    ServiceAccountKey(SecretString),
    /// The PGP key of a user, as `omnictl` stores it in a file.
    UserKey {
        /// The e-mail address that the key was registered for.
        identity: String,
        /// The ASCII-armored private key.
        private_key: SecretString,
    },
}

/// How the certificate of the server is verified; ignored for endpoints without TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// CA certificates in PEM form, trusted in addition to those of the system.
    pub ca_pem: Option<String>,
    /// The expected name in the certificate, if it is not the host of the endpoint.
    pub server_name: Option<String>,
    /// Accepts any certificate.
    pub insecure_skip_verify: bool,
}

/// The HTTP proxy: URLs, with `user:password@` for a proxy that needs authentication.
#[derive(Clone, Default)]
pub struct ProxyOptions {
    /// The proxy for every endpoint.
    pub url: Option<String>,
    /// The value of `HTTPS_PROXY`, for endpoints with `https://`; never used for this machine.
    pub for_https: Option<String>,
    /// The value of `HTTP_PROXY`, for all other endpoints; never used for this machine.
    pub for_http: Option<String>,
    /// The value of `NO_PROXY`: hosts that are reached without these two.
    pub exceptions: Option<String>,
}

/// When a failed call is retried. Only failures that a retry can fix, and calls that are safe to repeat, are retried.
///
/// ```
/// use std::time::Duration;
/// use terraform_provider_omni::omni::RetryPolicy;
///
/// // Pauses of 0.2, 0.4, 0.8 and 1.6 seconds, each stretched at random.
/// let policy = RetryPolicy::default();
/// assert_eq!((policy.max_attempts, policy.base_delay), (5, Duration::from_millis(200)));
/// assert!(policy.jitter);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// The most attempts, the first one included.
    pub max_attempts: usize,
    /// The pause before the second attempt; each further one doubles.
    pub base_delay: Duration,
    /// The longest pause between two attempts.
    pub max_delay: Duration,
    /// Whether pauses are stretched at random, so that many clients do not retry at the same moment.
    pub jitter: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            base_delay: Duration::from_millis(200),
            max_delay: Duration::from_secs(5),
            jitter: true,
        }
    }
}

/// The configuration of a [`Client`](super::Client).
///
/// ```
/// use kit::secret::SecretString;
/// use std::time::Duration;
/// use terraform_provider_omni::omni::{Config, Credentials};
///
/// let key = Credentials::ServiceAccountKey(SecretString::from("…".to_owned()));
/// let config = Config::new("https://omni.example.com", key);
/// assert_eq!(config.request_timeout, Duration::from_secs(30));
/// assert_eq!(config.max_concurrent_requests, None);
/// ```
#[derive(Clone)]
pub struct Config {
    /// The endpoint of Omni: `https://omni.example.com`, `http://host:port`, `grpc://host:port` or `host:port`.
    pub endpoint: String,
    /// The credentials that sign every call.
    pub credentials: Credentials,
    /// Verification of the server's certificate.
    pub tls: TlsOptions,
    /// The HTTP proxy.
    pub proxy: ProxyOptions,
    /// The timeout of one attempt of a call.
    pub request_timeout: Duration,
    /// When failed calls are retried.
    pub retry: RetryPolicy,
    /// The most calls at the same time, without watches; `None` for no limit.
    pub max_concurrent_requests: Option<usize>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Whether one answer may serve many reads of a sweep; only a measurement of single reads turns it off.
    pub shared_reads: bool,
}

impl Config {
    /// The default settings: no proxy, the system's CA certificates, 30 seconds for each attempt.
    #[must_use]
    pub fn new(endpoint: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            endpoint: endpoint.into(),
            credentials,
            tls: TlsOptions::default(),
            proxy: ProxyOptions::default(),
            request_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            max_concurrent_requests: None,
            user_agent: concat!("terraform-provider-omni/", env!("CARGO_PKG_VERSION")).to_owned(),
            shared_reads: true,
        }
    }
}
