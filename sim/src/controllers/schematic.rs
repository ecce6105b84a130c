//! Extensions and kernel arguments of machines: the desired ones, the present ones, and their schematic.

use super::configuration;
use super::context::{ControllerContext, labels};
use super::former::{WantedArgs, With};
use crate::names::{controller, kind, label};
use crate::object::Object;
use crate::schematic;
use omni_proto::specs::machine_extensions_status_spec::Item;
use omni_proto::specs::machine_extensions_status_spec::item::Phase;
use omni_proto::specs::machine_status_spec::Schematic;
use omni_proto::specs::{
    ClusterMachineTalosVersionSpec, ExtensionsConfigurationSpec, KernelArgsSpec, MachineExtensionsSpec,
    MachineExtensionsStatusSpec, MachineStatusSpec, SchematicConfigurationSpec,
};
use std::collections::BTreeSet;

const EXTENSIONS_HELD_BY: &[&str] = &[controller::SCHEMATIC_CONFIGURATION];

/// The arguments that tie a machine to its server; nobody else may set them.
const PROTECTED: &[&str] = &["siderolink.", "talos.events.sink", "talos.logging.kernel", "talos.config"];

/// The prefix that extensions without one get.
const PUBLISHER: &str = "siderolabs/";

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for machine in ctx.list(kind::MACHINE_STATUS) {
        let Some(present) = machine.spec::<MachineStatusSpec>().schematic else { continue };
        let cluster_machine =
            ctx.get(kind::CLUSTER_MACHINE, &machine.key.id).filter(|cluster_machine| !cluster_machine.tearing_down);
        choose(ctx, &machine.key.id, cluster_machine.as_deref());
        let wanted = wanted(ctx, &machine.key.id, &present);
        report(ctx, &machine, &present, &wanted);
    }
}

/// The list of extensions that counts for a cluster machine; without one there is nothing to choose.
fn choose(ctx: &ControllerContext<'_>, id: &str, cluster_machine: Option<&Object>) {
    let Some((cluster_machine, list)) = cluster_machine
        .and_then(|cluster_machine| Some((cluster_machine, configuration::extensions(ctx, cluster_machine)?)))
    else {
        return ctx.remove(kind::MACHINE_EXTENSIONS, id);
    };
    let mut labels = labels(cluster_machine);
    labels.push((label::ROOT_CONFIGURATION, list.key.id.as_str()));
    let spec = MachineExtensionsSpec { extensions: list.spec::<ExtensionsConfigurationSpec>().extensions };
    let object = ctx.put(controller::MACHINE_EXTENSIONS, kind::MACHINE_EXTENSIONS, id, &labels, &spec);
    ctx.hold(&object, EXTENSIONS_HELD_BY);
}

/// The schematic that a machine should run.
fn wanted(ctx: &ControllerContext<'_>, id: &str, present: &Schematic) -> Schematic {
    let extensions = match ctx.get(kind::MACHINE_EXTENSIONS, id) {
        Some(chosen) => full_names(&chosen.spec::<MachineExtensionsSpec>().extensions),
        // Nobody chose any: the machine keeps those that it came with.
        None => full_names(&present.initial_state.clone().unwrap_or_default().extensions),
    };
    let protected = present.kernel_args.iter().filter(|arg| is_protected(arg)).cloned();
    let args = ctx.spec::<KernelArgsSpec>(kind::KERNEL_ARGS, id).args.into_iter().filter(|arg| !is_protected(arg));
    let kernel_args: Vec<String> = protected.chain(args).collect();
    let raw = schematic::text(&extensions, &kernel_args);
    Schematic {
        extensions: extensions.into_iter().collect(),
        kernel_args,
        full_id: schematic::id(&raw),
        raw,
        ..present.clone()
    }
}

/// Whether an argument belongs to the server.
pub(super) fn is_protected(arg: &str) -> bool {
    PROTECTED.iter().any(|prefix| arg.starts_with(prefix))
}

fn full_names(names: &[String]) -> BTreeSet<String> {
    let full = |name: &String| if name.contains('/') { name.clone() } else { format!("{PUBLISHER}{name}") };
    names.iter().map(full).collect()
}

fn report(ctx: &ControllerContext<'_>, machine: &Object, present: &Schematic, wanted: &Schematic) {
    let id = machine.key.id.as_str();
    let status: MachineStatusSpec = machine.spec();
    let target: ClusterMachineTalosVersionSpec = ctx.spec(kind::CLUSTER_MACHINE_TALOS_VERSION, id);
    let running = status.talos_version.trim_start_matches('v').to_owned();
    let talos_version = if target.talos_version.is_empty() { running } else { target.talos_version };
    let mut place = labels(machine);
    place.retain(|(key, _)| [label::CLUSTER, label::MACHINE_SET].contains(key));
    let kernel_args = match ctx.release.has_field("SchematicConfigurationSpec", "kernel_args") {
        true => wanted.kernel_args.clone(),
        false => Vec::new(),
    };
    let configuration = SchematicConfigurationSpec { schematic_id: wanted.full_id.clone(), talos_version };
    let configuration = With { former: WantedArgs { kernel_args }, spec: configuration };
    ctx.put(controller::SCHEMATIC_CONFIGURATION, kind::SCHEMATIC_CONFIGURATION, id, &place, &configuration);

    let (has, gets) = (full_names(&present.extensions), full_names(&wanted.extensions));
    let item = |name: &String| {
        let phase = match (has.contains(name), gets.contains(name)) {
            (true, true) => Phase::Installed,
            (true, false) => Phase::Removing,
            _ => Phase::Installing,
        };
        Item { name: name.clone(), immutable: false, phase: phase.into() }
    };
    let extensions = has.union(&gets).map(item).collect();
    let report = MachineExtensionsStatusSpec { extensions, talos_version: status.talos_version };
    ctx.put(controller::SCHEMATIC_CONFIGURATION, kind::MACHINE_EXTENSIONS_STATUS, id, &place, &report);
}

/// The id of the schematic that a machine should run; empty as long as that is not known.
pub(super) fn target(ctx: &ControllerContext<'_>, id: &str) -> String {
    ctx.spec::<SchematicConfigurationSpec>(kind::SCHEMATIC_CONFIGURATION, id).schematic_id
}

/// Puts the schematic that a machine should run on its disk.
pub(super) fn install(ctx: &ControllerContext<'_>, id: &str) {
    let status: MachineStatusSpec = ctx.spec(kind::MACHINE_STATUS, id);
    let Some(present) = status.schematic else { return };
    let wanted = wanted(ctx, id, &present);
    ctx.edit_spec(kind::MACHINE_STATUS, id, |status: &mut MachineStatusSpec| status.schematic = Some(wanted));
}

/// Takes a wiped machine back to what it first booted.
pub(super) fn reset(machine: &mut MachineStatusSpec) {
    let Some(present) = &mut machine.schematic else { return };
    let extensions = full_names(&present.initial_state.clone().unwrap_or_default().extensions);
    present.raw = schematic::text(&extensions, &present.kernel_args);
    present.full_id = schematic::id(&present.raw);
    present.extensions = extensions.into_iter().collect();
}
