//! Join tokens, their status, and the default token.
//! The id of a token is the secret itself: see [`Kind::hides_ids`].

use super::{Kind, Spec, in_default};
use crate::omni::state::Key;

pub use omni_proto::specs::{DefaultJoinTokenSpec, JoinTokenSpec, JoinTokenStatusSpec};

impl Spec for JoinTokenSpec {
    const KIND: Kind = in_default("JoinTokens.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.JoinTokenSpec";
}

impl Spec for DefaultJoinTokenSpec {
    const KIND: Kind = in_default("DefaultJoinTokens.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.DefaultJoinTokenSpec";
}

impl Spec for JoinTokenStatusSpec {
    const KIND: Kind = in_default("JoinTokenStatuses.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.JoinTokenStatusSpec";
}

/// The id of the one object that says which token is the default.
pub const DEFAULT_ID: &str = "default";

/// The key under which Omni keeps which token is the default.
#[must_use]
pub fn default_key() -> Key {
    DefaultJoinTokenSpec::KIND.key(DEFAULT_ID)
}
