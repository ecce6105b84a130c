//! Users.

mod data_source;
mod resource;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.rpc::<resource::User>().single::<data_source::Users>().list::<data_source::Users>();
}
