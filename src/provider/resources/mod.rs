//! The list of managed resources: one line each.

use super::crud::{Backed, CalledBacked};
use super::session::Handle;
use crate::tf::resource::Resource;
use std::sync::Arc;

pub(super) mod cluster;
mod config_patch;
mod default_join_token;
mod infra_provider;
pub(super) mod join_token;
pub(super) mod machine_set;
mod machine_set_node;
mod service_account;
mod user;

/// Every managed resource type.
pub(super) fn all(handle: &Handle) -> Vec<Arc<dyn Resource>> {
    vec![
        Backed::<cluster::Cluster>::resource(handle),
        Backed::<config_patch::ConfigPatch>::resource(handle),
        Backed::<default_join_token::DefaultJoinToken>::resource(handle),
        Backed::<infra_provider::InfraProvider>::resource(handle),
        Backed::<join_token::JoinToken>::resource(handle),
        Backed::<machine_set::MachineSet>::resource(handle),
        Backed::<machine_set_node::MachineSetNode>::resource(handle),
        CalledBacked::<service_account::ServiceAccount>::resource(handle),
        CalledBacked::<user::User>::resource(handle),
    ]
}
