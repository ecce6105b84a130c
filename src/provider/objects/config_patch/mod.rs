//! Config patches, and the functions on their content.

mod config_patch_id;
mod config_patch_merge;
mod config_patch_validate;
mod data_source;
pub(crate) mod document;
pub(crate) mod judge;
mod refused;
mod resource;
pub(crate) mod target;
pub(crate) mod weighted;

use crate::provider::lookup::Objects;
use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types
        .cosi::<resource::ConfigPatch>()
        .list::<Objects<resource::ConfigPatch>>()
        .function(config_patch_id::function())
        .function(config_patch_merge::function())
        .function(config_patch_validate::function());
}
