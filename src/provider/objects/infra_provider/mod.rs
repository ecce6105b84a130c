//! Infrastructure providers.

mod data_source;
mod resource;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::InfraProvider>().view::<data_source::InfraProviderStatus>();
}
