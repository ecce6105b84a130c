//! Machines that have joined Omni.

pub(crate) mod argument;
mod data_source;
pub(crate) mod kernel_args;
pub(crate) mod machine_id;
mod pending;
mod single;

use crate::provider::lookup::Objects;
use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.single::<data_source::Machines>().list::<data_source::Machines>();
    types.list::<Objects<pending::PendingMachine>>();
}
