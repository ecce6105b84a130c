//! Keys that Omni gives a meaning to, as labels and annotations.

use std::collections::BTreeMap;

/// The prefix of every key that belongs to Omni.
pub const PREFIX: &str = "omni.sidero.dev/";
/// The most bytes of the value of a label or an annotation.
pub const LONGEST_VALUE: usize = 16384;
/// The most bytes of an id, and of the key of a label or an annotation.
pub const LONGEST_ID: usize = 1024;
/// Label: the cluster that an object belongs to.
pub const CLUSTER: &str = "omni.sidero.dev/cluster";
/// Label: the machine set that an object belongs to.
pub const MACHINE_SET: &str = "omni.sidero.dev/machine-set";
/// Label: the machine of a cluster that a patch is for.
pub const CLUSTER_MACHINE: &str = "omni.sidero.dev/cluster-machine";
/// Label: the machine, in a cluster or not, that a patch is for.
pub const MACHINE: &str = "omni.sidero.dev/machine";
/// Label: the machines of a set run the control plane.
pub const ROLE_CONTROL_PLANE: &str = "omni.sidero.dev/role-controlplane";
/// Label: the machines of a set are workers.
pub const ROLE_WORKER: &str = "omni.sidero.dev/role-worker";
/// Label: the object is kept but not applied.
pub const DISABLED: &str = "omni.sidero.dev/disabled";
/// Annotation: the cluster is locked.
pub const CLUSTER_LOCKED: &str = "omni.sidero.dev/cluster-locked";
/// Annotation: the machine is locked.
pub const LOCKED: &str = "omni.sidero.dev/locked";
/// Annotation: another tool manages the object, and Omni's UI warns before it changes it.
pub const MANAGED_BY: &str = "omni.sidero.dev/managed-by-gitops-tools";
/// Label: a machine set node that Omni made from a machine class.
pub const MANAGED_BY_ALLOCATOR: &str = "omni.sidero.dev/managed-by-machine-set-node-controller";
/// Annotation: the random name of the operation that made the object, by which a repeated create knows its own.
pub const OPERATION: &str = "omnirs/operation";
/// Annotation of a machine set node: the random name of the apply that made it.
pub const RUN: &str = "omnirs/run";
/// Annotation: whoever destroys the cluster does not wait for machines that are out of reach.
pub const LET_GO: &str = "omnirs/destroy-disconnected-machines";
/// Annotation of a join token: digests of those that were the default before it, the last one first.
pub const DEFAULT_BEFORE: &str = "omnirs/default-before";
/// Annotation: what the UI calls the object.
pub const NAME: &str = "name";

/// The entries that belong to users.
#[must_use]
pub fn of_users(all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    all.iter().filter(|(key, _)| is_users(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Whether the key belongs to users: neither Omni's nor ours.
#[must_use]
pub fn is_users(key: &str) -> bool {
    !key.starts_with(PREFIX) && ![OPERATION, RUN, LET_GO, DEFAULT_BEFORE].contains(&key)
}
