//! Machine sets.

pub(crate) mod control_planes;
mod data_source;
mod machine_set_id;
pub(crate) mod resource;
pub(crate) mod set_loss;
mod supply;

use crate::omni::spec::Spec;
use crate::omni::{Error, Resource};
use crate::provider::engine::Owner;
use crate::provider::types::Types;
use omni_proto::specs::MachineSetSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::MachineSet>().view::<resource::MachineSet>().function(machine_set_id::function());
}

/// The machine class that a set takes its machines from.
///
/// # Errors
/// When the set cannot be read.
pub(crate) fn class_of(set: &Resource) -> Result<Option<String>, Error> {
    resource::class_of(set)
}

/// The machine set as the owner of what `attribute` names it in.
pub(super) fn owner(id: &str, attribute: &'static str) -> Owner {
    Owner { key: MachineSetSpec::KIND.key(id), noun: "machine set", attribute }
}
