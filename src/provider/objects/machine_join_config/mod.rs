//! Machine join configs.

mod dual;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.dual::<dual::MachineJoinConfig>();
}
