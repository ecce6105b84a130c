//! Nodes of machine sets.

mod data_source;
mod force_destroy;
mod lock_action;
pub(crate) mod resource;

use crate::provider::lookup::Objects;
use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::MachineSetNode>().list::<Objects<resource::MachineSetNode>>();
    types.action(lock_action::lock()).action(lock_action::unlock()).action(force_destroy::ForceDestroy);
}
