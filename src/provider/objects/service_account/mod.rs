//! Service accounts and their keys.

pub(crate) mod account_key;
mod data_source;
mod ephemeral;
mod renew_action;
mod resource;
mod service_account_key_decode;
mod service_account_key_encode;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types
        .rpc::<resource::ServiceAccount>()
        .single::<data_source::ServiceAccounts>()
        .list::<data_source::ServiceAccounts>()
        .ephemeral(ephemeral::ServiceAccountKey::ephemeral)
        .action(renew_action::Renew)
        .function(service_account_key_decode::function())
        .function(service_account_key_encode::function());
}
