//! Rotations of the certificate authorities of clusters.

mod rotate;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.action(rotate::talos()).action(rotate::kubernetes());
}
