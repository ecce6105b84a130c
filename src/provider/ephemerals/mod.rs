//! The list of ephemeral resources: one line each.

mod service_account_key;

use super::session::Handle;
use crate::tf::ephemeral::Ephemeral;
use std::sync::Arc;

/// Every ephemeral resource type.
pub(super) fn all(handle: &Handle) -> Vec<Arc<dyn Ephemeral>> {
    vec![service_account_key::ServiceAccountKey::ephemeral(handle)]
}
