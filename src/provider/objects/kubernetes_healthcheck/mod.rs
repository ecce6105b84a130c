//! Health checks of clusters that run as Kubernetes jobs.

mod job;
mod resource;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.cosi::<resource::KubernetesHealthcheck>();
}
