//! The labels and annotations that have a meaning to Omni or to this provider.

use super::state::Metadata;
use kit::gather::Gather as _;
use std::collections::BTreeMap;

/// The prefix of all keys that Omni reserves.
pub const PREFIX: &str = "omni.sidero.dev/";
/// The most bytes of the value of a label or an annotation.
pub const LONGEST_VALUE: usize = 16384;
/// The most bytes of an ID, and of the key of a label or an annotation.
pub const LONGEST_ID: usize = 1024;
/// Label: the cluster that an object belongs to.
pub const CLUSTER: &str = "omni.sidero.dev/cluster";
/// Label: the machine set that an object belongs to.
pub const MACHINE_SET: &str = "omni.sidero.dev/machine-set";
/// Label: the machine of a cluster that a patch is for.
pub const CLUSTER_MACHINE: &str = "omni.sidero.dev/cluster-machine";
/// Label: the machine, in a cluster or not, that a patch is for.
pub const MACHINE: &str = "omni.sidero.dev/machine";
/// Label of a request to join: the id that the machine gives.
pub const MACHINE_UUID: &str = "omni.sidero.dev/machine-uuid";
/// Label of a machine set: its machines run the control plane.
pub const ROLE_CONTROL_PLANE: &str = "omni.sidero.dev/role-controlplane";
/// Label of a machine set: its machines are workers.
pub const ROLE_WORKER: &str = "omni.sidero.dev/role-worker";
/// Label of a config patch: it is stored but not applied.
pub const DISABLED: &str = "omni.sidero.dev/disabled";
/// Label of a machine that only its infrastructure provider may put into a machine set.
pub const NO_MANUAL_ALLOCATION: &str = "omni.sidero.dev/no-manual-allocation";
/// Label of the status of an infrastructure provider that manages machines which exist already.
pub const STATIC_INFRA_PROVIDER: &str = "omni.sidero.dev/is-static-infra-provider";
/// Label of a link: the infrastructure provider of the machine.
pub const INFRA_PROVIDER: &str = "omni.sidero.dev/infra-provider-id";
/// Label of a link: the request for which an infrastructure provider created the machine.
pub const MACHINE_REQUEST: &str = "omni.sidero.dev/machine-request";
/// Label of an exposed service: what its host name begins with.
pub const EXPOSED_SERVICE_ALIAS: &str = "omni.sidero.dev/exposed-service-alias";
/// Annotation: the cluster is locked.
pub const CLUSTER_LOCKED: &str = "omni.sidero.dev/cluster-locked";
/// Annotation: the machine is locked.
pub const LOCKED: &str = "omni.sidero.dev/locked";
/// Annotation: another tool manages the object; the Omni UI warns before it is edited.
pub const MANAGED_BY: &str = "omni.sidero.dev/managed-by-gitops-tools";
/// Annotation: a cluster template made the object.
pub const MANAGED_BY_TEMPLATES: &str = "omni.sidero.dev/managed-by-cluster-templates";
/// Label of a machine set node that Omni created for a machine class.
pub const MANAGED_BY_ALLOCATOR: &str = "omni.sidero.dev/managed-by-machine-set-node-controller";
/// Annotation: the random name of the operation that created the object, so that a retried create recognises its object.
pub const OPERATION: &str = "omnirs/operation";
/// Annotation of a machine set node: the random name of the apply that created it.
pub const RUN: &str = "omnirs/run";
/// Annotation of a cluster: its destroy does not wait for disconnected machines.
pub const LET_GO: &str = "omnirs/destroy-disconnected-machines";
/// Annotation of the labels of a machine: there are no others than those that are configured.
pub const EXCLUSIVE: &str = "omnirs/exclusive";
/// Annotation of a join token: digests of the previous default tokens, the most recent one first.
pub const DEFAULT_BEFORE: &str = "omnirs/default-before";
/// Annotation: the object is part of a set that one resource writes as a whole; the ID of the object that stands for the set.
pub const PART_OF: &str = "omnirs/part-of";
/// Annotation of the object that stands for a set: its first write has not come to its end; a digest of what is to be written.
pub const UNFINISHED: &str = "omnirs/unfinished";
/// Annotation: the name of the object in the Omni UI.
pub const NAME: &str = "name";

/// The labels or annotations that users may set.
///
/// ```
/// use std::collections::BTreeMap;
/// use terraform_provider_omni::omni::labels::{CLUSTER, OPERATION, of_users};
///
/// let all = [CLUSTER, OPERATION, "team"].map(|key| (key.to_owned(), "x".to_owned()));
/// assert_eq!(of_users(&BTreeMap::from(all)).into_keys().collect::<Vec<_>>(), ["team"]);
/// ```
#[must_use]
pub fn of_users(all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    all.iter().filter(|(key, _)| is_users(key)).map(|(key, value)| (key.clone(), value.clone())).gathered()
}

/// Whether a controller of Omni made the object, so that users cannot manage it.
///
/// ```
/// use terraform_provider_omni::omni::Metadata;
/// use terraform_provider_omni::omni::labels::{MANAGED_BY_ALLOCATOR, is_systems};
///
/// let owned = Metadata { owner: "ClusterController".to_owned(), ..Metadata::default() };
/// let allocated = Metadata { labels: [(MANAGED_BY_ALLOCATOR.to_owned(), String::new())].into(), ..Metadata::default() };
/// assert!(is_systems(&owned) && is_systems(&allocated) && !is_systems(&Metadata::default()));
/// ```
#[must_use]
pub fn is_systems(metadata: &Metadata) -> bool {
    !metadata.owner.is_empty() || metadata.labels.contains_key(MANAGED_BY_ALLOCATOR)
}

/// Whether Omni reserves the key for its own, and clients set it that know what it means.
///
/// ```
/// use terraform_provider_omni::omni::labels::{CLUSTER, MANAGED_BY, OPERATION, is_systems_own};
///
/// assert!(is_systems_own(CLUSTER));
/// // The provider sets these itself.
/// assert!(!is_systems_own(MANAGED_BY) && !is_systems_own(OPERATION));
/// ```
#[must_use]
pub fn is_systems_own(key: &str) -> bool {
    key.starts_with(PREFIX) && key != MANAGED_BY
}

/// Whether users may set the key: neither Omni nor this provider reserves it.
#[must_use]
pub fn is_users(key: &str) -> bool {
    !key.starts_with(PREFIX) && ![OPERATION, RUN, LET_GO, EXCLUSIVE, DEFAULT_BEFORE, PART_OF, UNFINISHED].contains(&key)
}
