//! Rollout of machine configurations after changes of patches.

use super::cluster;
use super::cluster_machine;
use super::context::{ControllerContext, hex, labels};
use super::former::{ClusterMachineVersion, With};
use crate::catalogue::Feature;
use crate::names::{controller, kind, label};
use crate::object::Object;
use omni_proto::specs::cluster_machine_status_spec::Stage;
use omni_proto::specs::{
    ClusterMachineConfigStatusSpec, ClusterMachineStatusSpec, MachineSetSpec, RedactedClusterMachineConfigSpec,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for set in ctx.list(kind::MACHINE_SET) {
        let Some(cluster) = set.label(label::CLUSTER).and_then(|id| ctx.get(kind::CLUSTER, id)) else { continue };
        let paused = cluster::paused(&cluster);
        if !set.tearing_down && !cluster.tearing_down && !paused {
            roll_out(ctx, &set);
        }
    }
}

/// Lets machines take their new configuration, as many at once as the set allows.
fn roll_out(ctx: &ControllerContext<'_>, set: &Object) {
    let cluster_machines = ctx.labelled(kind::CLUSTER_MACHINE, label::MACHINE_SET, &set.key.id);
    let status = |cluster_machine: &Object| {
        ctx.spec::<ClusterMachineStatusSpec>(kind::CLUSTER_MACHINE_STATUS, &cluster_machine.key.id)
    };
    let busy = cluster_machines
        .iter()
        .filter(|cluster_machine| !matches!(status(cluster_machine).stage(), Stage::Running))
        .count();
    let waiting = cluster_machines.iter().filter(|cluster_machine| {
        let status = status(cluster_machine);
        !cluster_machine.tearing_down
            && status.stage() == Stage::Running
            && !status.config_up_to_date
            && !cluster_machine::locked(ctx, &cluster_machine.key.id)
    });
    for cluster_machine in waiting.take(parallelism(set).saturating_sub(busy)) {
        ctx.edit_spec(
            kind::CLUSTER_MACHINE_STATUS,
            &cluster_machine.key.id,
            |status: &mut ClusterMachineStatusSpec| {
                status.set_stage(Stage::Configuring);
                status.ready = false;
            },
        );
    }
}

fn parallelism(set: &Object) -> usize {
    let spec: MachineSetSpec = set.spec();
    let rolling = set.label(label::CONTROL_PLANE).is_none() && spec.update_strategy == 1;
    let configured = spec.update_strategy_config.and_then(|c| c.rolling).map(|r| r.max_parallelism as usize);
    configured.filter(|n| rolling && *n > 0).unwrap_or(1)
}

/// Records that a cluster machine runs what it should run now.
pub(super) fn applied(ctx: &ControllerContext<'_>, cluster_machine: &Object, talos_version: &str, schematic_id: &str) {
    let id = cluster_machine.key.id.as_str();
    let current: RedactedClusterMachineConfigSpec = ctx.spec(kind::REDACTED_CLUSTER_MACHINE_CONFIG, id);
    let cluster_machine_version =
        match ctx.release.has_field("ClusterMachineConfigStatusSpec", "cluster_machine_version") {
            true => cluster_machine.version.to_string(),
            false => String::new(),
        };
    let status = ClusterMachineConfigStatusSpec {
        cluster_machine_config_version: version(ctx, id),
        cluster_machine_config_sha256: desired(ctx, cluster_machine),
        talos_version: talos_version.to_owned(),
        schematic_id: schematic_id.to_owned(),
        redacted_current_machine_config: current.data,
        ..Default::default()
    };
    let status = With { former: ClusterMachineVersion { cluster_machine_version }, spec: status };
    let owner = controller::CLUSTER_MACHINE_CONFIG_STATUS;
    ctx.put(owner, kind::CLUSTER_MACHINE_CONFIG_STATUS, id, &labels(cluster_machine), &status);
}

fn version(ctx: &ControllerContext<'_>, id: &str) -> String {
    ctx.get(kind::CLUSTER_MACHINE_CONFIG, id).map(|config| config.version.to_string()).unwrap_or_default()
}

/// A digest of the patches for a cluster machine.
pub(super) fn desired(ctx: &ControllerContext<'_>, cluster_machine: &Object) -> String {
    let mut digest = Sha256::new();
    for patch in patches(ctx, cluster_machine) {
        digest.update(patch.key.id.as_bytes());
        digest.update([0]);
        digest.update(&patch.spec);
        digest.update([0]);
    }
    hex(digest)
}

/// How closely an object is aimed at a cluster machine; none when it is not meant for it at all.
fn level(object: &Object, cluster_machine: &Object) -> Option<u8> {
    if let Some(machine) = object.label(label::MACHINE) {
        return (machine == cluster_machine.key.id).then_some(3);
    }
    if object.label(label::CLUSTER)? != cluster_machine.label(label::CLUSTER)? {
        return None;
    }
    if let Some(machine) = object.label(label::CLUSTER_MACHINE) {
        return (machine == cluster_machine.key.id).then_some(2);
    }
    match object.label(label::MACHINE_SET) {
        Some(set) => (Some(set) == cluster_machine.label(label::MACHINE_SET)).then_some(1),
        None => Some(0),
    }
}

/// The patches for a cluster machine, in the order in which they are applied.
pub(super) fn patches(ctx: &ControllerContext<'_>, cluster_machine: &Object) -> Vec<Arc<Object>> {
    let mut found: Vec<(u8, Arc<Object>)> = aimed(ctx, kind::CONFIG_PATCH, cluster_machine);
    found.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.key.id.cmp(&y.key.id)));
    found.into_iter().map(|(_, patch)| patch).collect()
}

/// The narrowest list of extensions wins outright.
pub(super) fn extensions(ctx: &ControllerContext<'_>, cluster_machine: &Object) -> Option<Arc<Object>> {
    let found = aimed(ctx, kind::EXTENSIONS_CONFIGURATION, cluster_machine);
    found.into_iter().max_by_key(|(level, list)| (*level, list.key.id.clone())).map(|(_, list)| list)
}

fn aimed(ctx: &ControllerContext<'_>, kind: &str, cluster_machine: &Object) -> Vec<(u8, Arc<Object>)> {
    let cluster = cluster_machine.label(label::CLUSTER).unwrap_or_default();
    let mut found = ctx.labelled(kind, label::CLUSTER, cluster);
    // What names the machine alone counts for it wherever it is.
    let machine = ctx.labelled(kind, label::MACHINE, &cluster_machine.key.id);
    found.extend(machine.into_iter().filter(|object| object.label(label::CLUSTER) != Some(cluster)));
    found
        .into_iter()
        // Older servers keep the label and know nothing of it.
        .filter(|object| !object.tearing_down)
        .filter(|object| !ctx.release.has(Feature::DisabledPatches) || object.label(label::DISABLED).is_none())
        .filter_map(|object| Some((level(&object, cluster_machine)?, object)))
        .collect()
}
