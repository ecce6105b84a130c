//! Kubeconfigs of clusters.

mod dual;
mod kubeconfig_parse;
pub(crate) mod parse;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.dual::<dual::Kubeconfig>().function(kubeconfig_parse::function());
}
