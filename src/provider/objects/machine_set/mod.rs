//! Machine sets.

pub(crate) mod control_planes;
mod data_source;
mod machine_set_id;
pub(crate) mod resource;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types
        .cosi::<resource::MachineSet>()
        .single::<data_source::MachineSets>()
        .list::<data_source::MachineSets>()
        .function(machine_set_id::function());
}
