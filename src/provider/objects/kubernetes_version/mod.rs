//! Kubernetes versions that Omni offers.

mod data_source;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.single::<data_source::KubernetesVersions>().list::<data_source::KubernetesVersions>();
}
