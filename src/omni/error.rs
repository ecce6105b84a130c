//! Errors of calls to Omni.
//! Callers decide by [`ErrorKind`], never by text.

use super::state::Key;
use kit::go_duration::short;
use std::time::Duration;

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The object does not exist.
    NotFound,
    /// The object exists already.
    AlreadyExists,
    /// The object was changed since it was read (optimistic concurrency).
    Conflict,
    /// A controller owns the object.
    OwnerConflict,
    /// The object is in another phase than the call expects, such as being torn down.
    PhaseConflict,
    /// The object cannot be destroyed while it has finalizers.
    Finalizers,
    /// Omni refuses the content of the object.
    Validation,
    /// The role or the access policy does not allow the call.
    Denied,
    /// The signature was refused.
    Unauthenticated,
    /// The server did not respond, or asks to try again.
    Unavailable,
    /// The server does not have the RPC or the type.
    Unimplemented,
    /// The licence of the instance has not been accepted.
    LicenceGate,
    /// The deadline of the operation has passed.
    Timeout,
    /// The operation was cancelled.
    Cancelled,
    /// The configuration of the client is invalid; nothing was sent.
    Config,
    /// Any other error, most likely a defect.
    Other,
}

/// An error of a call.
///
/// ```
/// use terraform_provider_omni::omni::{Error, ErrorKind};
///
/// let lost = |maybe_sent| Error::Transport {
///     endpoint: "https://omni.example.com:443".to_owned(),
///     message: "connection reset".to_owned(),
///     maybe_sent,
///     setting: "endpoint",
/// };
/// assert!(lost(true).is(ErrorKind::Unavailable));
/// // A write whose response got lost may have taken effect; one that was never sent has not.
/// assert!(lost(true).may_have_happened());
/// assert!(!lost(false).may_have_happened());
/// ```
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration of the client is invalid; found before anything was sent.
    #[error("{message}")]
    Config {
        /// The setting: `endpoint`, `service_account_key`, `ca_certificate`, ….
        setting: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The server responded with an error.
    #[error("{message}")]
    Status {
        /// The kind of the error.
        kind: ErrorKind,
        /// The message of the server, cleaned up; for [`ErrorKind::Validation`] see `problems`.
        message: String,
        /// The problems that the server listed.
        problems: Vec<String>,
        /// The object of the call, if it has one.
        key: Option<Key>,
        /// The full method name.
        method: &'static str,
    },
    /// The signature was refused. The server never says why; the client checks the likely reasons.
    #[error("Omni did not accept the request's signature")]
    Unauthenticated {
        /// The likely reason, as a sentence, if the client found one.
        reason: Option<String>,
    },
    /// The server did not respond.
    #[error("no answer from `{endpoint}`: {message}")]
    Transport {
        /// The endpoint of the call.
        endpoint: String,
        /// What failed.
        message: String,
        /// Whether the server may have received the request.
        maybe_sent: bool,
        /// The setting that is most likely wrong: `endpoint`, or one that the connection needs.
        setting: &'static str,
    },
    /// The deadline has passed.
    #[error("gave up after {} while waiting for {what}", short(*.after))]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long the operation may take.
        after: Duration,
    },
    /// The deadline has passed while the server was away.
    #[error("gave up after {} while waiting for {what}", short(*.after))]
    Away {
        /// What was waited for.
        what: String,
        /// How long the operation may take.
        after: Duration,
        /// The last error of the connection.
        #[source]
        last: Box<Error>,
    },
    /// The operation was cancelled.
    #[error("stopped while waiting for {what}")]
    Cancelled {
        /// What was waited for.
        what: String,
    },
    /// An object could not be destroyed, since finalizers are left.
    #[error("`{key}` still exists after {}: {} {} pending", short(*.after), if .finalizers.len() == 1 { "finalizer" } else { "finalizers" }, quoted(.finalizers))]
    Stuck {
        /// The object.
        key: Key,
        /// The controllers that did not clean up.
        finalizers: Vec<String>,
        /// How long the operation may take.
        after: Duration,
    },
    /// The server does not have the RPC or the type: it is too old or too new.
    #[error("this Omni does not know {what}{}{}", needs.map(|v| format!("; that needs Omni {v} or later")).unwrap_or_default(), server.as_ref().map(|v| format!(" (the server says that it is {v})")).unwrap_or_default())]
    Unsupported {
        /// The RPC or the type.
        what: String,
        /// The first release of Omni that has it, if known.
        needs: Option<&'static str>,
        /// The version of the server, if it could be read.
        server: Option<String>,
        /// The full method name.
        method: &'static str,
    },
    /// A write that may or may not have taken effect, with its last error.
    #[error(transparent)]
    Open(Box<Error>),
    /// A write that did not take effect: a read has shown it, or nothing was sent.
    #[error(transparent)]
    Undone(Box<Error>),
    /// The server sent something that cannot be decoded.
    #[error("could not read {what}")]
    Decode {
        /// What could not be decoded.
        what: String,
        /// The error of the decoder.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The kind of the error, by which callers decide.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { .. } => ErrorKind::Config,
            Self::Status { kind, .. } => *kind,
            Self::Unauthenticated { .. } => ErrorKind::Unauthenticated,
            Self::Transport { .. } => ErrorKind::Unavailable,
            Self::Timeout { .. } | Self::Away { .. } | Self::Stuck { .. } => ErrorKind::Timeout,
            Self::Unsupported { .. } => ErrorKind::Unimplemented,
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::Decode { .. } => ErrorKind::Other,
            Self::Open(error) | Self::Undone(error) => error.kind(),
        }
    }

    /// Whether a write with this error may have taken effect nevertheless.
    ///
    /// Only `NotFound`, `AlreadyExists`, `PermissionDenied`, `Unauthenticated`, `InvalidArgument`,
    /// `FailedPrecondition` and `Unimplemented` mean that it has not. After any other response, and without one, the
    /// client reads the object to find out: then the error is [`Error::Open`] or [`Error::Undone`].
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Transport { maybe_sent, .. } => *maybe_sent,
            Self::Status { kind, .. } => matches!(kind, ErrorKind::Unavailable | ErrorKind::Other),
            Self::Timeout { .. } | Self::Away { .. } | Self::Cancelled { .. } | Self::Decode { .. } | Self::Open(_) => {
                true
            }
            Self::Undone(_)
            | Self::Config { .. }
            | Self::Unauthenticated { .. }
            | Self::Unsupported { .. }
            | Self::Stuck { .. } => false,
        }
    }

    /// Whether the server itself reported the result, so that the call is not still in progress.
    #[must_use]
    pub(crate) fn is_final_word(&self) -> bool {
        match self {
            Self::Status { kind, .. } => *kind != ErrorKind::Unavailable,
            Self::Unauthenticated { .. } | Self::Unsupported { .. } => true,
            _ => false,
        }
    }

    /// The same error, marked with what is now known: whether the write may have taken effect.
    #[must_use]
    pub fn settled(self, open: bool) -> Self {
        let error = match self {
            Self::Open(error) | Self::Undone(error) => *error,
            error => error,
        };
        match (open, error.may_have_happened()) {
            (true, false) => Self::Open(Box::new(error)),
            (false, true) => Self::Undone(Box::new(error)),
            _ => error,
        }
    }

    /// The error without that mark.
    #[must_use]
    pub fn cause(&self) -> &Self {
        match self {
            Self::Open(error) | Self::Undone(error) => error.cause(),
            error => error,
        }
    }

    /// The same as an owned error.
    #[must_use]
    pub(crate) fn into_cause(self) -> Self {
        match self {
            Self::Open(error) | Self::Undone(error) => error.into_cause(),
            error => error,
        }
    }

    /// What ended the connection that a wait ran out without.
    #[must_use]
    pub(crate) fn last_of_connection(&self) -> Option<&Self> {
        match self.cause() {
            Self::Away { last, .. } => Some(last),
            _ => None,
        }
    }

    /// Whether [`Error::kind`] is this one.
    #[must_use]
    pub fn is(&self, kind: ErrorKind) -> bool {
        self.kind() == kind
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::omni::spec::Spec;
    use omni_proto::specs::ClusterSpec;

    #[test]
    fn only_what_was_refused_or_never_sent_is_certain() {
        let transport = |maybe_sent| Error::Transport {
            endpoint: "https://o".into(),
            message: "it broke".into(),
            maybe_sent,
            setting: "endpoint",
        };
        let status = |kind| Error::Status {
            kind,
            message: "no".into(),
            problems: Vec::new(),
            key: None,
            method: "/cosi.resource.State/Create",
        };
        for (error, open) in [
            (transport(true), true),
            (transport(false), false),
            (Error::Timeout { what: "it".into(), after: Duration::ZERO }, true),
            (Error::Away { what: "it".into(), after: Duration::ZERO, last: Box::new(transport(false)) }, true),
            (Error::Cancelled { what: "it".into() }, true),
            (Error::Unauthenticated { reason: None }, false),
            (Error::Config { setting: "endpoint", message: "no".into() }, false),
            (Error::Decode { what: "it".into(), source: "no".into() }, true),
            (status(ErrorKind::NotFound), false),
            (status(ErrorKind::AlreadyExists), false),
            (status(ErrorKind::Denied), false),
            (status(ErrorKind::OwnerConflict), false),
            (status(ErrorKind::Validation), false),
            (status(ErrorKind::PhaseConflict), false),
            (status(ErrorKind::Conflict), false),
            (status(ErrorKind::Finalizers), false),
            (status(ErrorKind::LicenceGate), false),
            (status(ErrorKind::Unavailable), true),
            (status(ErrorKind::Other), true),
        ] {
            assert_eq!(error.may_have_happened(), open, "{error:?}");
            let (text, kind) = (error.to_string(), error.kind());
            for known in [!open, open] {
                let settled = match error.cause() {
                    Error::Status { kind, .. } => status(*kind).settled(known),
                    Error::Transport { maybe_sent, .. } => transport(*maybe_sent).settled(known),
                    _ => continue,
                };
                assert_eq!(settled.may_have_happened(), known, "{settled:?}");
                assert_eq!((settled.to_string(), settled.kind()), (text.clone(), kind), "it reads the same");
            }
        }
    }

    #[test]
    fn texts() {
        let key = ClusterSpec::KIND.key("prod");
        let table = [
            (
                Error::Stuck { key: key.clone(), finalizers: vec!["A".into()], after: Duration::from_secs(30) },
                "`Clusters.omni.sidero.dev/prod` still exists after 30s: finalizer `A` pending",
            ),
            (
                Error::Stuck { key, finalizers: vec!["A".into(), "B".into()], after: Duration::from_secs(300) },
                "`Clusters.omni.sidero.dev/prod` still exists after 5m: finalizers `A`, `B` pending",
            ),
            (
                Error::Unsupported { what: "`Teardown`".into(), needs: None, server: None, method: "/x" },
                "this Omni does not know `Teardown`",
            ),
            (
                Error::Unsupported {
                    what: "`Teardown`".into(),
                    needs: Some("1.9"),
                    server: Some("v1.6.6".into()),
                    method: "/x",
                },
                "this Omni does not know `Teardown`; that needs Omni 1.9 or later (the server says that it is v1.6.6)",
            ),
            (
                Error::Timeout { what: "the cluster".into(), after: Duration::from_millis(20) },
                "gave up after 20ms while waiting for the cluster",
            ),
        ];
        for (error, text) in table {
            assert_eq!(error.to_string(), text);
        }
    }
}
