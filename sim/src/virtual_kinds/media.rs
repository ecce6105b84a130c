//! The installation media that a server offers.

use super::platforms::{self, Board};
use crate::catalogue::Feature;
use crate::release::Release;
use omni_proto::specs::InstallationMediaSpec;

/// Clouds with an image for each architecture: name, profile, what the file ends in.
const CLOUDS: &[(&str, &str, &str)] = &[
    ("Akamai", "akamai", "raw.gz"),
    ("AWS AMI", "aws", "raw.xz"),
    ("Azure", "azure", "vhd.xz"),
    ("Digital Ocean", "digital-ocean", "raw.gz"),
    ("GCP", "gcp", "raw.tar.gz"),
    ("Hetzner Cloud", "hcloud", "raw.xz"),
    ("Equinix Metal", "equinixMetal", "raw.xz"),
    ("NoCloud", "nocloud", "raw.xz"),
    ("OpenStack", "openstack", "raw.xz"),
    ("Scaleway", "scaleway", "raw.xz"),
    ("VMWare", "vmware", "ova"),
    ("Oracle", "oracle", "qcow2.xz"),
    ("Vultr", "vultr", "raw.xz"),
    ("Upcloud", "upcloud", "raw.xz"),
    ("Generic image", "metal", "raw.xz"),
    ("ISO", "metal", "iso"),
];

/// The first version of Talos of a board that names none.
const NO_VERSION: &str = "0.0.0";

/// All images by id, as an instance of this name and release offers them.
pub fn all(instance: &str, release: Release) -> Vec<(String, InstallationMediaSpec)> {
    let clouds = CLOUDS.iter().flat_map(|(name, profile, extension)| {
        ["amd64", "arm64"].map(|arch| image(instance, &format!("{name} ({arch})"), profile, arch, extension))
    });
    let boards = platforms::BOARDS.iter().map(|board| match release.has(Feature::BoardsByName) {
        true => board_of_metal(instance, board),
        false => board_of_its_own(instance, board),
    });
    clouds.chain(boards).collect()
}

/// The image of a board, as one of the platform `metal` with an overlay.
fn board_of_metal(instance: &str, board: &Board) -> (String, InstallationMediaSpec) {
    let (_, image) = image(instance, board.label, "metal", "arm64", "raw.xz");
    let since = if board.since == platforms::ALWAYS { NO_VERSION } else { board.since };
    let spec = InstallationMediaSpec {
        dest_file_prefix: format!("metal-{}-omni-{instance}", board.overlay),
        overlay: board.overlay.to_owned(),
        no_secure_boot: true,
        min_talos_version: since.to_owned(),
        ..image
    };
    (format!("{}.raw.xz", board.id), spec)
}

/// The image of a board, which was once a profile like a platform.
fn board_of_its_own(instance: &str, board: &Board) -> (String, InstallationMediaSpec) {
    let (id, image) = image(instance, board.label, &format!("metal-{}", board.id), "arm64", "raw.xz");
    let spec = InstallationMediaSpec {
        profile: board.id.to_owned(),
        overlay: board.overlay.to_owned(),
        no_secure_boot: true,
        // Boards that every version knows name none.
        min_talos_version: board.since.to_owned(),
        ..image
    };
    (id, spec)
}

fn image(instance: &str, name: &str, profile: &str, arch: &str, extension: &str) -> (String, InstallationMediaSpec) {
    let content_type = match extension.rsplit('.').next() {
        Some("gz") => "application/gzip",
        Some("xz") => "application/x-xz",
        Some("ova") => "application/ovf",
        _ => "application/x-iso-stream",
    };
    let spec = InstallationMediaSpec {
        name: name.to_owned(),
        architecture: arch.to_owned(),
        profile: profile.to_owned(),
        content_type: content_type.to_owned(),
        dest_file_prefix: format!("{profile}-{arch}-omni-{instance}"),
        extension: extension.to_owned(),
        ..Default::default()
    };
    (format!("{profile}-{arch}.{extension}"), spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn images_are_named_for_what_they_are() {
        let all = all("home", Release::NEWEST);
        let by_id: BTreeMap<_, _> = all.iter().cloned().collect();
        assert_eq!((all.len(), by_id.len()), (61, 61));
        let iso = &by_id["metal-amd64.iso"];
        assert_eq!((iso.name.as_str(), iso.content_type.as_str()), ("ISO (amd64)", "application/x-iso-stream"));
        assert_eq!(by_id["gcp-arm64.raw.tar.gz"].dest_file_prefix, "gcp-arm64-omni-home");
        let board = &by_id["rockpi_4.raw.xz"];
        assert_eq!((board.profile.as_str(), board.overlay.as_str(), board.no_secure_boot), ("metal", "rockpi4", true));
        assert_eq!((board.dest_file_prefix.as_str(), board.extension.as_str()), ("metal-rockpi4-omni-home", "raw.xz"));
        assert_eq!(
            ["rockpi_4", "turingrk1"].map(|board| &*by_id[&format!("{board}.raw.xz")].min_talos_version),
            ["0.0.0", "1.9.0-beta.0"]
        );
    }

    #[test]
    fn boards_were_profiles_of_their_own() {
        for (release, id, profile) in [
            (Release::of_minor(4), "metal-rockpi_4-arm64.raw.xz", "rockpi_4"),
            (Release::V1_5, "rockpi_4.raw.xz", "metal"),
        ] {
            let found = all("home", release).into_iter().find(|(_, spec)| spec.overlay == "rockpi4");
            let (found, spec) = found.unwrap();
            assert_eq!((found.as_str(), spec.profile.as_str()), (id, profile), "{release}");
        }
    }
}
