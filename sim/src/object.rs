//! Stored objects, and how controllers and rules look at them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What names an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Its namespace: `default`.
    pub namespace: String,
    /// Its type: `Clusters.omni.sidero.dev`.
    pub kind: String,
    /// Its id within them.
    pub id: String,
}

/// A stored object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// What names it.
    pub key: Key,
    /// Raised by every write; 1 after the first.
    pub version: u64,
    /// The controller that owns it; empty for users' objects.
    pub owner: String,
    /// Whether it is on its way out.
    pub tearing_down: bool,
    /// Who still has to clean up.
    pub finalizers: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Seconds and nanoseconds since 1970 at which it was made.
    pub created: (i64, i32),
    /// Seconds and nanoseconds since 1970 at which it was last written.
    pub updated: (i64, i32),
    /// The encoded spec, exactly as it was sent.
    pub spec: Vec<u8>,
}

impl Object {
    /// An object with this spec and nothing else, as it is before it is stored.
    #[must_use]
    pub fn new(key: Key, spec: Vec<u8>) -> Self {
        Self {
            key,
            version: 0,
            owner: String::new(),
            tearing_down: false,
            finalizers: Vec::new(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            created: (0, 0),
            updated: (0, 0),
            spec,
        }
    }
}

impl Object {
    /// The spec as a message; what cannot be read counts as empty.
    #[must_use]
    pub fn spec<M: prost::Message + Default>(&self) -> M {
        M::decode(self.spec.as_slice()).unwrap_or_default()
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}

/// A consistent look at all objects.
pub trait Reader {
    /// The object of this type and id, in the type's own namespace.
    fn get(&self, kind: &str, id: &str) -> Option<Arc<Object>>;
    /// All objects of this type in its own namespace, by id.
    fn list(&self, kind: &str) -> Vec<Arc<Object>>;
    /// Those of them with this label, by id.
    fn labelled(&self, kind: &str, label: &str, value: &str) -> Vec<Arc<Object>> {
        let mut found = self.list(kind);
        found.retain(|object| object.label(label) == Some(value));
        found
    }
    /// The time of the look, since the Unix epoch.
    fn now(&self) -> Duration;
}
