//! System extensions of machines.

mod names;
pub(crate) mod resource;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::MachineExtensions>();
}
