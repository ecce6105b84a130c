//! Machine set nodes: each running one creates a cluster machine, each one that is torn down removes it.

use super::cluster;
use super::context::ControllerContext;
use crate::names::{controller, kind, label};
use crate::object::Object;
use omni_proto::specs::{ClusterMachineSpec, ClusterSpec, KubernetesUpgradeStatusSpec, MachineSetSpec};
use std::sync::Arc;

const NODE_HELD_BY: &[&str] = &[controller::MACHINE_SET_STATUS];
const NODE_MAY_BE_HELD_BY: &[&str] = &[controller::MACHINE_SET_STATUS, controller::MACHINE_SET_NODE];

/// Who holds on to a cluster machine until its machine is reset.
pub(super) const CLUSTER_MACHINE_HELD_BY: &[&str] = &[
    controller::CLUSTER_MACHINE_CONFIG_STATUS,
    controller::CLUSTER_MACHINE_STATUS,
    controller::CLUSTER_MACHINE_TEARDOWN,
];

/// Who holds on to a machine while it is in a cluster.
pub(super) const MACHINE_HELD_BY: &[&str] = &[controller::MACHINE_SET_STATUS];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for node in ctx.list(kind::MACHINE_SET_NODE) {
        if node.tearing_down {
            // The node may go at once: what is left to do is told by the cluster machine.
            ctx.release(&node, NODE_MAY_BE_HELD_BY);
        } else {
            ctx.hold(&node, NODE_HELD_BY);
        }
    }
    for set in ctx.list(kind::MACHINE_SET) {
        let Some(cluster) = set.label(label::CLUSTER).and_then(|id| ctx.get(kind::CLUSTER, id)) else { continue };
        let paused = cluster::paused(&cluster);
        if paused && !cluster.tearing_down && !set.tearing_down {
            continue;
        }
        shrink(ctx, &set);
        if !set.tearing_down && !cluster.tearing_down {
            grow(ctx, &set, &cluster);
        }
    }
}

/// Makes cluster machines of machines that are known and free.
fn grow(ctx: &ControllerContext<'_>, set: &Object, cluster: &Object) {
    for node in nodes(ctx, set) {
        let id = node.key.id.as_str();
        let free = !ctx.has(kind::CLUSTER_MACHINE, id);
        let Some(machine) = ctx.get(kind::MACHINE, id) else { continue };
        if !free || machine.tearing_down || !ctx.has(kind::MACHINE_STATUS, id) {
            continue;
        }
        let role = if set.label(label::CONTROL_PLANE).is_some() { label::CONTROL_PLANE } else { label::WORKER };
        let labels = [(label::CLUSTER, cluster.key.id.as_str()), (label::MACHINE_SET, set.key.id.as_str()), (role, "")];
        let spec = ClusterMachineSpec { kubernetes_version: kubernetes_version(ctx, cluster) };
        let cluster_machine = ctx.put(controller::MACHINE_SET_STATUS, kind::CLUSTER_MACHINE, id, &labels, &spec);
        ctx.hold(&cluster_machine, CLUSTER_MACHINE_HELD_BY);
        ctx.hold(&machine, MACHINE_HELD_BY);
    }
}

/// During an upgrade new cluster machines start with the old version, and are upgraded with the others.
fn kubernetes_version(ctx: &ControllerContext<'_>, cluster: &Object) -> String {
    let running: KubernetesUpgradeStatusSpec = ctx.spec(kind::KUBERNETES_UPGRADE_STATUS, &cluster.key.id);
    if running.last_upgrade_version.is_empty() {
        cluster.spec::<ClusterSpec>().kubernetes_version
    } else {
        running.last_upgrade_version
    }
}

/// Tears down cluster machines that have no node any more: as many at once as the set allows.
fn shrink(ctx: &ControllerContext<'_>, set: &Object) {
    let cluster_machines = ctx.labelled(kind::CLUSTER_MACHINE, label::MACHINE_SET, &set.key.id);
    let wanted: Vec<String> = match set.tearing_down {
        true => Vec::new(),
        false => nodes(ctx, set).iter().map(|node| node.key.id.clone()).collect(),
    };
    let (leaving, staying): (Vec<Arc<Object>>, Vec<_>) =
        cluster_machines.into_iter().partition(|cluster_machine| cluster_machine.tearing_down);
    let room = if set.tearing_down { usize::MAX } else { parallelism(set).saturating_sub(leaving.len()) };
    for cluster_machine in staying.iter().filter(|cluster_machine| !wanted.contains(&cluster_machine.key.id)).take(room)
    {
        ctx.teardown(cluster_machine);
    }
}

/// How many machines may leave at the same time. Control planes leave one at a time, so that etcd keeps its majority.
fn parallelism(set: &Object) -> usize {
    let spec: MachineSetSpec = set.spec();
    if set.label(label::CONTROL_PLANE).is_some() {
        return 1;
    }
    let configured = spec.delete_strategy_config.and_then(|c| c.rolling).map(|r| r.max_parallelism as usize);
    match spec.delete_strategy {
        // Without a number, rolling has no limit: that of removals, unlike that of changes, has to be given.
        1 => configured.filter(|n| *n > 0).unwrap_or(usize::MAX),
        _ => usize::MAX,
    }
}

fn nodes(ctx: &ControllerContext<'_>, set: &Object) -> Vec<Arc<Object>> {
    let mut nodes = ctx.labelled(kind::MACHINE_SET_NODE, label::MACHINE_SET, &set.key.id);
    nodes.retain(|node| !node.tearing_down);
    nodes
}
