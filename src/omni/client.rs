//! The client: one for each endpoint and key, cheap to clone.
//! The calls are implemented in the modules of their services; this one has what they share.

use super::auth::{Signer, SigningKey};
use super::call::Call;
use super::channel::{self, MAX_MESSAGE};
use super::config::{Config, RetryPolicy};
use super::endpoint::Endpoint;
use super::error::Error;
use super::plain::Glimpse;
use super::spec::{self, instance};
use super::state::recent_writes::RecentWrites;
use super::status::Failure;
use super::sweep::Sweeps;
use super::transport::{Transport, TransportState};
use kit::clock::Clock;
use kit::secret::SecretString;
use omni_proto::cosi::resource::state_client::StateClient;
use omni_proto::management::management_service_client::ManagementServiceClient;
use omni_proto::omni::resources::resource_service_client::ResourceServiceClient;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tonic::transport::Channel;

/// How long an error may be delayed by reading the version of the server for its message.
const VERSION_LIMIT: Duration = Duration::from_secs(5);

/// A client of one Omni instance.
///
/// Reads and writes of COSI resources are in [`state`](super::state), other RPCs in [`management`](super::management).
/// Every call is signed, has a deadline and a cancellation token ([`Call`]), and is retried by the [`RetryPolicy`].
/// Reads after a write of this client see that write, although the server reads from a cache.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) endpoint: String,
    open_to_others: bool,
    pub(crate) request_timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) permits: Option<Arc<Semaphore>>,
    pub(crate) transport_state: Arc<TransportState>,
    pub(crate) recent: RecentWrites,
    pub(crate) sweeps: Sweeps,
    /// Set once the server has refused `Teardown` as unimplemented.
    pub(crate) no_teardown: AtomicBool,
    transport: Transport,
    version: Mutex<Option<String>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.inner.endpoint).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that connects when it is first used; only what can be checked here is checked.
    /// It must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`] that names the setting and says what is wrong with it.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let endpoint = Endpoint::parse(&config.endpoint)?;
        let key = SigningKey::read(&config.credentials, clock.now())?;
        let glimpse = Arc::default();
        let channel = channel::connect(config, &endpoint, Arc::clone(&glimpse))?;
        Ok(Self::over(config, &endpoint, key, clock, (channel, glimpse)))
    }

    /// A client over an existing channel.
    pub(crate) fn over(
        config: &Config,
        endpoint: &Endpoint,
        key: SigningKey,
        clock: Arc<dyn Clock>,
        (channel, glimpse): (Channel, Arc<Glimpse>),
    ) -> Self {
        let transport_state = Arc::new(TransportState::new(Signer::new(key), clock, glimpse));
        Self {
            inner: Arc::new(Inner {
                endpoint: endpoint.to_string(),
                open_to_others: !endpoint.tls && !endpoint.is_loopback(),
                request_timeout: config.request_timeout,
                retry: config.retry,
                permits: config
                    .max_concurrent_requests
                    .map(|n| Arc::new(Semaphore::new(n.clamp(1, Semaphore::MAX_PERMITS)))),
                transport: Transport::new(channel, Arc::clone(&transport_state)),
                transport_state,
                recent: RecentWrites::default(),
                sweeps: Sweeps::new(config.shared_reads),
                no_teardown: AtomicBool::new(false),
                version: Mutex::new(None),
            }),
        }
    }

    /// A client of the same server, over the same connections, that signs with another service account key.
    ///
    /// # Errors
    /// [`Error::Config`] that says what is wrong with the key.
    pub fn with_key(&self, key: &SecretString) -> Result<Self, Error> {
        let inner = &self.inner;
        let clock = Arc::clone(&inner.transport_state.clock);
        let key = SigningKey::service_account(key, clock.now())?;
        let transport_state =
            Arc::new(TransportState::new(Signer::new(key), clock, Arc::clone(&inner.transport_state.glimpse)));
        Ok(Self {
            inner: Arc::new(Inner {
                endpoint: inner.endpoint.clone(),
                open_to_others: inner.open_to_others,
                request_timeout: inner.request_timeout,
                retry: inner.retry,
                permits: inner.permits.clone(),
                transport: inner.transport.signed_by(Arc::clone(&transport_state)),
                transport_state,
                recent: RecentWrites::default(),
                sweeps: Sweeps::new(false),
                no_teardown: AtomicBool::new(inner.no_teardown.load(Ordering::Relaxed)),
                version: Mutex::new(self.known_version()),
            }),
        })
    }

    /// The time of the client's clock, since 1970.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.inner.transport_state.clock.now()
    }

    /// The endpoint: `https://omni.example.com:443`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.inner.endpoint
    }

    /// Whether calls leave this machine without TLS.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        self.inner.open_to_others
    }

    /// The number of requests so far, by full method name; every attempt counts.
    #[must_use]
    pub fn rpc_counts(&self) -> BTreeMap<String, u64> {
        self.inner.transport_state.counts()
    }

    /// The version of the server: `v1.6.6`. It is read once.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn server_version(&self, call: &Call) -> Result<String, Error> {
        if let Some(version) = self.known_version() {
            return Ok(version);
        }
        let resource = self.read(call, &instance::sys_version_key()).await?;
        let version = spec::decode::<instance::SysVersionSpec>(&resource)?.backend_version;
        *self.inner.version.lock().unwrap_or_else(PoisonError::into_inner) = Some(version.clone());
        Ok(version)
    }

    fn known_version(&self) -> Option<String> {
        self.inner.version.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds the version of the server to an error.
    pub(crate) async fn explained(&self, call: &Call, mut failure: Failure) -> Failure {
        if let Error::Unsupported { what, server: server @ None, .. } = &mut failure.error {
            // The question itself ends here too when the server does not know its own version.
            if !what.contains(instance::sys_version_key().kind.name) {
                let brief = call.again_within(VERSION_LIMIT.min(call.remaining()));
                *server = Box::pin(self.server_version(&brief)).await.ok();
            }
        }
        failure
    }

    pub(crate) fn state(&self) -> StateClient<Transport> {
        StateClient::new(self.inner.transport.clone())
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE)
    }

    pub(crate) fn management(&self) -> ManagementServiceClient<Transport> {
        ManagementServiceClient::new(self.inner.transport.clone())
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE)
    }

    pub(crate) fn resources(&self) -> ResourceServiceClient<Transport> {
        ResourceServiceClient::new(self.inner.transport.clone())
    }
}
