//! The version of the Omni instance.

mod data_source;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.data_source(data_source::Version::data_source);
}
