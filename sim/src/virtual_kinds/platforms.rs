//! The platforms and boards that Talos has images for.
//! Facts about Talos only: the platform of a machine is stored elsewhere.

use crate::catalogue::Feature;
use crate::release::Release;
use omni_proto::specs::platform_config_spec::{Arch, BootMethod};
use omni_proto::specs::{PlatformConfigSpec, SbcConfigSpec};

/// A platform that machines run on.
#[derive(Clone, Copy, Debug)]
pub struct Platform {
    /// Its id: `aws`.
    pub id: &'static str,
    label: &'static str,
    description: &'static str,
    architectures: &'static [Arch],
    documentation: &'static str,
    suffix: &'static str,
    boot: &'static [BootMethod],
    since: &'static str,
    secure_boot: bool,
}

/// A single board computer.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    /// Its id: `rpi_generic`.
    pub id: &'static str,
    /// The name of its overlay.
    pub overlay: &'static str,
    /// What people call it.
    pub label: &'static str,
    family: &'static str,
    documentation: &'static str,
    /// The first version of Talos that knows it, or [`ALWAYS`].
    pub since: &'static str,
}

/// What stands in the place of the first version where all have it; the server then names none.
pub const ALWAYS: &str = "";

impl Platform {
    /// What the server says of it.
    #[must_use]
    pub fn spec(&self, release: Release) -> PlatformConfigSpec {
        // The first is no architecture; before there was that one, the others began with its number.
        let shift = i32::from(!release.has(Feature::NumberedArchitectures));
        PlatformConfigSpec {
            label: self.label.to_owned(),
            description: self.description.to_owned(),
            architectures: self.architectures.iter().map(|arch| i32::from(*arch) - shift).collect(),
            documentation: format!("/platform-specific-installations/{}", self.documentation),
            disk_image_suffix: self.suffix.to_owned(),
            boot_methods: self.boot.iter().map(|method| (*method).into()).collect(),
            min_version: self.since.to_owned(),
            secure_boot_supported: self.secure_boot,
        }
    }
}

impl Board {
    /// The image that holds its overlay: there is one for each maker of chips.
    #[must_use]
    pub fn overlay_image(&self) -> String {
        format!("siderolabs/sbc-{}", self.family)
    }

    /// What the server says of it.
    #[must_use]
    pub fn spec(&self) -> SbcConfigSpec {
        let documentation = match self.documentation {
            "" => String::new(),
            page => format!("/talos-guides/install/single-board-computers/{page}/"),
        };
        SbcConfigSpec {
            label: self.label.to_owned(),
            overlay_name: self.overlay.to_owned(),
            overlay_image: self.overlay_image(),
            documentation,
            min_version: self.since.to_owned(),
        }
    }
}

const AMD: &[Arch] = &[Arch::Amd64];
const BOTH: &[Arch] = &[Arch::Amd64, Arch::Arm64];
const DISK: &[BootMethod] = &[BootMethod::DiskImage];
const DISK_ISO: &[BootMethod] = &[BootMethod::DiskImage, BootMethod::Iso];
const PXE: &[BootMethod] = &[BootMethod::Pxe];
const ISO_PXE: &[BootMethod] = &[BootMethod::Iso, BootMethod::Pxe];
const ALL: &[BootMethod] = &[BootMethod::DiskImage, BootMethod::Iso, BootMethod::Pxe];

/// Servers without a platform.
pub const METAL: Platform = Platform {
    id: "metal",
    label: "Bare Metal",
    description: "Runs on bare-metal servers",
    architectures: BOTH,
    documentation: "bare-metal-platforms/bootloader",
    suffix: "raw.zst",
    boot: ALL,
    since: ALWAYS,
    secure_boot: true,
};

/// Clouds and hypervisors.
pub const CLOUD: &[Platform] = &[
    Platform {
        id: "aws",
        label: "Amazon Web Services (AWS)",
        description: "Runs on AWS VMs booted from an AMI",
        architectures: BOTH,
        documentation: "cloud-platforms/aws",
        suffix: "raw.xz",
        boot: DISK,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: "gcp",
        label: "Google Cloud (GCP)",
        description: "Runs on Google Cloud VMs booted from a disk image",
        architectures: BOTH,
        documentation: "cloud-platforms/gcp",
        suffix: "raw.tar.gz",
        boot: DISK,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: "equinixMetal",
        label: "Equinix Metal",
        description: "Runs on Equinix Metal bare-metal servers",
        architectures: BOTH,
        documentation: "bare-metal-platforms/equinix-metal",
        suffix: "",
        boot: PXE,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: "azure",
        label: "Microsoft Azure",
        description: "Runs on Microsoft Azure Linux Virtual Machines",
        architectures: BOTH,
        documentation: "cloud-platforms/azure",
        suffix: "vhd.xz",
        boot: DISK,
        since: ALWAYS,
        secure_boot: true,
    },
    Platform {
        id: "digital-ocean",
        label: "Digital Ocean",
        description: "Runs on Digital Ocean droplets",
        architectures: AMD,
        documentation: "cloud-platforms/digitalocean",
        suffix: "raw.gz",
        boot: DISK,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: "nocloud",
        label: "Nocloud",
        description: "Runs on various hypervisors supporting 'nocloud' metadata (Proxmox, Oxide Computer, etc.)",
        architectures: BOTH,
        documentation: "cloud-platforms/nocloud",
        suffix: "raw.xz",
        boot: ALL,
        since: ALWAYS,
        secure_boot: true,
    },
    Platform {
        id: "openstack",
        label: "OpenStack",
        description: "Runs on OpenStack virtual machines",
        architectures: BOTH,
        documentation: "cloud-platforms/openstack",
        suffix: "raw.xz",
        boot: ALL,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: "vmware",
        label: "VMWare",
        description: "Runs on VMWare ESXi virtual machines",
        architectures: BOTH,
        documentation: "virtualized-platforms/vmware",
        suffix: "ova",
        boot: DISK_ISO,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: "akamai",
        label: "Akamai",
        description: "Runs on Akamai Cloud (Linode) virtual machines",
        architectures: AMD,
        documentation: "cloud-platforms/akamai",
        suffix: "raw.gz",
        boot: DISK,
        since: "1.7.0",
        secure_boot: false,
    },
    Platform {
        id: "cloudstack",
        label: "Apache CloudStack",
        description: "Runs on Apache CloudStack virtual machines",
        architectures: BOTH,
        documentation: "cloud-platforms/cloudstack",
        suffix: "raw.gz",
        boot: DISK,
        since: "1.8.0-alpha.2",
        secure_boot: true,
    },
    Platform {
        id: "hcloud",
        label: "Hetzner",
        description: "Runs on Hetzner virtual machines",
        architectures: AMD,
        documentation: "cloud-platforms/hetzner",
        suffix: "raw.xz",
        boot: DISK,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: "oracle",
        label: "Oracle Cloud",
        description: "Runs on Oracle Cloud virtual machines",
        architectures: BOTH,
        documentation: "cloud-platforms/oracle",
        suffix: "qcow2",
        boot: DISK,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: "upcloud",
        label: "UpCloud",
        description: "Runs on UpCloud virtual machines",
        architectures: AMD,
        documentation: "cloud-platforms/upcloud",
        suffix: "raw.xz",
        boot: DISK,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: "vultr",
        label: "Vultr",
        description: "Runs on Vultr Cloud Compute virtual machines",
        architectures: AMD,
        documentation: "cloud-platforms/vultr",
        suffix: "",
        boot: ISO_PXE,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: "exoscale",
        label: "Exoscale",
        description: "Runs on Exoscale virtual machines",
        architectures: BOTH,
        documentation: "cloud-platforms/exoscale",
        suffix: "qcow2",
        boot: DISK,
        since: "1.3.0",
        secure_boot: false,
    },
    Platform {
        id: "opennebula",
        label: "OpenNebula",
        description: "Runs on OpenNebula virtual machines",
        architectures: BOTH,
        documentation: "virtualized-platforms/opennebula",
        suffix: "raw.zst",
        boot: DISK_ISO,
        since: "1.7.0",
        secure_boot: false,
    },
    Platform {
        id: "scaleway",
        label: "Scaleway",
        description: "Runs on Scaleway virtual machines",
        architectures: BOTH,
        documentation: "cloud-platforms/scaleway",
        suffix: "raw.zst",
        boot: DISK_ISO,
        since: ALWAYS,
        secure_boot: false,
    },
    Platform {
        id: LATEST,
        label: "AlibabaCloud",
        description: "Runs on Alibaba Cloud virtual machines",
        architectures: BOTH,
        documentation: "cloud-platforms/alibabacloud",
        suffix: "qcow2",
        boot: DISK,
        since: "1.14.0-beta.2",
        secure_boot: false,
    },
];

/// The platform that came last.
const LATEST: &str = "alibabacloud";

/// The clouds and hypervisors that a server of this release knows.
pub fn clouds(release: Release) -> impl Iterator<Item = &'static Platform> {
    CLOUD.iter().filter(move |platform| release.has(Feature::AlibabaCloud) || platform.id != LATEST)
}

const fn board(
    id: &'static str,
    overlay: &'static str,
    family: &'static str,
    label: &'static str,
    documentation: &'static str,
    since: &'static str,
) -> Board {
    Board { id, overlay, label, family, documentation, since }
}

/// Single board computers.
pub const BOARDS: &[Board] = &[
    board("rpi_5", "rpi_5", "raspberrypi", "Raspberry Pi 5", "", "1.12.3"),
    board("rpi_generic", "rpi_generic", "raspberrypi", "Raspberry Pi Series", "rpi_generic", ALWAYS),
    board("revpi_generic", "revpi_generic", "raspberrypi", "Revolution Pi Series", "", "1.10.0-beta.0"),
    board("bananapi_m64", "bananapi_m64", "allwinner", "Banana Pi M64", "bananapi_m64", ALWAYS),
    board("nanopi_r4s", "nanopi-r4s", "rockchip", "Friendlyelec Nano PI R4S", "nanopi_r4s", "1.3.0"),
    board("nanopi_r5s", "nanopi-r5s", "rockchip", "Friendlyelec Nano PI R5S", "", "1.8.0-alpha.2"),
    board("jetson_nano", "jetson_nano", "jetson", "Jetson Nano", "jetson_nano", ALWAYS),
    board(
        "libretech_all_h3_cc_h5",
        "libretech_all_h3_cc_h5",
        "allwinner",
        "Libre Computer Board ALL-H3-CC",
        "libretech_all_h3_cc_h5",
        ALWAYS,
    ),
    board(
        "orangepi_r1_plus_lts",
        "orangepi-r1-plus-lts",
        "rockchip",
        "Orange Pi R1 Plus LTS",
        "orangepi_r1_plus_lts",
        "1.7.0",
    ),
    board("pine64", "pine64", "allwinner", "Pine64", "pine64", ALWAYS),
    board("rock64", "rock64", "rockchip", "Pine64 Rock64", "rock64", ALWAYS),
    board("rock4cplus", "rock4cplus", "rockchip", "Radxa ROCK 4C Plus", "rock4cplus", "1.7.0"),
    board("rock4se", "rock4se", "rockchip", "Radxa ROCK 4SE", "", "1.8.0-alpha.1"),
    board("rock5a", "rock5a", "rockchip", "Radxa ROCK 5A", "rock5b", "1.10.0-beta.0"),
    board("rock5b", "rock5b", "rockchip", "Radxa ROCK 5B", "rock5b", "1.9.2"),
    board("rockpi_4", "rockpi4", "rockchip", "Radxa ROCK PI 4", "rockpi_4", ALWAYS),
    board("rockpi_4c", "rockpi4c", "rockchip", "Radxa ROCK PI 4C", "rockpi_4c", ALWAYS),
    board("helios64", "helios64", "rockchip", "Kobol Helios64", "", "1.8.0-alpha.2"),
    board("turingrk1", "turingrk1", "rockchip", "Turing RK1", "turing_rk1", "1.9.0-beta.0"),
    board("orangepi-5", "orangepi-5", "rockchip", "Orange Pi 5", "orangepi_5", "1.9.2"),
    board("orangepi-5-plus", "orangepi-5-plus", "rockchip", "Orange Pi 5 Plus", "", "1.10.0-beta.0"),
    board("rockpro64", "rockpro64", "rockchip", "Pine64 RockPro64", "", "1.10.0-beta.0"),
    board("odroid-m1", "odroid-m1", "rockchip", "Odroid M1", "", "1.12.0-beta.0"),
    board("radxa-zero-3e", "radxa-zero-3e", "rockchip", "Radxa Zero 3E", "", "1.12.0-beta.0"),
    board("rock3b", "rock3b", "rockchip", "Rock 3B", "", "1.12.0-beta.0"),
    board("orangepi-5-max", "orangepi-5-max", "rockchip", "Orange Pi 5 Max", "", "1.12.0-beta.0"),
    board("rock5t", "rock5t", "rockchip", "Rock 5T", "", "1.12.0-beta.0"),
    board(
        "friendlyelec-cm3588-nas",
        "friendlyelec-cm3588-nas",
        "rockchip",
        "FriendlyELEC CM3588 NAS",
        "",
        "1.13.0-alpha.1",
    ),
    board("rock5b-plus", "rock5b-plus", "rockchip", "Rock 5B Plus", "", "1.13.0-alpha.1"),
];
