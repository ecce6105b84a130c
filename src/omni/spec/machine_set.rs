//! Machine sets, their nodes and their status.

use super::{Kind, Spec, in_default};

pub use omni_proto::specs::{
    MachineSetNodeSpec, MachineSetPhase, MachineSetSpec, MachineSetStatusSpec, machine_set_spec,
};

impl Spec for MachineSetSpec {
    const KIND: Kind = in_default("MachineSets.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.MachineSetSpec";
}

impl Spec for MachineSetNodeSpec {
    const KIND: Kind = in_default("MachineSetNodes.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.MachineSetNodeSpec";
}

impl Spec for MachineSetStatusSpec {
    const KIND: Kind = in_default("MachineSetStatuses.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.MachineSetStatusSpec";
}
