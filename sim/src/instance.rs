//! A running simulated server, and operations of tests and demos on it.

use super::accounts::{self, KeyError, LIFETIME, Limits, Minting, Registry};
use super::audit::{self, AuditLog};
use super::auth::Authenticator;
use super::bootstrap;
use super::connection::Connections;
use super::controllers;
use super::driver::{Driver, Mode, NotConverged};
use super::faults::Faults;
use super::interceptor::Interceptor;
use super::kinds::Role;
use super::management::ManagementService;
use super::options::Options;
use super::outage::Outage;
use super::requests::{Request, Requests};
use super::resource_service::ResourceService;
use super::rules;
use super::server::{self, Door};
use super::sign_in::SignIn;
use super::state_service::StateService;
use super::store::{self, JournalError, Store, StoreError};
use super::time::AheadClock;
use super::tls::{Tls, TlsError};
use super::upgrade;
use super::world;
use super::worlds::{self, WorldError};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// The secret that holds the key of the first service account.
const FIRST_KEY: &str = "service-account-key";

/// Why a simulated server does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The address is taken, or is not ours.
    #[error("cannot listen on {address}; name another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The data folder cannot be used.
    #[error("cannot load the state of an earlier run")]
    Data(#[from] JournalError),
    /// The audit log of an earlier run cannot be used.
    #[error("cannot use the audit log of an earlier run")]
    Audit(#[source] std::io::Error),
    /// The state of a new server cannot be kept.
    #[error("cannot keep the state of the new server")]
    Store(#[from] StoreError),
    /// The world cannot be.
    #[error("cannot make the world that the server should hold")]
    World(#[from] WorldError),
    /// The world never comes to rest.
    #[error("cannot bring the world to rest that the server should hold")]
    NotConverged(#[from] NotConverged),
    /// No key can be made.
    #[error("cannot set up the first service account")]
    Key(#[from] KeyError),
    /// No certificate can be made.
    #[error("cannot serve TLS")]
    Tls(#[from] TlsError),
}

/// A running simulated server; it stops when this is dropped.
pub struct Sim {
    store: Store,
    driver: Driver,
    clock: Arc<AheadClock>,
    faults: Arc<Faults>,
    requests: Requests,
    endpoint: String,
    key: String,
    ca_pem: Option<String>,
    stop: CancellationToken,
    connections: Connections,
    outage: Outage,
    tasks: Vec<JoinHandle<()>>,
}

impl Sim {
    /// Starts a server; has to be called within a Tokio runtime.
    ///
    /// # Errors
    /// When it cannot listen, or cannot load or keep its state.
    pub async fn start(options: Options) -> Result<Self, SimError> {
        let address = options.listen;
        let fail = |source| SimError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(fail)?;
        let local = listener.local_addr().map_err(fail)?;
        let scheme = if options.tls { "https" } else { "grpc" };
        let endpoint = format!("{scheme}://{local}");
        let advertised = options.advertised.clone().unwrap_or_else(|| endpoint.clone());

        let clock = Arc::new(AheadClock::new(options.clock.clone()));
        let store = Store::open(clock.clone(), options.lag, options.data.as_deref())?;
        let kept = store.secret(FIRST_KEY).and_then(|bytes| String::from_utf8(bytes).ok());
        let is_new = kept.is_none();
        if is_new {
            // Either there is nothing, or a server was killed while it was set up; half a world is of no use.
            store.reset();
        }
        let first = kept.ok_or_else(|| Minting::begin(&store, &options.account, LIFETIME));
        if let Some(folder) = &options.data {
            store::regular(&folder.join(audit::FILE))?;
        }
        let audit = AuditLog::open(options.data.as_deref()).map_err(SimError::Audit)?;
        store.tell(Arc::new(audit.clone()));
        let before = rules::release(&store.view());
        world::seed(&store, options.machines, options.release);
        if !is_new {
            upgrade::run(&store, before, options.release);
        }
        bootstrap::auth(&store, options.suspended);
        match &options.world {
            Some(told) if is_new => worlds::populate(&store, told)?,
            _ => worlds::stored(&store).map_or(Ok(()), |told| worlds::apply_instance_settings(&store, &told))?,
        }
        let key = first.or_else(|minting| first_key(&store, minting))?;
        let tls = if options.tls { Some(Tls::new(&store, local.ip())?) } else { None };
        store.sync_whole()?;
        // Nobody can have read anything yet: what the server starts with is no news.
        store.refresh_cache();

        let driver = Driver::new(store.clone(), controllers::all(), options.release);
        if is_new && options.world.is_some() {
            driver.settle()?;
            store.sync_whole()?;
            store.refresh_cache();
        }
        let faults = Arc::new(Faults::default());
        options.faults.iter().for_each(|fault| faults.add(fault.clone()));
        let (stop, connections) = (CancellationToken::new(), Connections::default());
        let outage = Outage::new(clock.clone(), connections.clone());
        let requests = Requests::default();
        let interceptor = Interceptor {
            store: store.clone(),
            authenticator: Arc::new(Authenticator::new(store.clone())),
            faults: faults.clone(),
            outage: outage.clone(),
            requests: requests.clone(),
            release: options.release,
            delay: options.delay,
            suspended: options.suspended,
            endpoint: endpoint.clone(),
        };
        let state = StateService {
            store: store.clone(),
            faults: faults.clone(),
            outage: outage.clone(),
            release: options.release,
            endpoint: advertised.clone(),
        };
        let ca_pem = tls.as_ref().map(|tls| tls.ca_pem.clone());
        let management =
            ManagementService::new(store.clone(), advertised, ca_pem.clone(), audit).with_limits(options.limits);
        let sign_in = SignIn::new(store.clone(), &endpoint, options.confirm_keys);
        let resources = ResourceService { store: store.clone(), release: options.release, endpoint: endpoint.clone() };
        let routes = server::services(state, management, resources, sign_in);
        let door = Door {
            listener,
            tls: tls.map(|tls| TlsAcceptor::from(tls.config)),
            faults: faults.clone(),
            outage: outage.clone(),
            connections: connections.clone(),
            patience: options.handshake,
        };
        let serving = server::serve(door, interceptor, routes, stop.clone());
        let mut tasks = vec![tokio::spawn(serving)];
        if let Mode::Auto { tick } = options.mode {
            let (driver, stop) = (driver.clone(), stop.clone());
            tasks.push(tokio::spawn(async move {
                tokio::select! {
                    () = driver.run(tick) => {}
                    () = stop.cancelled() => {}
                }
            }));
        }
        Ok(Self { store, driver, clock, faults, requests, endpoint, key, ca_pem, stop, connections, outage, tasks })
    }

    /// Where it is reached: `grpc://127.0.0.1:34567`, or `https://…` with TLS.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The key of the first service account, an Admin, as clients read it from their environment.
    #[must_use]
    pub fn service_account_key(&self) -> &str {
        &self.key
    }

    /// The keys of the service accounts that came with the world, by name.
    #[must_use]
    pub fn service_account_keys(&self) -> Vec<(String, String)> {
        worlds::service_account_keys(&self.store)
    }

    /// What people should know of the data that the server started with.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.store.torn().map(|torn| torn.to_string()).into_iter().collect()
    }

    /// The certificate that vouches for the server; none without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The key of a new service account with this role.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn key_for(&self, role: Role) -> Result<String, KeyError> {
        let name = format!("{}-{}", role.name().to_lowercase(), uuid::Uuid::new_v4().simple());
        self.mint(&name, role, LIFETIME)
    }

    /// The key of a new service account with this name, role and lifetime.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn mint(&self, name: &str, role: Role, lifetime: Duration) -> Result<String, KeyError> {
        accounts::mint(&self.store, name, role, lifetime)
    }

    /// Signs a person in, and returns the key in armor, as clients keep it after a login.
    ///
    /// # Errors
    /// When there is no such person, or no key can be made.
    pub fn sign_in(&self, email: &str) -> Result<String, KeyError> {
        accounts::sign_in(&self.store, email)
    }

    /// Lets a person's key be used, as if its owner had followed the link; says whose it is.
    pub fn confirm_key(&self, id: &str) -> Option<String> {
        Registry::new(&self.store, Limits::default()).confirm_key(id)
    }

    /// The objects.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Lets every controller take one step, and says whether any did something.
    pub fn step(&self) -> bool {
        self.driver.step()
    }

    /// Steps until nothing happens any more; says how many steps did something.
    ///
    /// # Errors
    /// When that never comes to pass.
    pub fn settle(&self) -> Result<usize, NotConverged> {
        self.driver.settle()
    }

    /// Moves the server's clock forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.outage.clock_moved();
    }

    /// What goes wrong on purpose.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The calls since the last [`Sim::forget_requests`], in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.all()
    }

    /// Forgets all calls so far.
    pub fn forget_requests(&self) {
        self.requests.clear();
    }

    /// Breaks all connections; new ones are welcome.
    pub fn drop_connections(&self) {
        self.connections.cut();
    }

    /// Goes away for this time of its clock, or until it is called back: nothing listens, and all connections break.
    /// Returns once nothing listens any more.
    pub async fn leave(&self, time: Option<Duration>) {
        self.outage.leave(time);
        self.outage.has_closed().await;
    }

    /// Comes back before its time.
    pub fn come_back(&self) {
        self.outage.come_back();
    }

    /// Stops, and returns once nothing runs any more.
    pub async fn stop(mut self) {
        self.halt();
        for task in std::mem::take(&mut self.tasks) {
            // A task that panicked has stopped too.
            drop(task.await);
        }
    }

    fn halt(&self) {
        self.stop.cancel();
        self.connections.cut();
        // Calls that are still on their way must not write to what the next server may have opened.
        self.store.close();
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.halt();
    }
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sim").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// The key of the first account, once it is made.
fn first_key(store: &Store, minting: Minting) -> Result<String, KeyError> {
    let key = minting.end(store, Role::Admin)?;
    // Last, so that a server that was killed on the way is set up anew.
    store.keep_secret(FIRST_KEY, key.clone().into_bytes());
    Ok(key)
}
