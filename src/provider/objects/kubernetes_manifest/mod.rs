//! Kubernetes manifests that Omni applies to clusters.

mod resource;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::KubernetesManifest>();
}
