//! Singletons of an Omni instance, with fixed IDs.

use super::{Kind, Spec, in_default};
use crate::omni::state::Key;

pub use omni_proto::specs::{AuthConfigSpec, CurrentUserSpec, FeaturesConfigSpec, PermissionsSpec, SysVersionSpec};

impl Spec for SysVersionSpec {
    const KIND: Kind = Kind { namespace: "ephemeral", name: "SysVersions.system.sidero.dev" };
    const MESSAGE: &'static str = "specs.SysVersionSpec";
}

impl Spec for FeaturesConfigSpec {
    const KIND: Kind = in_default("FeaturesConfigs.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.FeaturesConfigSpec";
}

impl Spec for AuthConfigSpec {
    const KIND: Kind = in_default("AuthConfigs.omni.sidero.dev");
    const MESSAGE: &'static str = "specs.AuthConfigSpec";
}

impl Spec for CurrentUserSpec {
    const KIND: Kind = Kind { namespace: "virtual", name: "CurrentUsers.omni.sidero.dev" };
    const MESSAGE: &'static str = "specs.CurrentUserSpec";
}

impl Spec for PermissionsSpec {
    const KIND: Kind = Kind { namespace: "virtual", name: "Permissions.omni.sidero.dev" };
    const MESSAGE: &'static str = "specs.PermissionsSpec";
}

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
