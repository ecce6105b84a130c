//! COSI resources as the client sees them, and the calls that read and write them.

mod client;
pub(crate) mod modify;
pub mod query;
pub(crate) mod recent_writes;
mod remove;
mod unseen;
pub mod watch;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::fmt;

/// A type of resource and the namespace that its objects live in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// The namespace: `default`.
    pub namespace: &'static str,
    /// The type: `Clusters.omni.sidero.dev`.
    pub name: &'static str,
}

impl Kind {
    /// The key of the object with this id.
    pub fn key(self, id: impl Into<String>) -> Key {
        Key { kind: self, id: id.into() }
    }

    /// Whether the ids of its objects are secrets: whoever knows the id of a join token can join.
    /// No text that is made here shows such an id.
    #[must_use]
    pub fn hides_ids(self) -> bool {
        matches!(self.name, "JoinTokens.omni.sidero.dev" | "JoinTokenStatuses.omni.sidero.dev")
    }
}

/// What stands in texts in the place of a secret.
pub(crate) const HIDDEN: &str = "(sensitive value)";

/// What names an object.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Its type and namespace.
    pub kind: Kind,
    /// Its id within them.
    pub id: String,
}

impl Key {
    /// The id as texts may show it.
    fn shown(&self) -> &str {
        if self.kind.hides_ids() { HIDDEN } else { &self.id }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name, self.shown())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kind", &self.kind).field("id", &self.shown()).finish()
    }
}

/// Where an object is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// In use.
    #[default]
    Running,
    /// On its way out; stays until no finalizer is left.
    TearingDown,
}

/// The metadata of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// The version, which every write raises; `None` for an object that is not stored yet.
    pub version: Option<u64>,
    /// The controller that owns the object; empty for one that users made.
    pub owner: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// When it was made.
    pub created: Option<prost_types::Timestamp>,
    /// When it was last written.
    pub updated: Option<prost_types::Timestamp>,
    /// Who still has to clean up before it can go.
    pub finalizers: Vec<String>,
    /// Labels: objects are found by them.
    pub labels: BTreeMap<String, String>,
    /// Annotations: notes on the object.
    pub annotations: BTreeMap<String, String>,
}

/// An object: its key, its metadata, and its spec in encoded form, so that fields this build does not know stay in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// What names it.
    pub key: Key,
    /// Its metadata.
    pub metadata: Metadata,
    /// The encoded spec.
    pub spec: Vec<u8>,
    /// The spec as the server renders it; the only readable form of a spec that is stored compressed.
    pub yaml: String,
}

#[cfg(test)]
mod tests {
    use super::*;

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
