//! Talos versions that Omni offers.

pub(crate) mod data_source;
pub(crate) mod offer;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.single::<data_source::TalosVersions>().list::<data_source::TalosVersions>();
}
