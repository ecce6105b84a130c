//! Rules for presets of installation media: a version, an architecture, and what the media is for.

use super::{Change, extensions, missing, tolerant};
use crate::catalogue::Feature;
use crate::names::kind;
use crate::object::{Object, Reader};
use crate::virtual_kinds::platforms;
use kit::yaml;
use omni_proto::specs::platform_config_spec::Arch;
use omni_proto::specs::{FeaturesConfigSpec, InstallationMediaConfigSpec};

const MAX_KERNEL_ARGS: usize = 4096;
/// The version that media are made of when none is named.
const DEFAULT_TALOS: &str = "1.13.8";
/// The first whose media can carry a machine configuration.
const EMBEDS_CONFIG: (u64, u64) = (1, 12);

/// The problems with a change of a preset.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    match change {
        Change::Create(new) | Change::Update(_, new) if !new.tearing_down => write(view, new),
        _ => Vec::new(),
    }
}

fn write(view: &dyn Reader, new: &Object) -> Vec<String> {
    let spec: InstallationMediaConfigSpec = new.spec();
    // Later the default token is taken where none is named.
    if super::release(view).has(Feature::MediaNeedToken) && spec.join_token.is_empty() {
        return vec!["invalid installation media config: join token is required".into()];
    }
    let mut found = Vec::new();
    if spec.architecture() == Arch::UnknownArch {
        found.push("architecture must be set".to_owned());
    }
    if spec.cloud.is_some() && spec.sbc.is_some() {
        found.push("cloud and sbc are mutually exclusive".into());
    }
    let clouds = || platforms::clouds(super::release(view)).map(|platform| platform.id);
    found.extend(spec.cloud.and_then(|cloud| unknown("platform", &cloud.platform, clouds())));
    let boards = || platforms::BOARDS.iter().map(|board| board.id);
    found.extend(spec.sbc.and_then(|board| unknown("overlay", &board.overlay, boards())));
    super::text(&mut found, "kernel args", &spec.kernel_args, MAX_KERNEL_ARGS);
    let version = spec.talos_version.trim_start_matches('v');
    if !version.is_empty() && view.get(kind::TALOS_VERSION, version).is_none() {
        let problem = missing(kind::TALOS_VERSION, "default", version);
        found.push(format!("invalid talos version {:?}: {problem}", spec.talos_version));
        return found;
    }
    let version = if version.is_empty() { DEFAULT_TALOS } else { version };
    found.extend(embedded(&spec.embedded_machine_config, version));
    found.extend(factory(view, &spec.image_factory_url));
    found.extend(extensions::offered(view, version, &spec.install_extensions));
    found
}

fn unknown<'a>(what: &str, name: &str, mut known: impl Iterator<Item = &'a str>) -> Option<String> {
    (!known.any(|other| other == name)).then(|| format!("unknown {what} {name:?}"))
}

fn embedded(config: &str, version: &str) -> Option<String> {
    if config.is_empty() {
        return None;
    }
    if tolerant::parse(version).is_ok_and(|version| version.minor_line() < EMBEDS_CONFIG) {
        return Some(format!("embedded machine config is not supported by Talos version {version:?}"));
    }
    yaml::parse_documents(config).err().map(|error| format!("invalid embedded machine config: {error}"))
}

fn factory(view: &dyn Reader, url: &str) -> Option<String> {
    if url.is_empty() {
        return None;
    }
    let features: FeaturesConfigSpec =
        view.get(kind::FEATURES_CONFIG, "features-config").map(|o| o.spec()).unwrap_or_default();
    let known = [features.image_factory_base_url, features.secondary_image_factory_base_url];
    let bare = |url: &str| url.trim_end_matches('/').to_owned();
    (!known.iter().any(|factory| bare(factory) == bare(url)))
        .then(|| format!("image factory {url:?} is not configured"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, leaving, object};
    use super::*;
    use omni_proto::specs::installation_media_config_spec::{Cloud, Sbc};
    use omni_proto::specs::{TalosExtensionsSpec, TalosVersionSpec, talos_extensions_spec::Info};

    fn view() -> Fixture {
        let items = vec![Info { name: "siderolabs/gvisor".into(), ..Default::default() }];
        let features =
            FeaturesConfigSpec { image_factory_base_url: "https://factory.example.org".into(), ..Default::default() };
        Fixture::default()
            .with(object(kind::TALOS_VERSION, "1.13.8", &TalosVersionSpec::default()))
            .with(object(kind::TALOS_VERSION, "1.11.6", &TalosVersionSpec::default()))
            .with(object(kind::TALOS_EXTENSIONS, "1.13.8", &TalosExtensionsSpec { items }))
            .with(object(kind::FEATURES_CONFIG, "features-config", &features))
    }

    #[test]
    fn presets() {
        let good = || {
            let mut spec = InstallationMediaConfigSpec { talos_version: "v1.13.8".into(), ..Default::default() };
            spec.set_architecture(Arch::Amd64);
            spec
        };
        let change = |edit: fn(&mut InstallationMediaConfigSpec)| {
            let mut spec = good();
            edit(&mut spec);
            spec
        };
        for (spec, expected) in [
            (good(), vec![]),
            (change(|s| s.architecture = 0), vec!["architecture must be set"]),
            (
                change(|s| {
                    s.cloud = Some(Cloud { platform: "aws".into() });
                    s.sbc = Some(Sbc { overlay: "rpi_generic".into(), ..Sbc::default() });
                }),
                vec!["cloud and sbc are mutually exclusive"],
            ),
            (change(|s| s.cloud = Some(Cloud { platform: "x".into() })), vec!["unknown platform \"x\""]),
            (change(|s| s.sbc = Some(Sbc { overlay: "x".into(), ..Sbc::default() })), vec!["unknown overlay \"x\""]),
            (change(|s| s.kernel_args = "x".repeat(4097)), vec!["kernel args is too long: 4097 bytes (max 4096)"]),
            (change(|s| s.kernel_args = "a\tb".into()), vec!["kernel args must not contain control characters"]),
            (
                change(|s| s.talos_version = "1.2.3".into()),
                vec![
                    "invalid talos version \"1.2.3\": failed to get: resource \
                     TalosVersions.omni.sidero.dev(default/1.2.3@undefined) doesn't exist",
                ],
            ),
            (change(|s| s.embedded_machine_config = "machine: {}".into()), vec![]),
            (
                change(|s| {
                    s.talos_version = "1.11.6".into();
                    s.embedded_machine_config = "machine: {}".into();
                }),
                vec!["embedded machine config is not supported by Talos version \"1.11.6\""],
            ),
            (change(|s| s.image_factory_url = "https://factory.example.org".into()), vec![]),
            (change(|s| s.image_factory_url = "https://factory.example.org/".into()), vec![]),
            (
                change(|s| s.image_factory_url = "https://other.example.org".into()),
                vec!["image factory \"https://other.example.org\" is not configured"],
            ),
            (change(|s| s.install_extensions = vec!["gvisor".into()]), vec![]),
            (
                change(|s| {
                    s.talos_version.clear();
                    s.install_extensions = vec!["nope".into()];
                }),
                vec!["extension \"nope\" (entry 0) is not available for Talos version \"1.13.8\""],
            ),
        ] {
            let new = object(kind::INSTALLATION_MEDIA_CONFIG, "p", &spec);
            assert_eq!(problems(&view(), Change::Create(&new)), expected);
        }
        let bad = object(kind::INSTALLATION_MEDIA_CONFIG, "p", &InstallationMediaConfigSpec::default());
        assert_eq!(problems(&view(), Change::Update(&bad, &leaving(bad.clone()))), [""; 0]);
    }
}
