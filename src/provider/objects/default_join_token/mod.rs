//! The default join token.

mod data_source;
mod resource;
pub(crate) mod setting;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::DefaultJoinToken>().singleton::<data_source::DefaultToken>();
}
