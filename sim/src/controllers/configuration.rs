//! Machine configurations: when patches change, machines take them in turn.

use super::cluster;
use super::context::{ControllerContext, hex, labels};
use super::member;
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
    let members = ctx.labelled(kind::CLUSTER_MACHINE, label::MACHINE_SET, &set.key.id);
    let status = |member: &Object| ctx.spec::<ClusterMachineStatusSpec>(kind::CLUSTER_MACHINE_STATUS, &member.key.id);
    let busy = members.iter().filter(|member| !matches!(status(member).stage(), Stage::Running)).count();
    let waiting = members.iter().filter(|member| {
        let status = status(member);
        !member.tearing_down
            && status.stage() == Stage::Running
            && !status.config_up_to_date
            && !member::locked(ctx, &member.key.id)
    });
    for member in waiting.take(parallelism(set).saturating_sub(busy)) {
        ctx.edit_spec(kind::CLUSTER_MACHINE_STATUS, &member.key.id, |status: &mut ClusterMachineStatusSpec| {
            status.set_stage(Stage::Configuring);
            status.ready = false;
        });
    }
}

fn parallelism(set: &Object) -> usize {
    let spec: MachineSetSpec = set.spec();
    let rolling = set.label(label::CONTROL_PLANE).is_none() && spec.update_strategy == 1;
    let configured = spec.update_strategy_config.and_then(|c| c.rolling).map(|r| r.max_parallelism as usize);
    configured.filter(|n| rolling && *n > 0).unwrap_or(1)
}

/// Records that a member runs what it should run now.
pub(super) fn applied(ctx: &ControllerContext<'_>, member: &Object, talos_version: &str, schematic_id: &str) {
    let id = member.key.id.as_str();
    let current: RedactedClusterMachineConfigSpec = ctx.spec(kind::REDACTED_CLUSTER_MACHINE_CONFIG, id);
    let status = ClusterMachineConfigStatusSpec {
        cluster_machine_config_version: version(ctx, id),
        cluster_machine_config_sha256: desired(ctx, member),
        talos_version: talos_version.to_owned(),
        schematic_id: schematic_id.to_owned(),
        redacted_current_machine_config: current.data,
        ..Default::default()
    };
    let owner = controller::CLUSTER_MACHINE_CONFIG_STATUS;
    ctx.put(owner, kind::CLUSTER_MACHINE_CONFIG_STATUS, id, &labels(member), &status);
}

fn version(ctx: &ControllerContext<'_>, id: &str) -> String {
    ctx.get(kind::CLUSTER_MACHINE_CONFIG, id).map(|config| config.version.to_string()).unwrap_or_default()
}

/// A digest of the patches for a member.
pub(super) fn desired(ctx: &ControllerContext<'_>, member: &Object) -> String {
    let mut digest = Sha256::new();
    for patch in patches(ctx, member) {
        digest.update(patch.key.id.as_bytes());
        digest.update([0]);
        digest.update(&patch.spec);
        digest.update([0]);
    }
    hex(digest)
}

/// How closely an object is aimed at a member; none when it is not meant for it at all.
fn level(object: &Object, member: &Object) -> Option<u8> {
    if let Some(machine) = object.label(label::MACHINE) {
        return (machine == member.key.id).then_some(3);
    }
    if object.label(label::CLUSTER)? != member.label(label::CLUSTER)? {
        return None;
    }
    if let Some(machine) = object.label(label::CLUSTER_MACHINE) {
        return (machine == member.key.id).then_some(2);
    }
    match object.label(label::MACHINE_SET) {
        Some(set) => (Some(set) == member.label(label::MACHINE_SET)).then_some(1),
        None => Some(0),
    }
}

/// The patches for a member, in the order in which they are applied.
pub(super) fn patches(ctx: &ControllerContext<'_>, member: &Object) -> Vec<Arc<Object>> {
    let mut found: Vec<(u8, Arc<Object>)> = aimed(ctx, kind::CONFIG_PATCH, member);
    found.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.key.id.cmp(&y.key.id)));
    found.into_iter().map(|(_, patch)| patch).collect()
}

/// The narrowest list of extensions wins outright.
pub(super) fn extensions(ctx: &ControllerContext<'_>, member: &Object) -> Option<Arc<Object>> {
    let found = aimed(ctx, kind::EXTENSIONS_CONFIGURATION, member);
    found.into_iter().max_by_key(|(level, list)| (*level, list.key.id.clone())).map(|(_, list)| list)
}

fn aimed(ctx: &ControllerContext<'_>, kind: &str, member: &Object) -> Vec<(u8, Arc<Object>)> {
    let cluster = member.label(label::CLUSTER).unwrap_or_default();
    let mut found = ctx.labelled(kind, label::CLUSTER, cluster);
    // What names the machine alone counts for it wherever it is.
    let machine = ctx.labelled(kind, label::MACHINE, &member.key.id);
    found.extend(machine.into_iter().filter(|object| object.label(label::CLUSTER) != Some(cluster)));
    found
        .into_iter()
        // Older servers keep the label and know nothing of it.
        .filter(|object| !object.tearing_down)
        .filter(|object| !ctx.release.has(Feature::DisabledPatches) || object.label(label::DISABLED).is_none())
        .filter_map(|object| Some((level(&object, member)?, object)))
        .collect()
}
