//! COSI resources, and the calls that read, write and watch them.

mod client;
mod listing;
pub(crate) mod modify;
pub mod query;
pub(crate) mod recent_writes;
mod remove;
pub(crate) mod snapshot;
mod unseen;
pub mod watch;
pub(crate) mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

pub use listing::Listing;

/// A COSI resource type and the namespace of its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// The namespace: `default`.
    pub namespace: &'static str,
    /// The type: `Clusters.omni.sidero.dev`.
    pub name: &'static str,
}

/// The names of types and namespaces that no table of this build has.
static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

impl Kind {
    /// A type that only a configuration names. Each name is kept as long as the process runs, once.
    #[must_use]
    pub fn named(namespace: &str, name: &str) -> Self {
        Self { namespace: leaked(namespace), name: leaked(name) }
    }

    /// The key of the object with this ID.
    pub fn key(self, id: impl Into<String>) -> Key {
        Key { kind: self, id: id.into() }
    }

    /// Whether the IDs of its objects are secrets: the ID of a join token lets machines join.
    /// No message and no log contains such an ID.
    #[must_use]
    pub fn hides_ids(self) -> bool {
        matches!(self.name, "JoinTokens.omni.sidero.dev" | "JoinTokenStatuses.omni.sidero.dev")
    }

    /// The ID of an object for messages: another text where it is a secret.
    #[must_use]
    pub fn display(self, id: &str) -> &str {
        if self.hides_ids() { HIDDEN } else { id }
    }
}

fn leaked(name: &str) -> &'static str {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name);
    name
}

/// What messages contain instead of a secret.
pub(crate) const HIDDEN: &str = "(sensitive value)";

/// Identifies an object: its type, namespace and ID.
///
/// ```
/// use terraform_provider_omni::omni::Kind;
///
/// for (name, text) in [
///     ("Clusters.omni.sidero.dev", "Clusters.omni.sidero.dev/prod"),
///     // The ID of a join token is a secret, so no message contains it.
///     ("JoinTokens.omni.sidero.dev", "JoinTokens.omni.sidero.dev/(sensitive value)"),
/// ] {
///     let key = Kind { namespace: "default", name }.key("prod");
///     assert_eq!((key.id.as_str(), key.to_string().as_str()), ("prod", text));
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The type and namespace.
    pub kind: Kind,
    /// The ID, unique within type and namespace.
    pub id: String,
}

impl Key {
    /// The ID for messages.
    fn display(&self) -> &str {
        self.kind.display(&self.id)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name, self.display())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kind", &self.kind).field("id", &self.display()).finish()
    }
}

/// The lifecycle phase of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// In use.
    #[default]
    Running,
    /// Being torn down: it exists until every finalizer is removed and it is destroyed.
    TearingDown,
}

/// The metadata of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// Incremented by every write, for optimistic concurrency; `None` for an object that is not stored yet.
    pub version: Option<u64>,
    /// The controller that owns the object; empty for an object of a user.
    pub owner: String,
    /// The lifecycle phase.
    pub phase: Phase,
    /// The time of the create.
    pub created: Option<prost_types::Timestamp>,
    /// The time of the last write.
    pub updated: Option<prost_types::Timestamp>,
    /// The controllers that must clean up before the object can be destroyed.
    pub finalizers: Vec<String>,
    /// Labels: queries select by them.
    pub labels: BTreeMap<String, String>,
    /// Annotations: queries do not select by them.
    pub annotations: BTreeMap<String, String>,
}

/// A COSI resource. Its spec is encoded, so that a write keeps fields that this build does not know.
///
/// ```
/// use terraform_provider_omni::omni::spec;
/// use omni_proto::specs::ClusterSpec;
///
/// let wanted = ClusterSpec { talos_version: "1.13.0".to_owned(), ..ClusterSpec::default() };
/// let resource = spec::resource("prod", &wanted);
/// assert_eq!(resource.key.to_string(), "Clusters.omni.sidero.dev/prod");
/// assert_eq!(resource.metadata.version, None);
/// assert_eq!(spec::decode::<ClusterSpec>(&resource).unwrap().talos_version, "1.13.0");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The type, namespace and ID.
    pub key: Key,
    /// Version, phase, labels and annotations.
    pub metadata: Metadata,
    /// The spec, encoded as its protobuf message.
    pub spec: Vec<u8>,
    /// The spec as YAML, rendered by the server; the only readable form of a spec that is stored compressed.
    pub yaml: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        let [one, two] = [Kind::named("default", "Things.example.org"), Kind::named("default", "Things.example.org")];
        assert_eq!(one, two);
        assert!(std::ptr::eq(one.name, two.name));
    }

    #[test]
    fn secret_ids_are_in_no_text() {
        for (name, hidden) in [
            ("JoinTokens.omni.sidero.dev", true),
            ("JoinTokenStatuses.omni.sidero.dev", true),
            ("Clusters.omni.sidero.dev", false),
        ] {
            let key = Kind { namespace: "default", name }.key("hush");
            for text in [key.to_string(), format!("{key:?}")] {
                assert_eq!(!text.contains("hush"), hidden, "{text}");
            }
        }
    }
}
