//! Rules for presets of installation media: version, architecture, and platform.

use super::{Change, extensions, tolerant};
use crate::Release;
use crate::catalogue::Feature;
use crate::names::kind;
use crate::object::{Object, Reader};
use crate::virtual_kinds::platforms;
use omni_proto::specs::platform_config_spec::Arch;
use omni_proto::specs::{FeaturesConfigSpec, InstallationMediaConfigSpec};

const MAX_KERNEL_ARGS: usize = 4096;
/// The version that media are made of when none is named.
const DEFAULT_TALOS: &str = "1.13.8";
/// The first whose media can carry a machine configuration.
const EMBEDS_CONFIG: (u64, u64) = (1, 12);

/// The problems with a change of a preset. The first is the only one that is told.
pub(super) fn problems(view: &dyn Reader, change: Change<'_>) -> Vec<String> {
    let release = super::release(view);
    match change {
        Change::Create(new) | Change::Update(_, new)
            if !(new.tearing_down && release.has(Feature::MediaNeedArchitecture)) =>
        {
            write(view, release, new).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn write(view: &dyn Reader, release: Release, new: &Object) -> Option<String> {
    let spec = new.spec::<InstallationMediaConfigSpec>();
    if let Some(problem) = target(release, &spec) {
        return Some(format!("invalid installation media config: {problem}"));
    }
    // Older servers look at nothing else.
    if !release.has(Feature::TextLimits) {
        return None;
    }
    if let Some(problem) = super::limited("kernel args", &spec.kernel_args, MAX_KERNEL_ARGS) {
        return Some(problem);
    }
    let pinned = spec.talos_version.strip_prefix('v').unwrap_or(&spec.talos_version);
    if !pinned.is_empty() {
        if view.get(kind::TALOS_VERSION, pinned).is_none() {
            return Some(format!("unknown Talos version {:?}", spec.talos_version));
        }
        // What the configuration says is the machine's business.
        if !spec.embedded_machine_config.is_empty() && !embeds(pinned) {
            let version = &spec.talos_version;
            return Some(format!("embedded machine config is not supported by Talos version {version:?}"));
        }
    }
    let version = if pinned.is_empty() { DEFAULT_TALOS } else { pinned };
    let url = if release.has_field("InstallationMediaConfigSpec", "image_factory_url") {
        spec.image_factory_url.as_str()
    } else {
        ""
    };
    factory(view, url).or_else(|| extensions::offered(view, version, &spec.install_extensions))
}

/// The problem with what the media are for. A number that no architecture has is as good as one.
fn target(release: Release, spec: &InstallationMediaConfigSpec) -> Option<String> {
    // Later the newest version and the default token are taken where none is named.
    let needs_token = release.has(Feature::MediaNeedToken);
    if needs_token && spec.talos_version.is_empty() {
        return Some("talos version is required".into());
    }
    if release.has(Feature::MediaNeedArchitecture) && spec.architecture == Arch::UnknownArch as i32 {
        return Some("architecture is required".into());
    }
    if needs_token && spec.join_token.is_empty() {
        return Some("join token is required".into());
    }
    match (&spec.cloud, &spec.sbc) {
        (Some(_), Some(_)) => Some("both sbc and cloud fields are set".into()),
        _ if !release.has(Feature::KnownMediaTargets) => None,
        (None, Some(board)) if board.overlay.is_empty() => Some("sbc.overlay is required when sbc is set".into()),
        (None, Some(board)) => unknown("SBC overlay", &board.overlay, platforms::BOARDS.iter().map(|board| board.id)),
        (Some(cloud), None) if cloud.platform.is_empty() => Some("cloud.platform is required when cloud is set".into()),
        (Some(cloud), None) => {
            unknown("cloud platform", &cloud.platform, platforms::clouds(release).map(|platform| platform.id))
        }
        (None, None) => None,
    }
}

fn unknown<'a>(what: &str, name: &str, mut known: impl Iterator<Item = &'a str>) -> Option<String> {
    (!known.any(|other| other == name)).then(|| format!("unknown {what} {name:?}"))
}

fn embeds(version: &str) -> bool {
    tolerant::parse(version).is_ok_and(|version| version.minor_line() >= EMBEDS_CONFIG)
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
        .then(|| format!("image factory {url:?} is not configured in Omni"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, leaving, object};
    use super::*;
    use omni_proto::specs::installation_media_config_spec::{Cloud, Sbc};
    use omni_proto::specs::{SysVersionSpec, TalosExtensionsSpec, TalosVersionSpec, talos_extensions_spec::Info};

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
        let invalid = |problem: &str| format!("invalid installation media config: {problem}");
        let sbc = |overlay: &str| Some(Sbc { overlay: overlay.into(), ..Sbc::default() });
        let cloud = |platform: &str| Some(Cloud { platform: platform.into() });
        for (spec, expected) in [
            (good(), None),
            (InstallationMediaConfigSpec { architecture: 0, ..good() }, Some(invalid("architecture is required"))),
            (InstallationMediaConfigSpec { architecture: 9, bootloader: 9, ..good() }, None),
            (
                InstallationMediaConfigSpec { cloud: cloud("aws"), sbc: sbc("rpi_generic"), ..good() },
                Some(invalid("both sbc and cloud fields are set")),
            ),
            (InstallationMediaConfigSpec { cloud: cloud("aws"), ..good() }, None),
            (InstallationMediaConfigSpec { sbc: sbc("rpi_generic"), ..good() }, None),
            (
                InstallationMediaConfigSpec { cloud: cloud("x"), ..good() },
                Some(invalid("unknown cloud platform \"x\"")),
            ),
            (
                InstallationMediaConfigSpec { cloud: cloud(""), ..good() },
                Some(invalid("cloud.platform is required when cloud is set")),
            ),
            (InstallationMediaConfigSpec { sbc: sbc("x"), ..good() }, Some(invalid("unknown SBC overlay \"x\""))),
            (
                InstallationMediaConfigSpec { sbc: sbc(""), ..good() },
                Some(invalid("sbc.overlay is required when sbc is set")),
            ),
            (
                InstallationMediaConfigSpec { kernel_args: "x".repeat(4097), ..good() },
                Some("kernel args is too long: 4097 bytes (max 4096)".into()),
            ),
            (
                InstallationMediaConfigSpec { kernel_args: "a\tb".into(), ..good() },
                Some("kernel args contains a control character".into()),
            ),
            (
                InstallationMediaConfigSpec { talos_version: "v1.2.3".into(), ..good() },
                Some("unknown Talos version \"v1.2.3\"".into()),
            ),
            (InstallationMediaConfigSpec { embedded_machine_config: "a: [".into(), ..good() }, None),
            (
                InstallationMediaConfigSpec {
                    talos_version: "v1.11.6".into(),
                    embedded_machine_config: "machine: {}".into(),
                    ..good()
                },
                Some("embedded machine config is not supported by Talos version \"v1.11.6\"".into()),
            ),
            (InstallationMediaConfigSpec { image_factory_url: "https://factory.example.org".into(), ..good() }, None),
            (InstallationMediaConfigSpec { image_factory_url: "https://factory.example.org/".into(), ..good() }, None),
            (
                InstallationMediaConfigSpec { image_factory_url: "https://other.example.org".into(), ..good() },
                Some("image factory \"https://other.example.org\" is not configured in Omni".into()),
            ),
            (InstallationMediaConfigSpec { install_extensions: vec!["gvisor".into()], ..good() }, None),
            (
                InstallationMediaConfigSpec {
                    talos_version: String::new(),
                    install_extensions: vec!["nope".into()],
                    ..good()
                },
                Some("extension \"nope\" (entry 0) is not available for Talos version \"1.13.8\"".into()),
            ),
        ] {
            let new = object(kind::INSTALLATION_MEDIA_CONFIG, "p", &spec);
            assert_eq!(problems(&view(), Change::Create(&new)), Vec::from_iter(expected));
        }
        let bad = object(kind::INSTALLATION_MEDIA_CONFIG, "p", &InstallationMediaConfigSpec::default());
        assert_eq!(problems(&view(), Change::Update(&bad, &leaving(bad.clone()))), [""; 0]);
    }

    #[test]
    fn older_servers_ask_for_other_things_in_another_order() {
        let server = |version: &str| {
            let spec = SysVersionSpec { backend_version: version.into(), ..Default::default() };
            view().with(object(kind::SYS_VERSION, "current", &spec))
        };
        let of = |spec: &InstallationMediaConfigSpec| object(kind::INSTALLATION_MEDIA_CONFIG, "p", spec);
        let whole = InstallationMediaConfigSpec {
            architecture: Arch::Amd64 as i32,
            talos_version: "1.2.3".into(),
            join_token: "t".into(),
            install_extensions: vec!["nope".into()],
            ..Default::default()
        };
        let nothing = of(&InstallationMediaConfigSpec::default());
        let no_version = of(&InstallationMediaConfigSpec { talos_version: String::new(), ..whole.clone() });
        let no_architecture = of(&InstallationMediaConfigSpec {
            architecture: Arch::UnknownArch as i32,
            join_token: String::new(),
            ..whole.clone()
        });
        let (cloud, sbc) = (Some(Cloud { platform: "unheard-of".into() }), Some(Sbc::default()));
        let both = InstallationMediaConfigSpec { cloud: cloud.clone(), sbc, ..whole.clone() };
        let no_token = of(&InstallationMediaConfigSpec { join_token: String::new(), ..both.clone() });
        let both = of(&both);
        let anywhere = of(&InstallationMediaConfigSpec { cloud, ..whole.clone() });
        let elsewhere = of(&InstallationMediaConfigSpec {
            talos_version: "1.13.8".into(),
            image_factory_url: "https://other.example.org".into(),
            install_extensions: Vec::new(),
            ..whole.clone()
        });
        let whole = of(&whole);
        let invalid = |problem: &str| format!("invalid installation media config: {problem}");
        let version_is_required = invalid("talos version is required");
        let architecture_is_required = invalid("architecture is required");
        let token_is_required = invalid("join token is required");
        let one_target = invalid("both sbc and cloud fields are set");
        let unknown_platform = invalid("unknown cloud platform \"unheard-of\"");
        let unknown_version = "unknown Talos version \"1.2.3\"".to_owned();
        let unknown_factory = "image factory \"https://other.example.org\" is not configured in Omni".to_owned();
        for (version, new, expected) in [
            ("v1.5.11", &nothing, None),
            ("v1.5.11", &both, Some(&one_target)),
            ("v1.5.11", &no_token, Some(&one_target)),
            ("v1.5.11", &anywhere, None),
            ("v1.6.6", &nothing, Some(&version_is_required)),
            ("v1.6.6", &no_version, Some(&version_is_required)),
            ("v1.6.6", &no_architecture, Some(&architecture_is_required)),
            ("v1.6.6", &no_token, Some(&token_is_required)),
            ("v1.7.3", &both, Some(&one_target)),
            ("v1.7.3", &anywhere, None),
            ("v1.7.3", &whole, None),
            ("v1.8.4", &nothing, Some(&architecture_is_required)),
            ("v1.8.4", &no_token, Some(&one_target)),
            ("v1.8.4", &anywhere, Some(&unknown_platform)),
            ("v1.8.4", &whole, None),
            ("v1.9.0", &whole, Some(&unknown_version)),
            ("v1.9.0", &elsewhere, None),
            ("v1.10.0", &elsewhere, Some(&unknown_factory)),
        ] {
            let expected = Vec::from_iter(expected.cloned());
            assert_eq!(problems(&server(version), Change::Create(new)), expected, "{version}");
        }
        let gone = leaving(both.clone());
        for (version, expected) in [("v1.5.11", Some(&one_target)), ("v1.6.6", None)] {
            let expected = Vec::from_iter(expected.cloned());
            assert_eq!(problems(&server(version), Change::Update(&both, &gone)), expected, "{version}");
        }
    }
}
