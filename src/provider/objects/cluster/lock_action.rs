//! `omni_cluster_lock` and `omni_cluster_unlock`: the lock of a cluster, without a resource that manages it.

use super::argument::cluster_attribute;
use super::lock::IMPORTING;
use crate::omni::labels;
use crate::provider::annotation::Annotation;
use crate::provider::engine::Facts;
use crate::provider::roles;
use omni_proto::specs::ClusterSpec;
use std::marker::PhantomData;

const UNLOCKED: Annotation<ClusterSpec> = Annotation {
    facts: Facts {
        name: "omni_cluster_unlock",
        verb: "unlock",
        noun: "cluster",
        id: "cluster",
        timeout: "5m",
        role: roles::NEEDS_OPERATOR,
    },
    about: "Unlocks a cluster: Omni accepts changes of its machines and versions again, and continues with those that wait. Succeeds if the cluster is not locked.\n\n\
            An `omni_cluster` with `locked = true` shows the change as drift, and locks the cluster again in its next apply.",
    attribute: || cluster_attribute().required().doc("Name of the cluster to unlock."),
    put: None,
    take: &[labels::CLUSTER_LOCKED, IMPORTING],
    state: "unlocked",
    unfit: |_| None,
    missing: ["does not exist", "Omni has no cluster of this name."],
    of: PhantomData,
};

/// The action that unlocks a cluster.
pub(super) fn unlock() -> Annotation<ClusterSpec> {
    UNLOCKED
}

/// The action that locks a cluster.
pub(super) fn lock() -> Annotation<ClusterSpec> {
    Annotation {
        facts: Facts { name: "omni_cluster_lock", verb: "lock", ..UNLOCKED.facts },
        about: "Locks a cluster: Omni refuses changes of its version, machine sets and nodes until it is unlocked, and pauses operations on its machines. Succeeds if the cluster is already locked.\n\n\
                An `omni_cluster` with `locked = false` shows the change as drift, and unlocks the cluster again in its next apply.",
        attribute: || cluster_attribute().required().doc("Name of the cluster to lock."),
        put: Some(labels::CLUSTER_LOCKED),
        take: &[],
        state: "locked",
        ..UNLOCKED
    }
}
