//! Objects that the server derives from the status of each machine.

use super::context::{ControllerContext, labels};
use super::former::{InstallDisk, With};
use super::install_disk;
use super::schematic;
use crate::names::{annotation, controller, kind, label};
use crate::object::Object;
use crate::rules::tolerant;
use omni_proto::specs::machine_config_gen_options_spec::InstallImage;
use omni_proto::specs::machine_upgrade_status_spec::Phase;
use omni_proto::specs::{
    KernelArgsSpec, KernelArgsStatusSpec, MachineConfigGenOptionsSpec, MachineStatusLinkSpec,
    MachineStatusSnapshotSpec, MachineStatusSpec, MachineUpgradeStatusSpec, SchematicConfigurationSpec,
    SiderolinkCounterSpec,
};

/// Everything that follows from the status of a machine, and goes with it.
const PARTS: &[&str] = &[
    kind::MACHINE_STATUS_LABELS,
    kind::MACHINE_STATUS_LINK,
    kind::MACHINE_STATUS_SNAPSHOT,
    kind::MACHINE_UPGRADE_STATUS,
    kind::MACHINE_CONFIG_GEN_OPTIONS,
    kind::MACHINE_INSTALL_DISK_STATUS,
    kind::MACHINE_EXTENSIONS,
    kind::MACHINE_EXTENSIONS_STATUS,
    kind::KERNEL_ARGS_STATUS,
    kind::SCHEMATIC_CONFIGURATION,
    kind::MACHINE_STATUS,
];

/// The first Talos that takes kernel arguments from schematics without a unified kernel image.
const ARGS_WITHOUT_UKI: (u64, u64) = (1, 12);

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for machine in ctx.list(kind::MACHINE_STATUS) {
        let status: MachineStatusSpec = machine.spec();
        let mut place = labels(&machine);
        place.retain(|(key, _)| [label::CLUSTER, label::MACHINE_SET].contains(key));
        upgrade_status(ctx, &machine, &status, &place);
        gen_options(ctx, &machine, &status);
        kernel_args(ctx, &machine, &status, &place);
        if install_disk::is_chosen_by_objects(ctx) {
            install_disk::report(ctx, &machine, &status);
        }
        link(ctx, &machine, status);
    }
}

/// Takes away everything that the server knows of a machine.
pub(super) fn clear(ctx: &ControllerContext<'_>, id: &str) {
    for kind in PARTS {
        ctx.remove(kind, id);
    }
    for change in ctx.labelled(kind::MACHINE_CONFIG_DIFF, label::MACHINE, id) {
        ctx.remove(kind::MACHINE_CONFIG_DIFF, &change.key.id);
    }
}

/// The status, the tunnel and the last word of a machine in one object.
fn link(ctx: &ControllerContext<'_>, machine: &Object, status: MachineStatusSpec) {
    let id = machine.key.id.as_str();
    let snapshot = MachineStatusSnapshotSpec::default();
    ctx.put(controller::MACHINE_STATUS_SNAPSHOT, kind::MACHINE_STATUS_SNAPSHOT, id, &[], &snapshot);
    let (tunnel, joined) = (ctx.get(kind::LINK, id), ctx.get(kind::MACHINE, id));
    let last_alive = tunnel.map(|tunnel| prost_types::Timestamp { seconds: tunnel.updated.0, nanos: tunnel.updated.1 });
    let spec = MachineStatusLinkSpec {
        message_status: Some(status),
        siderolink_counter: Some(SiderolinkCounterSpec { last_alive, ..Default::default() }),
        machine_created_at: joined.as_ref().map(|joined| joined.created.0).unwrap_or_default(),
        tearing_down: joined.is_none_or(|joined| joined.tearing_down),
        snapshot: Some(snapshot),
    };
    ctx.put(controller::MACHINE_STATUS_LINK, kind::MACHINE_STATUS_LINK, id, &labels(machine), &spec);
}

fn is_installed(status: &MachineStatusSpec) -> bool {
    status.hardware.as_ref().is_some_and(|hardware| hardware.blockdevices.iter().any(|disk| disk.system_disk))
}

fn upgrade_status(ctx: &ControllerContext<'_>, machine: &Object, status: &MachineStatusSpec, place: &[(&str, &str)]) {
    let id = machine.key.id.as_str();
    let current = status.schematic.as_ref().map(|schematic| schematic.full_id.clone()).unwrap_or_default();
    let wanted: SchematicConfigurationSpec = ctx.spec(kind::SCHEMATIC_CONFIGURATION, id);
    let mut report = MachineUpgradeStatusSpec {
        schematic_id: wanted.schematic_id.clone(),
        talos_version: status.talos_version.clone(),
        current_schematic_id: current.clone(),
        current_talos_version: status.talos_version.clone(),
        is_maintenance: status.maintenance,
        ..Default::default()
    };
    let (phase, text) = if current.is_empty() {
        (Phase::Unknown, "schematic info is not available")
    } else if current == wanted.schematic_id {
        (Phase::UpToDate, "machine is up to date")
    } else if status.maintenance && !is_installed(status) {
        (Phase::Pending, "no system disk, Talos is not installed")
    } else {
        (Phase::Pending, "not in maintenance mode")
    };
    report.set_phase(phase);
    report.status = text.into();
    ctx.put(controller::MACHINE_UPGRADE_STATUS, kind::MACHINE_UPGRADE_STATUS, id, place, &report);
}

fn gen_options(ctx: &ControllerContext<'_>, machine: &Object, status: &MachineStatusSpec) {
    let id = machine.key.id.as_str();
    let wanted: SchematicConfigurationSpec = ctx.spec(kind::SCHEMATIC_CONFIGURATION, id);
    let image = InstallImage {
        talos_version: wanted.talos_version,
        schematic_initialized: !wanted.schematic_id.is_empty(),
        schematic_id: wanted.schematic_id,
        schematic_invalid: status.schematic.as_ref().is_some_and(|schematic| schematic.invalid),
        platform: status.platform_metadata.as_ref().map(|platform| platform.platform.clone()).unwrap_or_default(),
        security_state: status.security_state,
        ..Default::default()
    };
    let install_disk = match ctx.release.has_field("MachineConfigGenOptionsSpec", "install_disk") {
        true => install_disk::automatic(status).unwrap_or_default().to_owned(),
        false => String::new(),
    };
    let spec = MachineConfigGenOptionsSpec { install_image: Some(image) };
    let options = With { former: InstallDisk { install_disk }, spec };
    ctx.put(controller::MACHINE_CONFIG_GEN_OPTIONS, kind::MACHINE_CONFIG_GEN_OPTIONS, id, &[], &options);
}

fn kernel_args(ctx: &ControllerContext<'_>, machine: &Object, status: &MachineStatusSpec, place: &[(&str, &str)]) {
    let id = machine.key.id.as_str();
    let extra = |args: Vec<String>| args.into_iter().filter(|arg| !schematic::is_protected(arg)).collect();
    let mut unmet = Vec::new();
    let mut need = |met: bool, text: &str| {
        if !met {
            unmet.push(text.to_owned());
        }
    };
    let version = tolerant::parse(status.talos_version.trim_start_matches('v'));
    let uki = status.security_state.is_some_and(|state| state.booted_with_uki);
    need(status.schematic.is_some(), "Schematic information is not yet known");
    need(is_installed(status), "Talos is not installed, kernel args cannot be updated yet");
    need(
        uki || version.is_ok_and(|version| version.minor_line() >= ARGS_WITHOUT_UKI),
        "Unsupported: machine is not booted with UKI and Talos version is < 1.12 or GrubUseUKICmdline is false",
    );
    let initialized = machine.annotations.contains_key(annotation::KERNEL_ARGS_INITIALIZED);
    need(initialized, "Extra kernel args are not yet initialized");
    let report = KernelArgsStatusSpec {
        args: extra(ctx.spec::<KernelArgsSpec>(kind::KERNEL_ARGS, id).args),
        current_args: extra(status.schematic.clone().unwrap_or_default().kernel_args),
        unmet_conditions: unmet,
        current_cmdline: status.kernel_cmdline.clone(),
    };
    ctx.put(controller::KERNEL_ARGS_STATUS, kind::KERNEL_ARGS_STATUS, id, place, &report);
}
