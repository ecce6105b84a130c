//! Kubernetes manifests that Omni applies to clusters.

mod resource;
mod sync_action;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::KubernetesManifest>().action(sync_action::Sync);
}
