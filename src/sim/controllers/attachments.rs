//! Objects that the server only takes note of: lists of extensions, and join tokens.

use super::desk::Desk;
use crate::pb::specs::join_token_status_spec::State;
use crate::pb::specs::{DefaultJoinTokenSpec, JoinTokenSpec, JoinTokenStatusSpec};
use crate::sim::names::{controller, kind, label};

const EXTENSIONS_HELD_BY: &[&str] = &[controller::MACHINE_EXTENSIONS, controller::SCHEMATIC_CONFIGURATION];
const TOKENS_HELD_BY: &[&str] = &[controller::JOIN_TOKEN_STATUS];

pub(super) fn extensions(desk: &Desk<'_>) {
    for list in desk.list(kind::EXTENSIONS_CONFIGURATION) {
        if list.tearing_down {
            desk.release(&list, EXTENSIONS_HELD_BY);
        } else {
            desk.hold(&list, EXTENSIONS_HELD_BY);
        }
    }
}

pub(super) fn join_tokens(desk: &Desk<'_>) {
    let default: DefaultJoinTokenSpec = desk.spec(kind::DEFAULT_JOIN_TOKEN, "default");
    for token in desk.list(kind::JOIN_TOKEN) {
        let id = token.key.id.as_str();
        if token.tearing_down {
            desk.remove(kind::JOIN_TOKEN_STATUS, id);
            desk.release(&token, TOKENS_HELD_BY);
            continue;
        }
        desk.hold(&token, TOKENS_HELD_BY);
        let spec: JoinTokenSpec = token.spec();
        let state = if spec.revoked { State::Revoked } else { State::Active };
        let status = JoinTokenStatusSpec {
            state: state.into(),
            is_default: default.token_id == id,
            expiration_time: spec.expiration_time,
            name: spec.name,
            ..Default::default()
        };
        let labels: &[(&str, &str)] = if spec.revoked { &[] } else { &[(label::ACTIVE_JOIN_TOKEN, "")] };
        desk.put(controller::JOIN_TOKEN_STATUS, kind::JOIN_TOKEN_STATUS, id, labels, &status);
    }
}
