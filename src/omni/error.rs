//! What can go wrong in a call to Omni, sorted by kind.
//! Callers decide by kind, never by text.

use super::state::Key;
use kit::go_duration::short;
use std::time::Duration;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
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
        kind: ErrorKind,
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
        /// Which setting the failure is most likely about: `endpoint`, or what the connection to it needs.
        setting: &'static str,
    },
    /// The limit has passed.
    #[error("gave up after {} while waiting for {what}", short(*.after))]
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
    /// An object could not be removed, since controllers hold on to it.
    #[error("`{key}` is still there after {}: {} {} pending", short(*.after), if .finalizers.len() == 1 { "finalizer" } else { "finalizers" }, quoted(.finalizers))]
    Stuck {
        /// The object.
        key: Key,
        /// Who still has to clean up.
        finalizers: Vec<String>,
        /// How long that was waited for.
        after: Duration,
    },
    /// The server is too old, or too new, for what was asked.
    #[error("this Omni does not know {what}{}{}", needs.map(|v| format!("; that needs Omni {v} or later")).unwrap_or_default(), server.as_ref().map(|v| format!(" (the server says that it is {v})")).unwrap_or_default())]
    Unsupported {
        /// The method or the type that was asked for.
        what: String,
        /// Which Omni has it first, if that is known.
        needs: Option<&'static str>,
        /// Which Omni the server says it is, if it does.
        server: Option<String>,
        /// The full method name.
        method: &'static str,
    },
    /// A write of which nobody knows whether it took effect, and what was found out last.
    #[error(transparent)]
    Open(Box<Error>),
    /// A write that certainly did not take effect: it was looked for, or nothing was sent.
    #[error(transparent)]
    Undone(Box<Error>),
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
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { .. } => ErrorKind::Config,
            Self::Status { kind, .. } => *kind,
            Self::Unauthenticated { .. } => ErrorKind::Unauthenticated,
            Self::Transport { .. } => ErrorKind::Unavailable,
            Self::Timeout { .. } | Self::Stuck { .. } => ErrorKind::Timeout,
            Self::Unsupported { .. } => ErrorKind::Unimplemented,
            Self::Cancelled { .. } => ErrorKind::Cancelled,
            Self::Decode { .. } => ErrorKind::Other,
            Self::Open(error) | Self::Undone(error) => error.kind(),
        }
    }

    /// Whether a write that failed in this way may have taken effect all the same.
    ///
    /// Only `NotFound`, `AlreadyExists`, `PermissionDenied`, `Unauthenticated`, `InvalidArgument`,
    /// `FailedPrecondition` and `Unimplemented` say that nothing happened. Any other answer, and none at all, leaves
    /// it open until somebody has looked: that is what [`Error::Open`] and [`Error::Undone`] are for.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Transport { maybe_sent, .. } => *maybe_sent,
            Self::Status { kind, .. } => matches!(kind, ErrorKind::Unavailable | ErrorKind::Other),
            Self::Timeout { .. } | Self::Cancelled { .. } | Self::Decode { .. } | Self::Open(_) => true,
            Self::Undone(_)
            | Self::Config { .. }
            | Self::Unauthenticated { .. }
            | Self::Unsupported { .. }
            | Self::Stuck { .. } => false,
        }
    }

    /// Whether the server itself said how the call went, so that nothing of it can still be under way.
    #[must_use]
    pub(crate) fn is_final_word(&self) -> bool {
        match self {
            Self::Status { kind, .. } => *kind != ErrorKind::Unavailable,
            Self::Unauthenticated { .. } | Self::Unsupported { .. } => true,
            _ => false,
        }
    }

    /// This failure of a write, now that it is known whether the write may have taken effect.
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

    /// The failure itself, without what became of the write.
    #[must_use]
    pub fn cause(&self) -> &Self {
        match self {
            Self::Open(error) | Self::Undone(error) => error.cause(),
            error => error,
        }
    }

    /// Whether the failure is of this kind.
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
    use crate::omni::spec::cluster;

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
        let key = cluster::ClusterSpec::KIND.key("prod");
        let table = [
            (
                Error::Stuck { key: key.clone(), finalizers: vec!["A".into()], after: Duration::from_secs(30) },
                "`Clusters.omni.sidero.dev/prod` is still there after 30s: finalizer `A` pending",
            ),
            (
                Error::Stuck { key, finalizers: vec!["A".into(), "B".into()], after: Duration::from_secs(300) },
                "`Clusters.omni.sidero.dev/prod` is still there after 5m: finalizers `A`, `B` pending",
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
