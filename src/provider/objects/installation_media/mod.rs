//! Installation media that are made from presets.

mod address;
mod dual;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.dual::<dual::InstallationMedia>();
}
