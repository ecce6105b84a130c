//! Join tokens of machines.

mod data_source;
mod ephemeral;
mod reset_action;
pub(crate) mod resource;
pub(crate) mod tokens;

use crate::provider::types::Types;

/// Its types.
pub(super) fn register(types: &mut Types<'_>) {
    types
        .cosi::<resource::JoinToken>()
        .single::<data_source::JoinTokens>()
        .list::<data_source::JoinTokens>()
        .ephemeral(ephemeral::JoinToken::ephemeral)
        .action(reset_action::Reset);
}
