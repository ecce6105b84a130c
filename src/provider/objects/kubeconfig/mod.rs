//! Kubeconfigs of clusters.

mod dual;
mod kubeconfig_parse;
mod moved;
pub(crate) mod parse;
mod resource;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types.dual::<dual::Kubeconfig>().unreadable::<resource::Issued>().function(kubeconfig_parse::function());
}
