//! Errors of the store, with the messages and codes of Omni.
//! It knows no rules and no roles.

use crate::object::Key;
use std::fmt;
use std::sync::Arc;
use tonic::{Code, Status};

/// What a caller asked of the store; Omni's texts begin with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// To make an object.
    Create,
    /// To replace it, or to tear it down.
    Update,
    /// To take it away.
    Destroy,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Destroy => "destroy",
        })
    }
}

/// Why a write was refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is no such object.
    #[error("resource {} doesn't exist", Name(key, 0))]
    Missing {
        /// The object.
        key: Key,
    },
    /// There is one already.
    #[error("resource {} already exists", Name(key, 0))]
    Exists {
        /// The object.
        key: Key,
    },
    /// The caller has read an older version.
    ///
    /// A running Omni 1.6.6 showed the numbers as characters. No later release is known to show them otherwise, so
    /// all releases here do; a client that reads them would be wrong with the one that is known.
    #[error(
        "resource {} update conflict: expected version {}, actual version {}",
        Name(key, *stored), Rune(*sent), Rune(*stored)
    )]
    Conflict {
        /// The object.
        key: Key,
        /// What the caller has read.
        sent: u64,
        /// What there is.
        stored: u64,
    },
    /// Somebody else owns it.
    #[error("resource {} is owned by {owner:?}", Name(key, *version))]
    Owned {
        /// The object.
        key: Key,
        /// Its version.
        version: u64,
        /// Its owner.
        owner: String,
    },
    /// It is not in the phase that the caller expected.
    #[error("resource {} is not in phase {}", Name(key, *version), phase_name(*tearing_down))]
    Phase {
        /// The object.
        key: Key,
        /// Its version.
        version: u64,
        /// The phase that the caller expected.
        tearing_down: bool,
    },
    /// Somebody still has to clean up.
    #[error("resource {} has pending finalizers &[{}]", Name(key, *version), finalizers.join(" "))]
    Held {
        /// The object.
        key: Key,
        /// Its version.
        version: u64,
        /// Who, by name.
        finalizers: Vec<String>,
    },
    /// Metadata and options of a create name different owners.
    #[error("owner is already set to {owner:?}")]
    OwnerSet {
        /// The owner in the metadata.
        owner: String,
    },
    /// The server has ended.
    #[error("the server has stopped")]
    Closed,
    /// The disk refuses, and what it holds is not certain any more.
    #[error("cannot write to the data folder; the simulator has to be started again")]
    Journal(#[source] Arc<std::io::Error>),
    /// The disk refuses this write, and holds what was written before it.
    #[error("cannot write to the data folder, so nothing was changed; make room there")]
    Refused(#[source] Arc<std::io::Error>),
}

impl StoreError {
    /// The answer to a caller.
    #[must_use]
    pub fn status(&self, verb: Verb) -> Status {
        let code = match self {
            Self::Missing { .. } => Code::NotFound,
            Self::Exists { .. } => Code::AlreadyExists,
            Self::Conflict { .. } | Self::Held { .. } => Code::FailedPrecondition,
            Self::Owned { .. } => Code::PermissionDenied,
            Self::Phase { .. } => Code::InvalidArgument,
            Self::OwnerSet { .. } => Code::Unknown,
            Self::Closed => Code::Unavailable,
            Self::Journal(_) | Self::Refused(_) => Code::Internal,
        };
        match self {
            // This one comes before anything is tried.
            Self::OwnerSet { .. } => Status::new(code, self.to_string()),
            // A status has no cause beside its text.
            Self::Journal(cause) | Self::Refused(cause) => {
                Status::new(code, format!("failed to {verb}: {self}: {cause}"))
            }
            _ => Status::new(code, format!("failed to {verb}: {self}")),
        }
    }

    /// The answer to a read that finds nothing; reads past the cache say so.
    #[must_use]
    pub fn missing(key: &Key, cached: bool) -> Status {
        let text = Self::Missing { key: key.clone() };
        Status::not_found(if cached { text.to_string() } else { format!("failed to get: {text}") })
    }
}

/// The name of a phase on the wire.
pub(crate) fn phase_name(tearing_down: bool) -> &'static str {
    if tearing_down { "tearingDown" } else { "running" }
}

/// An object and its version, as texts name it; version 0 is one that is not stored.
struct Name<'a>(&'a Key, u64);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { namespace, kind, id } = self.0;
        write!(f, "{kind}({namespace}/{id}@")?;
        match self.1 {
            0 => f.write_str("undefined)"),
            version => write!(f, "{version})"),
        }
    }
}

/// A version as conflict texts show it: as the quoted character of that number.
struct Rune(u64);

impl fmt::Display for Rune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = u32::try_from(self.0).ok();
        match code.and_then(char::from_u32) {
            Some('\u{7}') => f.write_str(r"'\a'"),
            Some('\u{8}') => f.write_str(r"'\b'"),
            Some('\t') => f.write_str(r"'\t'"),
            Some('\n') => f.write_str(r"'\n'"),
            Some('\u{b}') => f.write_str(r"'\v'"),
            Some('\u{c}') => f.write_str(r"'\f'"),
            Some('\r') => f.write_str(r"'\r'"),
            Some('\\') => f.write_str(r"'\\'"),
            Some('\'') => f.write_str(r"'\''"),
            Some(c) if u32::from(c) < 0x20 || u32::from(c) == 0x7f => write!(f, "'\\x{:02x}'", u32::from(c)),
            Some(c) if c.is_ascii() || c.is_alphanumeric() => write!(f, "'{c}'"),
            Some(c) if u32::from(c) < 0x1_0000 => write!(f, "'\\u{:04x}'", u32::from(c)),
            Some(c) => write!(f, "'\\U{:08x}'", u32::from(c)),
            None => f.write_str("'\u{fffd}'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_characters() {
        for (version, text) in [
            (0, r"'\x00'"),
            (1, r"'\x01'"),
            (7, r"'\a'"),
            (10, r"'\n'"),
            (27, r"'\x1b'"),
            (39, r"'\''"),
            (65, "'A'"),
            (128, r"'\u0080'"),
        ] {
            assert_eq!(Rune(version).to_string(), text, "{version}");
        }
    }

    #[test]
    fn texts_and_codes() {
        let key = Key { namespace: "default".into(), kind: "MachineClasses.omni.sidero.dev".into(), id: "a".into() };
        let cases = [
            (
                StoreError::Exists { key: key.clone() },
                Verb::Create,
                Code::AlreadyExists,
                "failed to create: resource MachineClasses.omni.sidero.dev(default/a@undefined) already exists",
            ),
            (
                StoreError::Conflict { key: key.clone(), sent: 1, stored: 2 },
                Verb::Update,
                Code::FailedPrecondition,
                r"failed to update: resource MachineClasses.omni.sidero.dev(default/a@2) update conflict: expected version '\x01', actual version '\x02'",
            ),
            (
                StoreError::Owned { key: key.clone(), version: 1, owner: "Somebody".into() },
                Verb::Destroy,
                Code::PermissionDenied,
                "failed to destroy: resource MachineClasses.omni.sidero.dev(default/a@1) is owned by \"Somebody\"",
            ),
            (
                StoreError::Phase { key: key.clone(), version: 3, tearing_down: true },
                Verb::Update,
                Code::InvalidArgument,
                "failed to update: resource MachineClasses.omni.sidero.dev(default/a@3) is not in phase tearingDown",
            ),
            (
                StoreError::Held { key, version: 27, finalizers: vec!["A".into(), "B".into()] },
                Verb::Destroy,
                Code::FailedPrecondition,
                "failed to destroy: resource MachineClasses.omni.sidero.dev(default/a@27) has pending finalizers &[A B]",
            ),
        ];
        for (error, verb, code, text) in cases {
            let status = error.status(verb);
            assert_eq!((status.code(), status.message()), (code, text));
        }
    }
}
