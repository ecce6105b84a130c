//! The list of ephemeral resources: one line each.

mod join_token;
mod service_account_key;

use super::session::Handle;
use super::{access, fetched};
use crate::tf::ephemeral::Ephemeral;
use std::sync::Arc;

/// Every ephemeral resource type.
pub(super) fn all(handle: &Handle) -> Vec<Arc<dyn Ephemeral>> {
    vec![
        join_token::JoinToken::ephemeral(handle),
        fetched::ephemeral::<access::Kubeconfig>(handle),
        fetched::ephemeral::<access::MachineJoinConfig>(handle),
        fetched::ephemeral::<access::Omniconfig>(handle),
        service_account_key::ServiceAccountKey::ephemeral(handle),
        fetched::ephemeral::<access::Talosconfig>(handle),
    ]
}
