//! The access policy of the instance.

mod document;
mod evaluate;
mod resource;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::AccessPolicy>();
}
