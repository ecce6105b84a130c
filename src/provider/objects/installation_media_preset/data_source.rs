//! `omni_installation_media_preset` and `omni_installation_media_presets`: presets, without what is secret in them.

use super::resource::Preset;
use crate::provider::lookup::View;

impl View for Preset {
    const NOUNS: &'static str = "installation media presets";
    const PLURAL: &'static str = "omni_installation_media_presets";
    const ABOUT: &'static str = "Reads an installation media preset, without its join token and machine configuration. It does not have to be managed by Terraform. Requires Omni 1.5 or later.";
    const ABOUT_ALL: &'static str = "Lists installation media presets, without their join tokens and machine configurations. All filters that are set must match. Requires Omni 1.5 or later.";
    const ABOUT_ID: &'static str = "Name of the preset.";
    const LEFT_OUT: &'static [&'static str] = &["join_token", "embedded_machine_config"];
}
