//! Cluster templates: clusters that one document describes with everything in it.

mod actual;
mod checks;
mod cluster_template_render;
mod cluster_template_validate;
mod diff;
mod document;
mod export;
mod moved;
mod resource;
mod sync_action;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.object_set::<resource::ClusterTemplate>();
    types.data_source(export::Export::data_source).data_source(diff::Diff::data_source);
    types.action(sync_action::Sync);
    types.function(cluster_template_render::function()).function(cluster_template_validate::function());
}
