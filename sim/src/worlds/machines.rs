//! The machines of a world: numbered ones, with the changes of the file.

use super::builder::Builder;
use super::machine_join::{self, MachineJoin};
use super::schema::{Arch, Disk, Machine, World};
use super::size;
use crate::inventory;
use crate::kinds;
use crate::names::{kind, label};
use crate::options::MOST_MACHINES;
use omni_proto::specs::machine_status_spec::hardware_status::MemoryModule;
use omni_proto::specs::machine_status_spec::network_status::NetworkLinkStatus;
use omni_proto::specs::{
    InfraMachineConfigSpec, JoinTokenUsageSpec, MachineStatusSpec, infra_machine_config_spec::AcceptanceStatus,
};
use prost::Message;
use std::collections::BTreeMap;

const MIB: u64 = 1 << 20;

/// How many processors a machine may have.
const MOST_PROCESSORS: u32 = 1024;

/// The ids of all machines by their host names and by themselves.
pub(super) type Directory = BTreeMap<String, String>;

/// Lets all machines in, and says how they can be named. `tokens` are the ids of join tokens by name.
pub(super) fn add(builder: &mut Builder<'_>, world: &World, tokens: &BTreeMap<String, String>) -> Directory {
    let mut directory = Directory::new();
    let wanted: usize = world.machines.iter().map(|machine| machine.count.unwrap_or(1) as usize).sum();
    if wanted > MOST_MACHINES {
        builder.problem(format!("machines: {wanted} machines are too many; there may be {MOST_MACHINES}"));
        return directory;
    }
    let mut number = 0;
    for machine in &world.machines {
        let copies = machine.count.unwrap_or(1);
        if copies > 1 && machine.id.is_some() {
            builder.problem("machines: an `id` is for one machine; leave out `count` or `id`");
            continue;
        }
        for copy in 1..=copies {
            number += 1;
            let Some(joining) = joining(builder, machine, number, copy) else { continue };
            let hostname = joining.status.network.as_ref().map(|n| n.hostname.clone()).unwrap_or_default();
            for name in [hostname, joining.id.clone()] {
                if directory.insert(name.clone(), joining.id.clone()).is_some() {
                    builder.problem(format!("machines: two machines have the name {name:?}"));
                }
            }
            if let Some(token) = &machine.join_token {
                remember_token(builder, &joining.id, token, tokens);
            }
            if machine.pending {
                machine_join::knock(builder.store, &joining);
                continue;
            }
            accept(builder, world, machine, &joining.id);
            joining.join(builder.store);
        }
    }
    directory
}

fn remember_token(builder: &mut Builder<'_>, id: &str, name: &str, tokens: &BTreeMap<String, String>) {
    match tokens.get(name) {
        Some(token) => {
            let spec = JoinTokenUsageSpec { token_id: token.clone() };
            builder.store.put("", &kinds::key(kind::JOIN_TOKEN_USAGE, id), |object| {
                object.spec = spec.encode_to_vec();
            });
        }
        None => builder.problem(format!("machines: there is no join token {name:?}")),
    }
}

fn accept(builder: &mut Builder<'_>, world: &World, machine: &Machine, id: &str) {
    let Some(name) = &machine.provider else { return };
    if !world.providers.iter().any(|provider| provider.name == *name && provider.is_static) {
        builder.problem(format!("machines: there is no provider {name:?} with `static: true`"));
    }
    if machine.accepted {
        let spec = InfraMachineConfigSpec {
            acceptance_status: AcceptanceStatus::Accepted.into(),
            ..InfraMachineConfigSpec::default()
        };
        builder.create(kind::INFRA_MACHINE_CONFIG, id, &[], &spec);
    }
}

fn joining(builder: &mut Builder<'_>, machine: &Machine, number: u32, copy: u32) -> Option<MachineJoin> {
    let mut joining = MachineJoin::numbered(number);
    if let Some(id) = &machine.id {
        let uuid = builder.read("machines: id", uuid::Uuid::parse_str(id))?;
        joining.id = uuid.to_string();
    }
    joining.link.connected = machine.connected.unwrap_or(true);
    joining.labels.clone_from(&machine.labels);
    if let Some(provider) = &machine.provider {
        joining.origin.insert(label::INFRA_PROVIDER_ID.into(), provider.clone());
        joining.waits = true;
    }
    if let Some(hostname) = &machine.hostname {
        inventory::rename(&mut joining.status, &hostname.replace("{n}", &copy.to_string()));
    }
    software(&mut joining.status, machine);
    platform(&mut joining.status, machine);
    network(&mut joining.status, machine);
    joining.boot_with(&machine.kernel_args);
    let hardware = hardware(&mut joining.status, machine);
    builder.read("machines", hardware)?;
    Some(joining)
}

fn software(status: &mut MachineStatusSpec, machine: &Machine) {
    if let Some(version) = &machine.talos {
        status.talos_version = format!("v{}", version.trim_start_matches('v'));
        status.initial_talos_version.clone_from(&status.talos_version);
    }
    if let Some(schematic) = &mut status.schematic {
        schematic.extensions.clone_from(&machine.extensions);
        if let Some(state) = &mut schematic.initial_state {
            state.extensions.clone_from(&machine.extensions);
        }
    }
    if let Some(security) = &mut status.security_state {
        security.secure_boot = machine.secure_boot;
    }
}

fn platform(status: &mut MachineStatusSpec, machine: &Machine) {
    if let Some(labels) = &machine.image_labels {
        status.image_labels = labels.clone().into_iter().collect();
    }
    let Some(platform) = &mut status.platform_metadata else { return };
    if let Some(name) = &machine.platform {
        status.kernel_cmdline = status.kernel_cmdline.replace("platform=metal", &format!("platform={name}"));
        platform.platform.clone_from(name);
    }
    platform.region = machine.region.clone().unwrap_or_default();
    platform.zone = machine.zone.clone().unwrap_or_default();
    platform.instance_type = machine.instance_type.clone().unwrap_or_default();
    platform.tags = machine.tags.clone().into_iter().collect();
}

fn network(status: &mut MachineStatusSpec, machine: &Machine) {
    let Some(network) = &mut status.network else { return };
    if let Some(addresses) = &machine.addresses {
        network.addresses.clone_from(addresses);
    }
    if let Some(macs) = &machine.macs {
        let port = |(at, mac): (usize, &String)| NetworkLinkStatus {
            linux_name: format!("eth{at}"),
            hardware_address: mac.clone(),
            speed_mbps: network.network_links.first().map_or(1000, |link| link.speed_mbps),
            link_up: at == 0,
            description: "Ethernet Controller".into(),
        };
        network.network_links = macs.iter().enumerate().map(port).collect();
    }
    if let Some(mbps) = machine.mbps {
        network.network_links.iter_mut().for_each(|link| link.speed_mbps = mbps);
    }
}

fn hardware(status: &mut MachineStatusSpec, machine: &Machine) -> Result<(), String> {
    let Some(hardware) = &mut status.hardware else { return Ok(()) };
    if let Some(arch) = machine.arch {
        hardware.arch = match arch {
            Arch::Amd64 => "amd64".into(),
            Arch::Arm64 => "arm64".into(),
        };
    }
    if let Some(processor) = hardware.processors.first_mut() {
        if let Some(cores) = machine.cores {
            processor.core_count = cores;
            processor.thread_count = if machine.arch == Some(Arch::Arm64) { cores } else { cores * 2 };
        }
        if let Some(manufacturer) = &machine.manufacturer {
            processor.manufacturer.clone_from(manufacturer);
        }
        if let Some(name) = &machine.processor {
            processor.description.clone_from(name);
        }
    }
    if let (Some(count), Some(processor)) = (machine.processors, hardware.processors.first().cloned()) {
        if count > MOST_PROCESSORS {
            return Err(format!("{count} processors are too many; a machine has at most {MOST_PROCESSORS}"));
        }
        hardware.processors = vec![processor; count as usize];
    }
    if let Some(memory) = &machine.memory {
        let size = u32::try_from(size::parse(memory)? / MIB).map_err(|_| format!("{memory:?} is too much memory"))?;
        hardware.memory_modules = vec![MemoryModule { size_mb: size, description: "DIMM".into() }];
    }
    if let Some(disks) = &machine.disks {
        let place = hardware.blockdevices.first().map(|disk| disk.serial.clone()).unwrap_or_default();
        hardware.blockdevices = disks
            .iter()
            .enumerate()
            .map(|(at, disk)| Ok(device(disk, size::parse(&disk.size)?, &format!("{place}-{at}"))))
            .collect::<Result<_, String>>()?;
    }
    if machine.installed
        && let Some(disk) = hardware.blockdevices.first_mut()
    {
        disk.system_disk = true;
    }
    Ok(())
}

fn device(
    disk: &Disk,
    size: u64,
    serial: &str,
) -> omni_proto::specs::machine_status_spec::hardware_status::BlockDevice {
    inventory::block_device(&inventory::Drive {
        name: &disk.name,
        model: &disk.model,
        transport: disk.transport.as_deref().unwrap_or("sata"),
        rotational: disk.rotational,
        size,
        pretty: &disk.size,
        serial,
    })
}
