//! Clusters, and what others ask about them.

pub(crate) mod argument;
mod checks;
mod data_source;
pub(crate) mod lock;
pub(crate) mod resource;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::Cluster>().single::<data_source::Clusters>().list::<data_source::Clusters>();
}
