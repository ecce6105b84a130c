//! The processes of infrastructure providers, simulated: they report, create machines, and switch their power.
//! This is not part of Omni; a real provider can do the same through the API.

use super::context::ControllerContext;
use crate::inventory;
use crate::names::{kind, label};
use crate::object::Object;
use crate::worlds::{self, schema::Provider};
use kit::yaml;
use omni_proto::specs::infra_machine_spec::MachinePowerState as Wanted;
use omni_proto::specs::infra_machine_status_spec::MachinePowerState;
use omni_proto::specs::machine_request_status_spec::Stage;
use omni_proto::specs::machine_status_spec::PowerState;
use omni_proto::specs::{
    InfraMachineSpec, InfraMachineStatusSpec, InfraProviderHealthStatusSpec, MachineRequestSpec,
    MachineRequestStatusSpec, MachineStatusSpec, SiderolinkSpec, infra_machine_config_spec::AcceptanceStatus,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// How long a program waits before it reports again; in seconds.
const REST: i64 = 30;

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for record in ctx.list(worlds::PROVIDER_PROCESS) {
        let Some(provider) = worlds::process(&record) else { continue };
        let known = ctx.get(kind::INFRA_PROVIDER, &provider.name).is_some_and(|known| !known.tearing_down);
        if known && provider.connected {
            report(ctx, &provider);
            if provider.is_static {
                keep(ctx, &provider);
            } else {
                make(ctx, &provider);
            }
        }
    }
}

fn report(ctx: &ControllerContext<'_>, provider: &Provider) {
    if !ctx.has(kind::INFRA_PROVIDER_STATUS, &provider.name) {
        worlds::introduce(ctx.store(), provider);
    }
    let last: InfraProviderHealthStatusSpec = ctx.spec(kind::INFRA_PROVIDER_HEALTH_STATUS, &provider.name);
    let now = ctx.now().as_secs().cast_signed();
    if last.last_heartbeat_timestamp.is_none_or(|last| now - last.seconds >= REST) {
        worlds::beat(ctx.store(), provider);
    }
}

/// Makes the machines that are asked for, and takes back those that are not.
fn make(ctx: &ControllerContext<'_>, provider: &Provider) {
    let holder = format!("{}.ProvisionController", provider.name);
    for request in ctx.labelled(kind::MACHINE_REQUEST, label::INFRA_PROVIDER_ID, &provider.name) {
        let id = request.key.id.as_str();
        let machine = machine_id(&request);
        if request.tearing_down {
            match ctx.get(kind::LINK, &machine) {
                Some(link) => ctx.teardown(&link),
                None => {
                    ctx.remove(kind::MACHINE_REQUEST_STATUS, id);
                    ctx.release(&request, &[holder.as_str()]);
                }
            }
            continue;
        }
        ctx.hold(&request, &[holder.as_str()]);
        let mut status: MachineRequestStatusSpec = ctx.spec(kind::MACHINE_REQUEST_STATUS, id);
        match status.stage() {
            Stage::Unknown => {
                status.set_stage(Stage::Provisioning);
                status.status = "Creating the machine".into();
            }
            Stage::Provisioning | Stage::Failed => match obstacle(ctx, provider, &request) {
                Some(why) => {
                    status.set_stage(Stage::Failed);
                    status.error = why;
                    status.status = String::new();
                }
                None => {
                    arrive(ctx, provider, &request, &machine);
                    status = MachineRequestStatusSpec { id: machine, ..MachineRequestStatusSpec::default() };
                    status.set_stage(Stage::Provisioned);
                    status.status = "Created the machine".into();
                }
            },
            Stage::Provisioned => {}
        }
        ctx.put("", kind::MACHINE_REQUEST_STATUS, id, &[(label::INFRA_PROVIDER_ID, &provider.name)], &status);
    }
}

/// Why a machine cannot be made.
fn obstacle(ctx: &ControllerContext<'_>, provider: &Provider, request: &Object) -> Option<String> {
    if let Some(why) = &provider.fails {
        return Some(why.clone());
    }
    if let Some(why) = provider_data(request).get("fail").and_then(|why| why.as_str().map(str::to_owned)) {
        return Some(why);
    }
    let made = ctx.labelled(kind::LINK, label::INFRA_PROVIDER_ID, &provider.name).len();
    let full = provider.capacity.is_some_and(|capacity| made >= capacity as usize);
    full.then(|| format!("no room for more than {made} machines"))
}

/// What a request asks of the provider beyond a machine.
fn provider_data(request: &Object) -> serde_json::Map<String, serde_json::Value> {
    let data = request.spec::<MachineRequestSpec>().provider_data;
    match yaml::parse_documents(&data).ok().and_then(|documents| documents.into_iter().next()) {
        Some(serde_json::Value::Object(provider_data)) => provider_data,
        _ => serde_json::Map::new(),
    }
}

/// The machine that a request gets: the same one each time, and no other request's.
fn machine_id(request: &Object) -> String {
    let digest = Sha256::digest(request.key.id.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// Lets a machine of a virtual kind join, of the size that is asked for.
fn arrive(ctx: &ControllerContext<'_>, provider: &Provider, request: &Object, id: &str) {
    let spec: MachineRequestSpec = request.spec();
    let provider_data = provider_data(request);
    let number = |key: &str, usual: u32| {
        provider_data.get(key).and_then(serde_json::Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(usual)
    };
    // Numbers of machines from here on are far from those that users pick.
    let place = 100_000 + u32::try_from(ctx.list(kind::LINK).len()).unwrap_or_default();
    let mut status = inventory::status(place);
    inventory::resize(&mut status, number("cores", 4), number("memory", 8192), number("disk_size", 40));
    if let (Some(hardware), Some(arch)) =
        (&mut status.hardware, provider_data.get("architecture").and_then(|a| a.as_str()))
    {
        arch.clone_into(&mut hardware.arch);
    }
    inventory::rename(&mut status, &request.key.id);
    status.talos_version = format!("v{}", spec.talos_version);
    status.initial_talos_version.clone_from(&status.talos_version);
    status.image_labels.clear();
    if let Some(schematic) = &mut status.schematic {
        schematic.extensions.clone_from(&spec.extensions);
    }
    let mut origin = BTreeMap::from([
        (label::INFRA_PROVIDER_ID.to_owned(), provider.name.clone()),
        (label::MACHINE_REQUEST.to_owned(), request.key.id.clone()),
    ]);
    if let Some(set) = request.label(label::MACHINE_REQUEST_SET) {
        origin.insert(label::MACHINE_REQUEST_SET.to_owned(), set.to_owned());
    }
    let mut joining = worlds::MachineJoin {
        id: id.to_owned(),
        link: inventory::link(place),
        status,
        labels: BTreeMap::new(),
        origin,
        waits: false,
    };
    joining.boot_with(&spec.kernel_args);
    joining.join(ctx.store());
}

/// Does with its machines what the server wants.
fn keep(ctx: &ControllerContext<'_>, provider: &Provider) {
    for machine in ctx.labelled(kind::INFRA_MACHINE, label::INFRA_PROVIDER_ID, &provider.name) {
        let id = machine.key.id.as_str();
        let wanted: InfraMachineSpec = machine.spec();
        let old: InfraMachineStatusSpec = ctx.spec(kind::INFRA_MACHINE_STATUS, id);
        let mut status = old.clone();
        let accepted = wanted.acceptance_status() == AcceptanceStatus::Accepted;
        if accepted {
            switch(ctx, &wanted, &mut status);
        } else {
            status.set_power_state(MachinePowerState::PowerStateOn);
        }
        status.ready_to_use = accepted && !wanted.cordoned;
        let report: MachineStatusSpec = ctx.spec(kind::MACHINE_STATUS, id);
        status.installed = report.hardware.iter().flat_map(|h| &h.blockdevices).any(|disk| disk.system_disk);
        if old.power_state() != status.power_state() && accepted {
            let on = status.power_state() == MachinePowerState::PowerStateOn;
            ctx.edit_spec(kind::LINK, id, |link: &mut SiderolinkSpec| link.connected = on);
            ctx.edit_spec(kind::MACHINE_STATUS, id, |report: &mut MachineStatusSpec| {
                report.set_power_state(if on { PowerState::On } else { PowerState::Off });
            });
        }
        ctx.put("", kind::INFRA_MACHINE_STATUS, id, &[(label::INFRA_PROVIDER_ID, &provider.name)], &status);
    }
}

/// Turns a machine on or off, or off and on again.
fn switch(ctx: &ControllerContext<'_>, wanted: &InfraMachineSpec, status: &mut InfraMachineStatusSpec) {
    let asked_off = wanted.power_off_request_id != status.last_power_off_id;
    let asked_again = wanted.requested_reboot_id != status.last_reboot_id;
    status.last_power_off_id.clone_from(&wanted.power_off_request_id);
    let stays_off = !status.last_power_off_id.is_empty() && status.power_state() == MachinePowerState::PowerStateOff;
    let off = wanted.preferred_power_state() == Wanted::PowerStateOff
        || (asked_off && !wanted.power_off_request_id.is_empty())
        || (stays_off && !asked_again);
    if asked_again && wanted.preferred_power_state() == Wanted::PowerStateOn {
        status.last_reboot_id.clone_from(&wanted.requested_reboot_id);
        status.last_reboot_timestamp =
            Some(prost_types::Timestamp { seconds: ctx.now().as_secs().cast_signed(), nanos: 0 });
    }
    status.set_power_state(if off { MachinePowerState::PowerStateOff } else { MachinePowerState::PowerStateOn });
}
