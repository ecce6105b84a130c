//! What can go wrong in a call to Omni, sorted into classes.
//! Callers decide by class, never by text.

use super::state::Key;
use std::time::Duration;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The object is not there.
    NotFound,
    /// The object is there already.
    AlreadyExists,
    /// Somebody else wrote first.
    Conflict,
    /// The object belongs to a controller.
    OwnerConflict,
    /// The object is being torn down, or is not.
    PhaseConflict,
    /// Finalizers are left.
    Finalizers,
    /// Omni refuses the content.
    Validation,
    /// The role does not suffice.
    Denied,
    /// The signature was not accepted.
    Unauthenticated,
    /// No answer, or none yet.
    Unavailable,
    /// The server does not know the call or the type.
    Unimplemented,
    /// The licence of the instance has not been accepted.
    LicenceGate,
    /// The limit of the operation has passed.
    Timeout,
    /// The operation was stopped.
    Cancelled,
    /// The configuration of the client is wrong; nothing was sent.
    Config,
    /// Anything else: most likely a defect.
    Other,
}

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something in the client's own configuration, found before anything was sent.
    #[error("{message}")]
    Config {
        /// Which setting is to blame: `endpoint`, `service_account_key`, `ca_certificate`, ….
        setting: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The server answered with an error.
    #[error("{message}")]
    Status {
        /// What kind of failure it is.
        class: Class,
        /// What the server said, tidied; for [`Class::Validation`] see `problems`.
        message: String,
        /// The problems that the server listed, if it listed any.
        problems: Vec<String>,
        /// The object of the call, if it was about one.
        key: Option<Key>,
        /// The full method name.
        method: &'static str,
    },
    /// The signature was refused; the server never says why, so this is what the client found out.
    #[error("Omni did not accept the request's signature")]
    Unauthenticated {
        /// The likely reason, as a sentence, if one was found.
        reason: Option<String>,
    },
    /// There was no answer.
    #[error("no answer from `{endpoint}`: {message}")]
    Transport {
        /// Where the call went.
        endpoint: String,
        /// What happened.
        message: String,
        /// Whether the server may have acted on the request.
        maybe_sent: bool,
    },
    /// The limit has passed.
    #[error("gave up after {} while waiting for {what}", humantime(*.after))]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
    },
    /// The operation was stopped.
    #[error("stopped while waiting for {what}")]
    Cancelled {
        /// What was waited for.
        what: String,
    },
    /// The server sent something that cannot be read.
    #[error("could not read {what}")]
    Decode {
        /// What could not be read.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// What kind of failure it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Config { .. } => Class::Config,
            Self::Status { class, .. } => *class,
            Self::Unauthenticated { .. } => Class::Unauthenticated,
            Self::Transport { .. } => Class::Unavailable,
            Self::Timeout { .. } => Class::Timeout,
            Self::Cancelled { .. } => Class::Cancelled,
            Self::Decode { .. } => Class::Other,
        }
    }

    /// Whether the failure is of this class.
    #[must_use]
    pub fn is(&self, class: Class) -> bool {
        self.class() == class
    }
}

fn humantime(d: Duration) -> String {
    match d.as_secs() {
        0 => format!("{} ms", d.as_millis()),
        s if s < 120 => format!("{s} s"),
        s => format!("{} min {} s", s / 60, s % 60),
    }
}
