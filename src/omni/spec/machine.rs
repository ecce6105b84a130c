//! Machines; their IDs are UUIDs.

use super::{Kind, Spec, in_default};

pub use omni_proto::specs::{
    MachineClassSpec, MachineSpec, MachineStatusSpec, NodeForceDestroyRequestSpec, SiderolinkSpec, machine_status_spec,
};

impl Spec for MachineSpec {
    const KIND: Kind = in_default("Machines.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.MachineSpec";
}

impl Spec for MachineClassSpec {
    const KIND: Kind = in_default("MachineClasses.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.MachineClassSpec";
}

impl Spec for MachineStatusSpec {
    const KIND: Kind = in_default("MachineStatuses.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.MachineStatusSpec";
}

impl Spec for NodeForceDestroyRequestSpec {
    const KIND: Kind = in_default("NodeForceDestroyRequests.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.NodeForceDestroyRequestSpec";
}

impl Spec for SiderolinkSpec {
    const KIND: Kind = in_default("Links.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.SiderolinkSpec";
}
