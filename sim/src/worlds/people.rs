//! The users, service accounts and join tokens of a world.

use super::builder::Builder;
use super::schema::{JoinToken, World};
use super::{duration, service_account_secret};
use crate::accounts::{self, LIFETIME};
use crate::bootstrap::random_token;
use crate::kinds::{self, Role};
use crate::names::kind;
use kit::go_duration::GoDuration;
use omni_proto::specs::{DefaultJoinTokenSpec, JoinTokenSpec};
use prost::Message;
use std::collections::BTreeMap;

/// Makes the join tokens; says which id each name stands for.
pub(super) fn tokens(builder: &mut Builder<'_>, world: &World) -> BTreeMap<String, String> {
    let mut ids = BTreeMap::new();
    for token in &world.join_tokens {
        let id = token.token.clone().unwrap_or_else(random_token);
        let Some(expiration_time) = expiry(builder, token) else { continue };
        let spec = JoinTokenSpec { expiration_time, revoked: token.revoked, name: token.name.clone() };
        builder.create(kind::JOIN_TOKEN, &id, &[], &spec);
        if token.default {
            builder.store.put("", &kinds::key(kind::DEFAULT_JOIN_TOKEN, "default"), |object| {
                object.spec = DefaultJoinTokenSpec { token_id: id.clone() }.encode_to_vec();
            });
        }
        ids.insert(token.name.clone(), id);
    }
    ids
}

fn expiry(builder: &mut Builder<'_>, token: &JoinToken) -> Option<Option<prost_types::Timestamp>> {
    let Some(text) = &token.expires_in else { return Some(None) };
    let length = duration(builder.read("join_tokens: expires_in", text.parse::<GoDuration>())?);
    let now = builder.store.time();
    Some(Some(prost_types::Timestamp {
        seconds: now.as_secs().cast_signed().saturating_add(length.seconds),
        nanos: now.subsec_nanos().cast_signed(),
    }))
}

/// Makes the users and the service accounts.
pub(super) fn accounts(builder: &mut Builder<'_>, world: &World) {
    for user in &world.users {
        let Some(role) = role(builder, &user.role) else { continue };
        accounts::add_person(builder.store, &user.email, role);
    }
    for account in &world.service_accounts {
        let Some(role) = role(builder, &account.role) else { continue };
        add_account(builder, &account.name, role);
    }
}

/// Makes a service account and keeps its key for whoever starts the simulator.
pub(super) fn add_account(builder: &mut Builder<'_>, name: &str, role: Role) {
    let key = accounts::mint(builder.store, name, role, LIFETIME);
    if let Some(key) = builder.read("service_accounts", key) {
        builder.store.keep_secret(&service_account_secret(name), key.into_bytes());
    }
}

fn role(builder: &mut Builder<'_>, name: &str) -> Option<Role> {
    let role = Role::parse(name);
    if role.is_none() {
        let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
        builder.problem(format!("{name:?} is no role; use one of {}", names.join(", ")));
    }
    role
}
