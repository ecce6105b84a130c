//! The `timeouts` attribute: how long each operation may take.

use super::duration;
use crate::tf::schema::{Attribute, object, string};
use crate::tf::value::Value;
use std::time::Duration;

/// How long each operation may take, waits included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    pub(crate) create: Duration,
    pub(crate) read: Duration,
    pub(crate) update: Duration,
    pub(crate) delete: Duration,
}

/// Long enough for a cluster to come up, to roll through an upgrade, and to be wiped.
impl Default for Timeouts {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self { create: minutes(20), read: minutes(2), update: minutes(40), delete: minutes(30) }
    }
}

impl Timeouts {
    /// These, where `value` (a `timeouts` object) does not say otherwise.
    pub(crate) fn or(self, value: &Value) -> Self {
        let get = |name: &str, default| value.get(name).as_str().and_then(duration::of).unwrap_or(default);
        Self {
            create: get("create", self.create),
            read: get("read", self.read),
            update: get("update", self.update),
            delete: get("delete", self.delete),
        }
    }
}

/// The attribute: an object of four durations.
pub(crate) fn attribute(name: &'static str, doc: &str) -> Attribute {
    let defaults = Timeouts::default();
    let one = |name, what: &str, default: Duration| {
        string(name)
            .doc(format!(
                "Timeout of {what}, including waits, as a Go duration such as `30m`. Defaults to `{}m`.",
                default.as_secs() / 60
            ))
            .check(duration::is_positive())
    };
    object(
        name,
        vec![
            one("create", "a create", defaults.create),
            one("read", "a read", defaults.read),
            one("update", "an update", defaults.update),
            one("delete", "a delete", defaults.delete),
        ],
    )
    .doc(doc)
}
