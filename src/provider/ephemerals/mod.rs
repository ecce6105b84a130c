//! The list of ephemeral resources: one line each.

use super::session::Handle;
use crate::tf::ephemeral::Ephemeral;
use std::sync::Arc;

/// Every ephemeral resource type.
pub(super) fn all(_handle: &Handle) -> Vec<Arc<dyn Ephemeral>> {
    Vec::new()
}
