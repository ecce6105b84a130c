//! Machines that have joined Omni.

pub(crate) mod acceptance;
pub(crate) mod argument;
pub(crate) mod confirmed;
mod data_source;
pub(crate) mod kernel_args;
mod logs_export;
pub(crate) mod machine_id;
mod maintenance;
mod pending;
mod power;
pub(crate) mod remove_action;
mod resource;
mod single;

use crate::provider::export::ExportAction;
use crate::provider::lookup::Objects;
use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.found::<resource::Registered>();
    types.single::<data_source::Machines>().list::<data_source::Machines>();
    types.list::<Objects<pending::PendingMachine>>();
    types.action(ExportAction(logs_export::LogsExport)).action(remove_action::Remove);
    types.action(maintenance::Maintenance::Install).action(maintenance::Maintenance::Upgrade);
    for action in power::all() {
        types.action(action);
    }
}
