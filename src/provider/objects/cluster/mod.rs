//! Clusters, and facts about them for other objects.

pub(crate) mod argument;
pub(crate) mod checks;
mod data_source;
mod health;
pub(crate) mod lock;
mod lock_action;
pub(crate) mod resource;
mod support_bundle;

use crate::omni::spec::Spec;
use crate::provider::engine::Owner;
use crate::provider::export::ExportAction;
use crate::provider::types::Types;
use omni_proto::specs::ClusterSpec;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::Cluster>().view::<resource::Cluster>().dual::<health::ClusterHealth>();
    types.action(lock_action::lock()).action(lock_action::unlock()).action(ExportAction(support_bundle::SupportBundle));
}

/// The cluster as the owner of what its attribute `cluster` names it in.
pub(super) fn owner(id: &str) -> Owner {
    Owner { key: ClusterSpec::KIND.key(id), noun: "cluster", attribute: "cluster" }
}
