//! Machine classes.

mod data_source;
pub(crate) mod provision;
mod resource;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::MachineClass>().view::<resource::MachineClass>();
}
