//! `omni_machine_lock` and `omni_machine_unlock`: the lock of a worker, without a resource that manages it.

use crate::omni::labels;
use crate::provider::annotation::Annotation;
use crate::provider::engine::Facts;
use crate::provider::objects::machine::argument::machine_attribute;
use crate::provider::roles;
use omni_proto::specs::MachineSetNodeSpec;
use std::marker::PhantomData;

const UNLOCKED: Annotation<MachineSetNodeSpec> = Annotation {
    facts: Facts {
        name: "omni_machine_unlock",
        verb: "unlock",
        noun: "machine",
        id: "machine_id",
        timeout: "5m",
        role: roles::NEEDS_OPERATOR,
    },
    about: "Unlocks a machine of a cluster: Omni applies the configuration changes and upgrades that it was excluded from. Ends well if the machine is not locked.\n\n\
            An `omni_machine_set_node` with `locked = true` shows the change as drift, and locks the machine again in its next apply.",
    attribute: || machine_attribute().doc("ID (UUID) of the machine to unlock."),
    put: None,
    take: &[labels::LOCKED],
    state: "unlocked",
    unfit: |_| None,
    missing: ["belongs to no cluster", "The machine is in no machine set, and only machines of clusters have a lock."],
    of: PhantomData,
};

/// The action that unlocks a machine.
pub(super) fn unlock() -> Annotation<MachineSetNodeSpec> {
    UNLOCKED
}

/// The action that locks a machine.
pub(super) fn lock() -> Annotation<MachineSetNodeSpec> {
    Annotation {
        facts: Facts { name: "omni_machine_lock", verb: "lock", ..UNLOCKED.facts },
        about: "Locks a machine of a cluster: Omni excludes it from configuration changes, upgrades and removal. Only workers can be locked. Ends well if the machine is locked already.\n\n\
                An `omni_machine_set_node` with `locked = false` shows the change as drift, and unlocks the machine again in its next apply.",
        attribute: || machine_attribute().doc("ID (UUID) of the machine to lock."),
        put: Some(labels::LOCKED),
        take: &[],
        state: "locked",
        unfit: |node| {
            node.label(labels::ROLE_CONTROL_PLANE).map(|_| {
                let why = "The machine is a control plane, and Omni locks workers only.";
                (why.to_owned(), "Choose a worker, or lock the whole cluster with `omni_cluster_lock`.".to_owned())
            })
        },
        ..UNLOCKED
    }
}
