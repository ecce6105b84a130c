//! Singletons of an Omni instance, with fixed IDs.

use super::Spec;
use crate::omni::state::Key;

pub use omni_proto::specs::{AuthConfigSpec, CurrentUserSpec, FeaturesConfigSpec, PermissionsSpec, SysVersionSpec};

/// The key under which the server says which Omni it is.
#[must_use]
pub fn sys_version_key() -> Key {
    SysVersionSpec::KIND.key("current")
}

/// The key under which the server says what it can do.
#[must_use]
pub fn features_key() -> Key {
    FeaturesConfigSpec::KIND.key("features-config")
}

/// The key under which the server says how people sign in.
#[must_use]
pub fn auth_config_key() -> Key {
    AuthConfigSpec::KIND.key("auth-config")
}

/// The key under which the server says who asks; the cheapest check of credentials.
#[must_use]
pub fn current_user_key() -> Key {
    CurrentUserSpec::KIND.key("current")
}

/// The key under which the server says what who asks may do.
#[must_use]
pub fn permissions_key() -> Key {
    PermissionsSpec::KIND.key("permissions")
}
