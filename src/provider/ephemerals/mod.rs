//! The list of ephemeral resources: one line each.

mod join_token;
mod service_account_key;

use super::session::Handle;
use super::{configs, dual};
use crate::tf::ephemeral::Ephemeral;
use std::sync::Arc;

/// Every ephemeral resource type.
pub(super) fn all(handle: &Handle) -> Vec<Arc<dyn Ephemeral>> {
    vec![
        join_token::JoinToken::ephemeral(handle),
        dual::ephemeral::<configs::Kubeconfig>(handle),
        dual::ephemeral::<configs::MachineJoinConfig>(handle),
        dual::ephemeral::<configs::Omniconfig>(handle),
        service_account_key::ServiceAccountKey::ephemeral(handle),
        dual::ephemeral::<configs::Talosconfig>(handle),
    ]
}
