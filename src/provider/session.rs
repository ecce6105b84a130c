//! The session that the provider block configures: the client, and the settings that all resources and data sources share.

use super::handover::Handover;
use super::host_command::Host;
use super::key_lock::KeyLocks;
use super::ledger::Ledger;
use super::timeouts::Timeouts;
use crate::omni::Client;
use crate::provider::objects::cluster::lock::Locks;
use crate::tf::diag::Diagnostic;
use crate::tf::path::Path;
use kit::clock::Clock;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};

/// What to do when an object was changed between plan and apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnConflict {
    /// Stop, and say what changed.
    #[default]
    Fail,
    /// Write the planned values all the same.
    Overwrite,
}

/// The labels and annotations that the provider block gives to every object.
/// A value that is not known yet is `None`, and so is a map of which nothing is known.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) labels: Option<BTreeMap<String, Option<String>>>,
    pub(crate) annotations: Option<BTreeMap<String, Option<String>>>,
}

/// There are none.
impl Default for Defaults {
    fn default() -> Self {
        Self { labels: Some(BTreeMap::new()), annotations: Some(BTreeMap::new()) }
    }
}

/// What becomes of an operation whose object is written, and not ready in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnWaitTimeout {
    /// It ends well, with a warning.
    #[default]
    Warn,
    /// It ends with an error, so that the host marks a new object for replacement.
    Fail,
}

/// A configured provider.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// Where the time of day comes from.
    pub(crate) clock: Arc<dyn Clock>,
    /// A random name of this run, by which what one apply makes is told from what another one makes.
    pub(crate) run: String,
    /// No write leaves the process.
    pub(crate) read_only: bool,
    /// Where the resource does not say: whether to wait until what was made is in use.
    pub(crate) wait_for_ready: bool,
    /// An object that is there already is taken over instead of refused.
    pub(crate) adopt_existing: bool,
    pub(crate) on_conflict: OnConflict,
    pub(crate) on_wait_timeout: OnWaitTimeout,
    /// What the "managed by" annotation says.
    pub(crate) managed_by: String,
    /// Labels and annotations of every object that is written.
    pub(crate) defaults: Defaults,
    pub(crate) timeouts: Timeouts,
    /// Whose turn it is with which object.
    pub(crate) key_locks: KeyLocks,
    /// What this run has read, planned and done so far.
    pub(crate) ledger: Ledger,
    /// Which objects change their address, as the plan of the same host process has noted.
    pub(crate) handover: Handover,
    /// How the host was called, as far as that can be seen.
    pub(crate) host: Arc<Host>,
    /// What this run makes of the locks of clusters.
    pub(crate) locks: Locks,
    /// Whether this run accepts the licence of the instance, before which Omni refuses everything else.
    pub(crate) accepts_licence: AtomicBool,
}

impl Session {
    /// Refuses a write when the provider is read-only; called before anything is sent.
    pub(crate) fn may_write(&self, operation: &str, what: &str) -> Result<(), Diagnostic> {
        if !self.read_only {
            return Ok(());
        }
        Err(Diagnostic::error(
            format!("Read-only provider refuses to {operation} {what}"),
            format!(
                "The provider is configured with `read_only = true` (or `OMNI_READ_ONLY`), \
                 so it stopped before the operation \"{operation}\" on {what} was sent to Omni."
            ),
        )
        .hint("Remove `read_only` from the provider block, or use this configuration for plans only."))
    }
}

/// How far the configuration of the provider has come.
#[derive(Clone, Default)]
pub(crate) enum State {
    /// Not configured, as during validation.
    #[default]
    Unconfigured,
    /// The configuration depends on values that are not known before apply: these attributes.
    /// What every object gets may be known all the same.
    Deferred(Vec<&'static str>, Defaults),
    /// The configuration was refused, and has been reported.
    Refused,
    /// Ready.
    Ready(Arc<Session>),
}

/// Leads resources and data sources to the session; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Handle(Arc<RwLock<State>>);

impl Handle {
    pub(crate) fn put(&self, state: State) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn state(&self) -> State {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The session if there is one; plans look at the server only then.
    pub(crate) fn ready(&self) -> Option<Arc<Session>> {
        match self.state() {
            State::Ready(session) => Some(session),
            _ => None,
        }
    }

    /// Whether the provider waits for values that are known only after apply.
    pub(crate) fn is_deferred(&self) -> bool {
        matches!(self.state(), State::Deferred(..))
    }

    /// The labels and annotations that the provider block gives to every object.
    pub(crate) fn defaults(&self) -> Defaults {
        match self.state() {
            State::Ready(session) => session.defaults.clone(),
            State::Deferred(_, defaults) => defaults,
            State::Unconfigured | State::Refused => Defaults::default(),
        }
    }

    /// The session, or why there is none.
    pub(crate) fn session(&self) -> Result<Arc<Session>, Diagnostic> {
        match self.state() {
            State::Ready(session) => Ok(session),
            State::Deferred(attributes, _) => {
                let list = attributes.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", ");
                Err(Diagnostic::error(
                    "Provider configuration is not known yet",
                    format!("The provider arguments {list} depend on values that are known only after apply."),
                )
                .hint("Create their dependencies first, for example with `terraform apply -target`, or set them from a value that is known at plan time."))
            }
            State::Unconfigured | State::Refused => Err(Diagnostic::error(
                "Provider is not configured",
                "The provider has no connection to Omni.",
            )
            .hint("Set `endpoint` and `service_account_key` in the provider block, or OMNI_ENDPOINT and OMNI_SERVICE_ACCOUNT_KEY in the environment.")),
        }
    }
}

/// The path of a top-level attribute.
pub(crate) fn at(name: &str) -> Path {
    Path::of(name)
}
