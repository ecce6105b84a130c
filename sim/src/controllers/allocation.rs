//! Allocation of machines by machine class: adds and removes the nodes of machine sets.

use super::cluster;
use super::context::ControllerContext;
use crate::names::{annotation, controller, kind, label};
use crate::object::Object;
use crate::rules;
use crate::rules::selector::Selector;
use omni_proto::specs::machine_set_spec::MachineAllocation;
use omni_proto::specs::machine_set_spec::machine_allocation::Type;
use omni_proto::specs::{MachineClassSpec, MachineSetNodeSpec, MachineSetSpec};
use std::sync::Arc;

/// What a machine must be before it is picked.
const READY: &[&str] = &[label::AVAILABLE, label::READY_TO_USE, label::REPORTING_EVENTS];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for set in ctx.list(kind::MACHINE_SET) {
        let spec: MachineSetSpec = set.spec();
        let Some(wanted) = rules::allocation(&spec) else { continue };
        let Some(cluster) = set.label(label::CLUSTER).and_then(|id| ctx.get(kind::CLUSTER, id)) else { continue };
        let paused = cluster::paused(&cluster);
        if !set.tearing_down && !cluster.tearing_down && !paused {
            adjust(ctx, &set, &cluster, wanted);
        }
    }
}

/// One node more or one less.
fn adjust(ctx: &ControllerContext<'_>, set: &Object, cluster: &Object, wanted: &MachineAllocation) {
    let nodes: Vec<_> = ctx
        .labelled(kind::MACHINE_SET_NODE, label::MACHINE_SET, &set.key.id)
        .into_iter()
        .filter(|node| !node.tearing_down)
        .collect();
    let target = match wanted.allocation_type() {
        Type::Static => wanted.machine_count as usize,
        Type::Unlimited => usize::MAX,
    };
    if nodes.len() < target {
        if let Some(machine) = candidate(ctx, &wanted.name, cluster, &set.key.id) {
            take(ctx, set, &machine);
        }
    } else if nodes.len() > target && !shrinking(ctx, &set.key.id) {
        give_back(ctx, nodes);
    }
}

/// The first machine that the class matches and that is free.
/// Machines that were made for a set are taken by that set only.
fn candidate(ctx: &ControllerContext<'_>, class: &str, cluster: &Object, set: &str) -> Option<Arc<Object>> {
    let class: MachineClassSpec = ctx.get(kind::MACHINE_CLASS, class)?.spec();
    let selectors: Vec<Selector> = class.match_labels.iter().filter_map(|text| Selector::parse(text).ok()).collect();
    ctx.list(kind::MACHINE_STATUS).into_iter().find(|machine| {
        READY.iter().all(|flag| machine.label(flag).is_some())
            && if class.auto_provision.is_some() {
                machine.label(label::MACHINE_REQUEST_SET) == Some(set)
            } else {
                machine.label(label::NO_MANUAL_ALLOCATION).is_none()
                    && selectors.iter().any(|selector| selector.matches(&machine.labels))
            }
            && !ctx.has(kind::MACHINE_SET_NODE, &machine.key.id)
            && !ctx.has(kind::CLUSTER_MACHINE, &machine.key.id)
            && rules::incompatibility(ctx.release, machine, cluster).is_none()
    })
}

/// The node belongs to nobody, so that users may hand it back.
fn take(ctx: &ControllerContext<'_>, set: &Object, machine: &Object) {
    let role = if set.label(label::CONTROL_PLANE).is_some() { label::CONTROL_PLANE } else { label::WORKER };
    let labels = [
        (label::CLUSTER, set.label(label::CLUSTER).unwrap_or_default()),
        (label::MACHINE_SET, set.key.id.as_str()),
        (label::MANAGED_BY_ALLOCATION, ""),
        (role, ""),
    ];
    let finalizers = &[controller::MACHINE_SET_NODE];
    ctx.put_held("", kind::MACHINE_SET_NODE, &machine.key.id, &labels, finalizers, &MachineSetNodeSpec::default());
}

fn shrinking(ctx: &ControllerContext<'_>, set: &str) -> bool {
    ctx.labelled(kind::CLUSTER_MACHINE, label::MACHINE_SET, set)
        .iter()
        .any(|cluster_machine| cluster_machine.tearing_down)
}

/// Machines that do not answer go first, then the oldest.
fn give_back(ctx: &ControllerContext<'_>, mut nodes: Vec<Arc<Object>>) {
    nodes.retain(|node| !node.annotations.contains_key(annotation::MACHINE_LOCKED));
    let connected = |node: &Object| {
        ctx.get(kind::MACHINE_STATUS, &node.key.id).is_some_and(|machine| machine.label(label::CONNECTED).is_some())
    };
    if let Some(node) = nodes.iter().min_by_key(|node| (connected(node), node.created, node.key.id.clone())) {
        ctx.teardown(node);
    }
}
