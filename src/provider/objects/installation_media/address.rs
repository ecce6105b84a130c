//! Where an image factory that asks for no credentials has its media, for servers that do not tell.

use kit::version::strip_v;
use omni_proto::specs::{FeaturesConfigSpec, TalosVersionSpec};

/// The image factory of an instance that names none.
const FACTORY: &str = "https://factory.talos.dev";

/// Which media are meant.
pub(super) struct Media<'a> {
    pub(super) platform: &'a str,
    pub(super) architecture: &'a str,
    pub(super) secure_boot: bool,
    /// `iso`, `pxe`, or what a disk image ends in.
    pub(super) format: &'a str,
}

impl Media<'_> {
    /// The name of the file.
    pub(super) fn file(&self) -> String {
        let Self { platform, architecture, format, .. } = self;
        let secure = if self.secure_boot { "-secureboot" } else { "" };
        let ending = if *format == PXE { String::new() } else { format!(".{format}") };
        format!("{platform}-{architecture}{secure}{ending}")
    }
}

/// The format that is no file, but a script to boot with.
pub(super) const PXE: &str = "pxe";

/// The address, and its host.
pub(super) fn of(
    features: &FeaturesConfigSpec,
    version: &str,
    known: Option<&TalosVersionSpec>,
    schematic: &str,
    media: &Media<'_>,
) -> (String, String) {
    let bare = |url: &str| url.trim_end_matches('/').to_owned();
    let recorded = known.map(|known| bare(&known.image_factory_url)).unwrap_or_default();
    let second = bare(&features.secondary_image_factory_base_url);
    let is_second = !second.is_empty() && recorded == second;
    let (base, pxe) = match is_second {
        true => (second, bare(&features.secondary_image_factory_pxe_base_url)),
        false => (bare(&features.image_factory_base_url), bare(&features.image_factory_pxe_base_url)),
    };
    let base = if base.is_empty() { FACTORY.to_owned() } else { base };
    let (scheme, host) = base.split_once("://").unwrap_or(("https", &base));
    let pxe = if pxe.is_empty() { format!("{scheme}://pxe.{host}") } else { pxe };
    let (from, folder) = if media.format == PXE { (pxe, "pxe") } else { (base, "image") };
    let host = from.split_once("://").map_or(&*from, |(_, host)| host).to_owned();
    (format!("{from}/{folder}/{schematic}/v{}/{}", strip_v(version), media.file()), host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_factory_of_the_version() {
        let features = FeaturesConfigSpec {
            image_factory_base_url: "https://one.example/".into(),
            secondary_image_factory_base_url: "https://two.example".into(),
            ..Default::default()
        };
        let second = TalosVersionSpec { image_factory_url: "https://two.example/".into(), ..Default::default() };
        let none = FeaturesConfigSpec::default();
        for (features, known, format, secure_boot, expected) in [
            (&features, None, "iso", false, "https://one.example/image/abc/v1.13.5/metal-amd64.iso"),
            (&features, None, "pxe", false, "https://pxe.one.example/pxe/abc/v1.13.5/metal-amd64"),
            (
                &features,
                Some(&second),
                "raw.xz",
                true,
                "https://two.example/image/abc/v1.13.5/metal-amd64-secureboot.raw.xz",
            ),
            (&none, None, "iso", false, "https://factory.talos.dev/image/abc/v1.13.5/metal-amd64.iso"),
        ] {
            let media = Media { platform: "metal", architecture: "amd64", secure_boot, format };
            assert_eq!(of(features, "v1.13.5", known, "abc", &media).0, expected);
        }
    }
}
