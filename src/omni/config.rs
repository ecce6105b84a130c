//! What a client has to be told: where Omni is, who asks, and how patient to be.
//! It reads no environment and no files; whoever builds a [`Config`] does that.

use kit::secret::SecretString;
use std::time::Duration;

/// Who asks.
#[derive(Clone)]
pub enum Credentials {
    /// A service account key as Omni hands it out: base64 of a JSON object.
    ServiceAccountKey(SecretString),
    /// The key of a person, as `omnictl` keeps it in a file.
    UserKey {
        /// The e-mail address that the key was registered for.
        identity: String,
        /// The armored private key.
        private_key: SecretString,
    },
}

/// How the server proves who it is. Without TLS none of it matters.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// Certificates of authorities to trust besides those of the system, in PEM form.
    pub ca_pem: Option<String>,
    /// The name to expect in the certificate, when it differs from the endpoint's host.
    pub server_name: Option<String>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
}

/// Through which HTTP proxy the server is reached: URLs, with `user:password@` where a proxy asks for them.
#[derive(Clone, Default)]
pub struct ProxyOptions {
    /// The proxy for every endpoint.
    pub url: Option<String>,
    /// The proxy for endpoints that begin with `https://`, as the variable `HTTPS_PROXY` names it; never for this machine.
    pub for_https: Option<String>,
    /// The proxy for all other endpoints, as the variable `HTTP_PROXY` names it; never for this machine.
    pub for_http: Option<String>,
    /// What is reached without any of them, as the variable `NO_PROXY` holds it.
    pub exceptions: Option<String>,
}

/// How often, and how patiently, a call is repeated.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// How many times a call is sent at most.
    pub max_attempts: usize,
    /// The wait before the second attempt; it doubles from there.
    pub base_delay: Duration,
    /// The longest wait between two attempts.
    pub max_delay: Duration,
    /// Whether waits are stretched at random, so that many clients do not return in step.
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

/// Everything that a [`Client`](super::Client) needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where Omni is: `https://omni.example.com`, `http://host:port`, `grpc://host:port` or `host:port`.
    pub endpoint: String,
    /// Who asks.
    pub credentials: Credentials,
    /// How the server proves who it is.
    pub tls: TlsOptions,
    /// Through which proxy Omni is reached.
    pub proxy: ProxyOptions,
    /// How long one attempt of a call may take.
    pub request_timeout: Duration,
    /// How calls are repeated.
    pub retry: RetryPolicy,
    /// How many calls may be under way at once; watches do not count.
    pub max_concurrent_requests: Option<usize>,
    /// How the client introduces itself.
    pub user_agent: String,
}

impl Config {
    /// A configuration with the usual settings.
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
        }
    }
}
