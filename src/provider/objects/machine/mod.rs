//! Machines that have joined Omni.

mod acceptance;
pub(crate) mod argument;
mod data_source;
pub(crate) mod kernel_args;
pub(crate) mod machine_id;
mod pending;
mod resource;
mod single;

use crate::provider::lookup::Objects;
use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.found::<resource::Registered>();
    types.single::<data_source::Machines>().list::<data_source::Machines>();
    types.list::<Objects<pending::PendingMachine>>();
}
