//! Settings of the instance, and its environment: what Omni reads from its own
//! configuration and from the network, not visible to callers. A world can define it; otherwise defaults apply.

use super::object::Reader;

/// The type of the one object that holds the settings. It is no type of Omni.
pub const KIND: &str = "Settings.omni-sim";
/// Its id.
pub const ID: &str = "settings";

/// Whether clusters that were made elsewhere can be taken over; they can, unless this is [`OFF`].
pub const CLUSTER_IMPORT: &str = "cluster-import";
/// Whether a server accepts the EULA by itself when it starts; it does, unless this is [`OFF`].
pub const EULA: &str = "eula";
/// What is switched off.
pub const OFF: &str = "off";
/// Whether the machine that Omni runs on has a role that opens S3 without keys.
pub const MACHINE_ROLE: &str = "machine-role";
/// The bucket is not there.
pub const MISSING: &str = "missing";
/// The bucket is somebody else's.
pub const DENIED: &str = "denied";

/// The setting of what a bucket answers.
#[must_use]
pub fn bucket(name: &str) -> String {
    format!("bucket/{name}")
}

/// The setting of a store where nothing listens.
#[must_use]
pub fn store(endpoint: &str) -> String {
    format!("store/{endpoint}")
}

/// A setting, if the world says anything about it.
#[must_use]
pub fn get(view: &dyn Reader, name: &str) -> Option<String> {
    view.get(KIND, ID)?.label(name).map(ToOwned::to_owned)
}
