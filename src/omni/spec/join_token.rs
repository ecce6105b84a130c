//! Join tokens, their status, and the default token.
//! The id of a token is the secret itself: see [`Kind::hides_ids`](super::Kind::hides_ids).

use super::Spec;
use crate::omni::state::Key;

pub use omni_proto::specs::{DefaultJoinTokenSpec, JoinTokenSpec, JoinTokenStatusSpec};

/// The id of the one object that says which token is the default.
pub const DEFAULT_ID: &str = "default";

/// The key under which Omni keeps which token is the default.
#[must_use]
pub fn default_key() -> Key {
    DefaultJoinTokenSpec::KIND.key(DEFAULT_ID)
}
