//! Machine sets.

pub(crate) mod control_planes;
mod data_source;
mod machine_set_id;
pub(crate) mod resource;
pub(crate) mod set_loss;

use crate::omni::spec::Spec;
use crate::provider::engine::Owner;
use crate::provider::types::Types;
use omni_proto::specs::MachineSetSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types
        .cosi::<resource::MachineSet>()
        .single::<data_source::MachineSets>()
        .list::<data_source::MachineSets>()
        .function(machine_set_id::function());
}

/// The machine set as the owner of what `attribute` names it in.
pub(super) fn owner(id: &str, attribute: &'static str) -> Owner {
    Owner { key: MachineSetSpec::KIND.key(id), noun: "machine set", attribute }
}
