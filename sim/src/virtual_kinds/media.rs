//! The installation media that a server offers.

use super::platforms;
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

/// All images by id, as an instance of this name offers them.
pub fn all(instance: &str) -> Vec<(String, InstallationMediaSpec)> {
    let clouds = CLOUDS.iter().flat_map(|(name, profile, extension)| {
        ["amd64", "arm64"].map(|arch| image(instance, &format!("{name} ({arch})"), profile, arch, extension))
    });
    let boards = platforms::BOARDS.iter().map(|board| {
        let (_, mut spec) = image(instance, board.label, &format!("metal-{}", board.id), "arm64", "raw.xz");
        board.id.clone_into(&mut spec.profile);
        board.overlay.clone_into(&mut spec.overlay);
        spec.no_secure_boot = true;
        // Boards that every version knows name none.
        if board.since != platforms::ALWAYS {
            board.since.clone_into(&mut spec.min_talos_version);
        }
        (format!("metal-{}-arm64.raw.xz", board.id), spec)
    });
    clouds.chain(boards).collect()
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
        let all = all("home");
        let by_id: BTreeMap<_, _> = all.iter().cloned().collect();
        assert_eq!((all.len(), by_id.len()), (61, 61));
        let iso = &by_id["metal-amd64.iso"];
        assert_eq!((iso.name.as_str(), iso.content_type.as_str()), ("ISO (amd64)", "application/x-iso-stream"));
        assert_eq!(by_id["gcp-arm64.raw.tar.gz"].dest_file_prefix, "gcp-arm64-omni-home");
        let board = &by_id["metal-turingrk1-arm64.raw.xz"];
        assert_eq!((board.overlay.as_str(), board.no_secure_boot), ("turingrk1", true));
    }
}
