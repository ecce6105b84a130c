//! Presets of installation media.

mod checks;
mod data_source;
mod resource;

pub(crate) use checks::{CLOUDS, check_factory};
pub(crate) use resource::{BOOTLOADER_NAMES, BOOTLOADERS, are_args};

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::Preset>().view::<resource::Preset>();
}
