//! What the server reports of machine sets.

use super::cluster;
use super::context::{ControllerContext, count, hex, labels};
use super::schematic;
use crate::catalogue::Feature;
use crate::names::{controller, kind, label};
use crate::object::Object;
use crate::rules;
use omni_proto::specs::cluster_machine_status_spec::Stage;
use omni_proto::specs::machine_set_spec::machine_allocation::Type;
use omni_proto::specs::{
    ClusterMachineConfigStatusSpec, ClusterMachineStatusSpec, ClusterSpec, MachineSetConfigStatusSpec, MachineSetPhase,
    MachineSetSpec, MachineSetStatusSpec, MachineSpec, Machines,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

const HELD_BY: &[&str] = &[controller::CLUSTER_STATUS];
const NO_NODE: &str = "control plane machine set must have at least one node";

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for set in ctx.list(kind::MACHINE_SET) {
        // A set that nobody holds any more has been forgotten already.
        if !set.tearing_down || !set.finalizers.is_empty() {
            report(ctx, &set);
        }
    }
}

fn report(ctx: &ControllerContext<'_>, set: &Object) {
    let id = set.key.id.as_str();
    let spec: MachineSetSpec = set.spec();
    let cluster_machines = ctx.labelled(kind::CLUSTER_MACHINE, label::MACHINE_SET, id);
    let allocation = rules::allocation(&spec);
    let nodes = ctx.labelled(kind::MACHINE_SET_NODE, label::MACHINE_SET, id);
    let nodes = nodes.iter().filter(|node| !node.tearing_down).count();
    let requested = match allocation {
        _ if set.tearing_down => 0,
        Some(class) if class.allocation_type() == Type::Static => class.machine_count,
        _ => count(nodes),
    };
    let status = |cluster_machine: &Arc<Object>| {
        ctx.spec::<ClusterMachineStatusSpec>(kind::CLUSTER_MACHINE_STATUS, &cluster_machine.key.id)
    };
    let with = |test: &dyn Fn(&Arc<Object>) -> bool| {
        count(cluster_machines.iter().filter(|cluster_machine| test(cluster_machine)).count())
    };
    let machines = Machines {
        total: count(cluster_machines.len()),
        healthy: with(&|cluster_machine| status(cluster_machine).ready),
        connected: with(&|cluster_machine| ctx.spec::<MachineSpec>(kind::MACHINE, &cluster_machine.key.id).connected),
        requested,
    };
    // A cluster without a control plane never comes up, which the server tells of at once.
    let headless =
        set.label(label::CONTROL_PLANE).is_some() && !set.tearing_down && cluster_machines.is_empty() && requested == 0;
    let phase = if headless { MachineSetPhase::Failed } else { phase(ctx, set, &cluster_machines, requested) };
    let ready = phase == MachineSetPhase::Running && machines.healthy == machines.total;
    let locked = |cluster_machine: &Arc<Object>| {
        ctx.get(kind::CLUSTER_MACHINE_STATUS, &cluster_machine.key.id)
            .is_some_and(|status| status.label(label::LOCKED_UPDATE).is_some())
    };
    let report = MachineSetStatusSpec {
        phase: phase.into(),
        ready,
        error: if headless { NO_NODE.to_owned() } else { String::new() },
        machines: Some(machines),
        machine_allocation: allocation.cloned(),
        locked_updates: with(&locked),
        config_hash: config_hash(ctx, &cluster_machines),
    };
    let object = ctx.put(controller::MACHINE_SET_STATUS, kind::MACHINE_SET_STATUS, id, &labels(set), &report);
    ctx.hold(&object, HELD_BY);
    let cluster = set.label(label::CLUSTER).and_then(|id| ctx.get(kind::CLUSTER, id));
    let changeable = MachineSetConfigStatusSpec {
        config_updates_allowed: !set.tearing_down && cluster.is_some_and(|cluster| !cluster::paused(&cluster)),
        should_reset_graceful: !set.tearing_down,
        update_strategy: spec.update_strategy,
        update_strategy_config: spec.update_strategy_config,
    };
    ctx.put(controller::MACHINE_SET_STATUS, kind::MACHINE_SET_CONFIG_STATUS, id, &[], &changeable);
}

/// A digest of what the cluster machines run; without cluster machines it is that of nothing.
fn config_hash(ctx: &ControllerContext<'_>, cluster_machines: &[Arc<Object>]) -> String {
    let mut digest = Sha256::new();
    for cluster_machine in cluster_machines {
        let last: ClusterMachineConfigStatusSpec =
            ctx.spec(kind::CLUSTER_MACHINE_CONFIG_STATUS, &cluster_machine.key.id);
        digest.update(last.cluster_machine_config_sha256.as_bytes());
    }
    hex(digest)
}

fn phase(
    ctx: &ControllerContext<'_>,
    set: &Object,
    cluster_machines: &[Arc<Object>],
    requested: u32,
) -> MachineSetPhase {
    let target = set
        .label(label::CLUSTER)
        .map(|cluster| ctx.spec::<ClusterSpec>(kind::CLUSTER, cluster).talos_version)
        .unwrap_or_default();
    let (leaving, staying): (Vec<_>, Vec<_>) =
        cluster_machines.iter().partition(|cluster_machine| cluster_machine.tearing_down);
    let any = |test: &dyn Fn(&ClusterMachine) -> bool| {
        staying.iter().any(|cluster_machine| test(&ClusterMachine::read(ctx, &cluster_machine.key.id)))
    };
    if set.tearing_down {
        MachineSetPhase::Destroying
    } else if count(staying.len()) < requested || any(&|cluster_machine| cluster_machine.last.talos_version.is_empty())
    {
        MachineSetPhase::ScalingUp
    } else if !leaving.is_empty() || count(staying.len()) > requested {
        MachineSetPhase::ScalingDown
    } else if any(&|cluster_machine| {
        cluster_machine.last.talos_version != target || cluster_machine.last.schematic_id != cluster_machine.schematic
    }) {
        match ctx.release.has(Feature::UpgradingSets) {
            true => MachineSetPhase::Upgrading,
            false => MachineSetPhase::Reconfiguring,
        }
    } else if any(&|cluster_machine| {
        cluster_machine.status.stage() == Stage::Configuring || !cluster_machine.status.config_up_to_date
    }) {
        MachineSetPhase::Reconfiguring
    } else if any(&|cluster_machine| {
        cluster_machine.status.stage() != Stage::Running || (!cluster_machine.status.ready && cluster_machine.connected)
    }) {
        // What is installed but not yet up still belongs to what was asked for before.
        MachineSetPhase::ScalingUp
    } else {
        MachineSetPhase::Running
    }
}

/// What is known of one cluster machine.
struct ClusterMachine {
    status: ClusterMachineStatusSpec,
    last: ClusterMachineConfigStatusSpec,
    connected: bool,
    schematic: String,
}

impl ClusterMachine {
    fn read(ctx: &ControllerContext<'_>, id: &str) -> Self {
        Self {
            status: ctx.spec(kind::CLUSTER_MACHINE_STATUS, id),
            last: ctx.spec(kind::CLUSTER_MACHINE_CONFIG_STATUS, id),
            connected: ctx.spec::<MachineSpec>(kind::MACHINE, id).connected,
            schematic: schematic::target(ctx, id),
        }
    }
}
