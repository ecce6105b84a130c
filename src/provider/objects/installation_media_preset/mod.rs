//! Presets of installation media.

mod checks;
mod data_source;
mod resource;

pub(crate) use checks::CLOUDS;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::Preset>().view::<resource::Preset>();
}
