//! The simulated machines: hardware, network, and the labels derived from both.
//!
//! Machine number N, counted from 1, has the ID `00000000-0000-4000-8000-` and N with twelve digits,
//! the host name `machine-N`, and an address that ends in N, so that examples can use them without a look-up.

use super::names::label;
use omni_proto::specs::machine_status_spec::hardware_status::{BlockDevice, MemoryModule, Processor};
use omni_proto::specs::machine_status_spec::network_status::NetworkLinkStatus;
use omni_proto::specs::machine_status_spec::schematic::InitialState;
use omni_proto::specs::machine_status_spec::{HardwareStatus, NetworkStatus, PlatformMetadata, PowerState, Schematic};
use omni_proto::specs::{MachineStatusSpec, SecurityState, SiderolinkSpec};
use std::collections::BTreeMap;

/// The Talos version that fresh machines boot.
pub const TALOS_VERSION: &str = "v1.13.5";

/// The id of the empty schematic, as every image factory has it.
const SCHEMATIC: &str = "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba";

/// One kind of hardware.
struct Model {
    arch: &'static str,
    manufacturer: &'static str,
    processor: &'static str,
    cores: u32,
    frequency: u32,
    memory_gib: u32,
    disks: &'static [Disk],
    speed_mbps: u32,
}

struct Disk {
    gb: u64,
    model: &'static str,
    name: &'static str,
    transport: &'static str,
    rotational: bool,
}

const NVME: Disk =
    Disk { gb: 512, model: "Samsung SSD 980 PRO", name: "nvme0n1", transport: "nvme", rotational: false };
const SSD: Disk = Disk { gb: 240, model: "INTEL SSDSC2KG24", name: "sda", transport: "sata", rotational: false };
const HDD: Disk = Disk { gb: 4000, model: "TOSHIBA MG08ADA4", name: "sdb", transport: "sata", rotational: true };
const VIRTUAL: Disk = Disk { gb: 100, model: "QEMU HARDDISK", name: "vda", transport: "virtio", rotational: false };

/// Machines take these in turn.
const MODELS: &[Model] = &[
    Model {
        arch: "amd64",
        manufacturer: "AMD",
        processor: "AMD EPYC 7313P 16-Core Processor",
        cores: 4,
        frequency: 3000,
        memory_gib: 8,
        disks: &[NVME],
        speed_mbps: 10_000,
    },
    Model {
        arch: "amd64",
        manufacturer: "Intel",
        processor: "Intel(R) Xeon(R) E-2388G CPU @ 3.20GHz",
        cores: 8,
        frequency: 3200,
        memory_gib: 16,
        disks: &[SSD],
        speed_mbps: 1_000,
    },
    Model {
        arch: "amd64",
        manufacturer: "AMD",
        processor: "AMD Ryzen 9 7950X 16-Core Processor",
        cores: 16,
        frequency: 4500,
        memory_gib: 32,
        disks: &[NVME, HDD],
        speed_mbps: 10_000,
    },
    Model {
        arch: "amd64",
        manufacturer: "Intel",
        processor: "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz",
        cores: 32,
        frequency: 2000,
        memory_gib: 64,
        disks: &[SSD, HDD],
        speed_mbps: 25_000,
    },
    Model {
        arch: "amd64",
        manufacturer: "QEMU",
        processor: "pc-q35-9.0",
        cores: 4,
        frequency: 2000,
        memory_gib: 8,
        disks: &[VIRTUAL],
        speed_mbps: 10_000,
    },
    Model {
        arch: "arm64",
        manufacturer: "Ampere",
        processor: "Ampere(R) Altra(R) Q80-30",
        cores: 64,
        frequency: 3000,
        memory_gib: 128,
        disks: &[NVME],
        speed_mbps: 25_000,
    },
];

/// The id of machine number `number`, counted from 1.
#[must_use]
pub fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The tunnel of machine number `number`.
#[must_use]
pub fn link(number: u32) -> SiderolinkSpec {
    SiderolinkSpec {
        node_subnet: format!("{}/64", address(number)),
        node_public_key: format!("{number:043}="),
        last_endpoint: format!("10.5.0.{}:51821", host(number)),
        connected: true,
        remote_addr: format!("10.5.0.{}", host(number)),
        ..Default::default()
    }
}

/// What machine number `number` reports when it first joins.
#[must_use]
pub fn status(number: u32) -> MachineStatusSpec {
    let model = model(number);
    let hostname = format!("machine-{number}");
    MachineStatusSpec {
        talos_version: TALOS_VERSION.into(),
        initial_talos_version: TALOS_VERSION.into(),
        hardware: Some(hardware(model, number)),
        network: Some(network(model, number, &hostname)),
        management_address: address(number),
        connected: true,
        maintenance: true,
        platform_metadata: Some(PlatformMetadata { platform: "metal".into(), hostname, ..Default::default() }),
        image_labels: [("rack".to_owned(), format!("r{}", (number - 1) / 3 + 1))].into_iter().collect(),
        schematic: Some(Schematic {
            initial_schematic: SCHEMATIC.into(),
            full_id: SCHEMATIC.into(),
            raw: "customization: {}\n".into(),
            initial_state: Some(InitialState::default()),
            ..Default::default()
        }),
        power_state: PowerState::Unsupported.into(),
        security_state: Some(SecurityState { booted_with_uki: true, ..Default::default() }),
        kernel_cmdline: "talos.platform=metal console=tty0 init_on_alloc=1 slab_nomerge pti=on".into(),
        ..Default::default()
    }
}

fn model(number: u32) -> &'static Model {
    let at = number.saturating_sub(1) as usize % MODELS.len();
    // The list is not empty, so there always is one at this place.
    &MODELS[at]
}

/// The last part of an address; it starts again after 250 machines.
fn host(number: u32) -> u32 {
    number.saturating_sub(1) % 250 + 2
}

fn address(number: u32) -> String {
    format!("fdae:41e4:649b:9303::{:x}", number + 1)
}

/// A disk in the words of people.
pub(super) struct Drive<'a> {
    pub(super) name: &'a str,
    pub(super) model: &'a str,
    pub(super) transport: &'a str,
    pub(super) rotational: bool,
    pub(super) size: u64,
    pub(super) pretty: &'a str,
    pub(super) serial: &'a str,
}

/// A disk as a machine reports it.
pub(super) fn block_device(drive: &Drive<'_>) -> BlockDevice {
    let kind = match drive.transport {
        "nvme" => "NVME",
        "mmc" => "SD",
        _ if drive.rotational => "HDD",
        _ => "SSD",
    };
    BlockDevice {
        size: drive.size,
        model: drive.model.into(),
        linux_name: format!("/dev/{}", drive.name),
        name: drive.name.into(),
        serial: drive.serial.into(),
        r#type: kind.into(),
        transport: drive.transport.into(),
        dev_path: format!("/dev/{}", drive.name),
        sector_size: 512,
        io_size: 512,
        rotational: drive.rotational,
        pretty_size: drive.pretty.into(),
        ..Default::default()
    }
}

fn hardware(model: &Model, number: u32) -> HardwareStatus {
    let disk = |(at, disk): (usize, &Disk)| BlockDevice {
        wwid: format!("eui.{:016x}", u64::from(number) << 8 | at as u64),
        bus_path: format!("/pci0000:00/0000:00:{:02x}.0", at + 1),
        ..block_device(&Drive {
            name: disk.name,
            model: disk.model,
            transport: disk.transport,
            rotational: disk.rotational,
            size: disk.gb * 1_000_000_000,
            pretty: &format!("{} GB", disk.gb),
            serial: &format!("SN{number:04}{at:02}"),
        })
    };
    HardwareStatus {
        processors: vec![Processor {
            core_count: model.cores,
            thread_count: model.cores * 2,
            frequency: model.frequency,
            description: model.processor.into(),
            manufacturer: model.manufacturer.into(),
        }],
        memory_modules: vec![MemoryModule { size_mb: model.memory_gib * 512, description: "DDR4 DIMM".into() }; 2],
        blockdevices: model.disks.iter().enumerate().map(disk).collect(),
        arch: model.arch.into(),
    }
}

fn network(model: &Model, number: u32, hostname: &str) -> NetworkStatus {
    let mac = |port: u32| format!("52:54:00:{:02x}:{:02x}:{port:02x}", number >> 8 & 0xff, number & 0xff);
    let port = |at: u32| NetworkLinkStatus {
        linux_name: format!("enp{}s0", at + 1),
        hardware_address: mac(at),
        speed_mbps: model.speed_mbps,
        link_up: at == 0,
        description: "Ethernet Controller".into(),
    };
    NetworkStatus {
        hostname: hostname.to_owned(),
        domainname: String::new(),
        addresses: vec![format!("10.5.0.{}/24", host(number))],
        default_gateways: vec!["10.5.0.1".into()],
        network_links: vec![port(0), port(1)],
    }
}

/// Gives a machine one processor with so many cores, memory in MiB, and one disk in GB.
pub(super) fn resize(status: &mut MachineStatusSpec, cores: u32, memory_mib: u32, disk_gb: u32) {
    let Some(hardware) = &mut status.hardware else { return };
    if let Some(processor) = hardware.processors.first_mut() {
        processor.core_count = cores;
        processor.thread_count = cores;
        processor.manufacturer = "QEMU".into();
        processor.description = "pc-q35-9.0".into();
    }
    hardware.arch = "amd64".into();
    hardware.memory_modules = vec![MemoryModule { size_mb: memory_mib, description: "DIMM".into() }];
    let serial = hardware.blockdevices.first().map(|disk| disk.serial.clone()).unwrap_or_default();
    hardware.blockdevices = vec![block_device(&Drive {
        name: "vda",
        model: "QEMU HARDDISK",
        transport: "virtio",
        rotational: false,
        size: u64::from(disk_gb) * 1_000_000_000,
        pretty: &format!("{disk_gb} GB"),
        serial: &serial,
    })];
}

/// Gives a machine another host name.
pub(super) fn rename(status: &mut MachineStatusSpec, hostname: &str) {
    if let Some(network) = &mut status.network {
        hostname.clone_into(&mut network.hostname);
    }
    if let Some(platform) = &mut status.platform_metadata {
        hostname.clone_into(&mut platform.hostname);
    }
}

/// The labels that Omni derives from what a machine reports.
#[must_use]
pub fn labels(status: &MachineStatusSpec) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut put = |key: &str, value: String| {
        if !value.is_empty() {
            found.insert(key.to_owned(), value);
        }
    };
    put(label::TALOS_VERSION, status.talos_version.clone());
    if let Some(hardware) = &status.hardware {
        put(label::ARCH, hardware.arch.clone());
        put(label::CPU, hardware.processors.first().map(|p| p.manufacturer.to_lowercase()).unwrap_or_default());
        put(label::CORES, hardware.processors.iter().map(|p| p.core_count).sum::<u32>().to_string());
        put(label::MEM, format!("{}GiB", hardware.memory_modules.iter().map(|m| m.size_mb).sum::<u32>() / 1024));
        let bytes: u64 = hardware.blockdevices.iter().map(|disk| disk.size).sum();
        put(label::STORAGE, format!("{}GB", bytes / 1_000_000_000));
    }
    if let Some(network) = &status.network {
        put(label::HOSTNAME, network.hostname.clone());
        let mbps: u32 = network.network_links.iter().filter(|l| l.link_up).map(|l| l.speed_mbps).sum();
        put(label::NET, if mbps >= 1000 { format!("{}Gbps", mbps / 1000) } else { format!("{mbps}Mbps") });
    }
    if let Some(platform) = &status.platform_metadata {
        put(label::PLATFORM, platform.platform.clone());
        put(label::REGION, platform.region.clone());
        put(label::ZONE, platform.zone.clone());
        put(label::INSTANCE, platform.instance_type.clone());
    }
    if status.hardware.as_ref().is_some_and(|h| h.blockdevices.iter().any(|disk| disk.system_disk)) {
        found.insert(label::INSTALLED.to_owned(), String::new());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_can_be_guessed_and_stay() {
        assert_eq!(id(1), "00000000-0000-4000-8000-000000000001");
        assert_eq!(id(12), "00000000-0000-4000-8000-000000000012");
        assert!(uuid::Uuid::parse_str(&id(7)).is_ok());
    }

    #[test]
    fn machines_differ_where_machines_differ() {
        let all: Vec<_> = (1..=300).map(status).collect();
        let count = |of: &dyn Fn(&MachineStatusSpec) -> String| all.iter().map(of).collect::<HashSet<_>>().len();
        let network = |m: &MachineStatusSpec| m.network.clone().unwrap();
        assert_eq!(count(&|m| network(m).hostname), 300);
        assert_eq!(count(&|m| network(m).network_links[0].hardware_address.clone()), 300);
        assert_eq!(count(&|m| m.management_address.clone()), 300);
        assert_eq!(count(&|m| m.hardware.clone().unwrap().blockdevices[0].serial.clone()), 300);
    }

    #[test]
    fn labels_of_the_third_machine() {
        let expected = [
            (label::ARCH, "amd64"),
            (label::CORES, "16"),
            (label::CPU, "amd"),
            (label::HOSTNAME, "machine-3"),
            (label::MEM, "32GiB"),
            (label::NET, "10Gbps"),
            (label::PLATFORM, "metal"),
            (label::STORAGE, "4512GB"),
            (label::TALOS_VERSION, "v1.13.5"),
        ];
        let found = labels(&status(3));
        assert_eq!(found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
    }
}
