//! Cluster machines; their IDs are those of the machines.

use super::{Kind, Spec, in_default};

pub use omni_proto::specs::{
    ClusterMachineIdentitySpec, ClusterMachineSpec, ClusterMachineStatusSpec, ConfigApplyStatus,
    cluster_machine_status_spec,
};

impl Spec for ClusterMachineSpec {
    const KIND: Kind = in_default("ClusterMachines.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.ClusterMachineSpec";
}

impl Spec for ClusterMachineStatusSpec {
    const KIND: Kind = in_default("ClusterMachineStatuses.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.ClusterMachineStatusSpec";
}

impl Spec for ClusterMachineIdentitySpec {
    const KIND: Kind = in_default("ClusterMachineIdentities.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.ClusterMachineIdentitySpec";
}
