//! Upgrades of Talos versions and schematics: control planes first, then workers, one machine set after the other.

use super::cluster;
use super::cluster_machine;
use super::context::{ControllerContext, count};
use super::schematic;
use crate::catalogue::Feature;
use crate::names::{controller, kind, label};
use crate::object::Object;
use crate::rules::tolerant;
use omni_proto::specs::cluster_machine_status_spec::Stage;
use omni_proto::specs::talos_upgrade_status_spec::Phase;
use omni_proto::specs::{
    ClusterConfigVersionSpec, ClusterMachineConfigStatusSpec, ClusterMachineStatusSpec, ClusterSpec, MachineSetSpec,
    MachineSpec, TalosUpgradeStatusSpec, TalosVersionSpec, UpgradeRolloutSpec,
};
use std::sync::Arc;

const OWNER: &str = controller::TALOS_UPGRADE_STATUS;

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for cluster in ctx.list(kind::CLUSTER) {
        if !cluster.tearing_down {
            upgrade(ctx, &cluster);
        }
    }
}

/// A cluster machine, what it runs and what it should run.
struct ClusterMachine {
    object: Arc<Object>,
    last: ClusterMachineConfigStatusSpec,
    stage: Stage,
    version: String,
    schematic: String,
}

impl ClusterMachine {
    fn read(ctx: &ControllerContext<'_>, object: Arc<Object>, version: &str) -> Self {
        let id = object.key.id.as_str();
        Self {
            last: ctx.spec(kind::CLUSTER_MACHINE_CONFIG_STATUS, id),
            stage: ctx.spec::<ClusterMachineStatusSpec>(kind::CLUSTER_MACHINE_STATUS, id).stage(),
            version: version.to_owned(),
            schematic: schematic::target(ctx, id),
            object,
        }
    }

    fn id(&self) -> &str {
        &self.object.key.id
    }

    fn set(&self) -> &str {
        self.object.label(label::MACHINE_SET).unwrap_or_default()
    }

    fn is_plane(&self) -> bool {
        self.object.label(label::CONTROL_PLANE).is_some()
    }

    fn is_installed(&self) -> bool {
        !self.last.talos_version.is_empty()
    }

    fn has_other_version(&self) -> bool {
        self.is_installed() && self.last.talos_version != self.version
    }

    fn has_other_schematic(&self) -> bool {
        self.is_installed() && self.last.schematic_id != self.schematic
    }

    fn is_on_the_way(&self) -> bool {
        self.is_installed() && matches!(self.stage, Stage::Upgrading | Stage::Rebooting | Stage::Booting)
    }
}

fn upgrade(ctx: &ControllerContext<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    let target = cluster.spec::<ClusterSpec>().talos_version;
    let cluster_machines: Vec<ClusterMachine> = ctx
        .labelled(kind::CLUSTER_MACHINE, label::CLUSTER, id)
        .into_iter()
        .filter(|cluster_machine| !cluster_machine.tearing_down)
        .map(|cluster_machine| ClusterMachine::read(ctx, cluster_machine, &target))
        .collect();
    // A cluster machine that was never installed yet gets what is right at once.
    cluster_machines
        .iter()
        .filter(|cluster_machine| !cluster_machine.is_installed())
        .for_each(|cluster_machine| cluster_machine::aim(ctx, &cluster_machine.object, &target));

    let before: TalosUpgradeStatusSpec = ctx.spec(kind::TALOS_UPGRADE_STATUS, id);
    let underway = !matches!(before.phase(), Phase::Unknown | Phase::Done);
    let version = cluster_machines.iter().any(ClusterMachine::has_other_version)
        || (underway && !before.current_upgrade_version.is_empty());
    let behind = |cluster_machine: &&ClusterMachine| {
        cluster_machine.has_other_version() || cluster_machine.has_other_schematic()
    };
    let mut outdated: Vec<&ClusterMachine> = cluster_machines.iter().filter(behind).collect();
    // Machines that only come up for the first time, or restart, do not make an upgrade by themselves.
    if underway || !outdated.is_empty() {
        outdated = cluster_machines
            .iter()
            .filter(|cluster_machine| behind(cluster_machine) || cluster_machine.is_on_the_way())
            .collect();
    }
    outdated.sort_by_key(|cluster_machine| !cluster_machine.is_plane());
    let mut status;
    if outdated.is_empty() {
        status = TalosUpgradeStatusSpec { last_upgrade_version: target.clone(), ..Default::default() };
        status.set_phase(Phase::Done);
        plan(ctx, cluster, &[]);
    } else {
        status = before;
        if status.last_upgrade_version.is_empty() {
            status.last_upgrade_version.clone_from(&target);
        }
        let moving = advance(ctx, cluster, &outdated);
        let reverting = target == status.last_upgrade_version;
        status.set_phase(match (version, reverting) {
            (false, _) => Phase::UpdatingMachineSchematics,
            (true, true) => Phase::Reverting,
            (true, false) => Phase::Upgrading,
        });
        status.current_upgrade_version = if version { target.clone() } else { String::new() };
        status.status =
            format!("updating machines {}/{}", cluster_machines.len() - outdated.len(), cluster_machines.len());
        status.step = match moving.first() {
            Some(cluster_machine) => format!("updating machine {:?}", cluster_machine.id()),
            None => "waiting for machines that are locked or do not answer".into(),
        };
        plan(ctx, cluster, &moving);
    }
    status.upgrade_versions = reachable(ctx, id, &target);
    ctx.put(OWNER, kind::TALOS_UPGRADE_STATUS, id, &[], &status);
}

/// Begins with the next machines, as many at once as their sets allow; returns those that are on their way now.
fn advance<'a>(
    ctx: &ControllerContext<'_>,
    cluster: &Object,
    outdated: &[&'a ClusterMachine],
) -> Vec<&'a ClusterMachine> {
    let mut moving: Vec<&ClusterMachine> =
        outdated.iter().copied().filter(|cluster_machine| cluster_machine.is_on_the_way()).collect();
    let planes = outdated.iter().any(|cluster_machine| cluster_machine.is_plane());
    if cluster::paused(cluster) {
        return moving;
    }
    for cluster_machine in outdated {
        let others = moving.iter().filter(|other| other.set() == cluster_machine.set()).count();
        let answers = ctx.spec::<MachineSpec>(kind::MACHINE, cluster_machine.id()).connected;
        if others >= parallelism(ctx, cluster_machine.set())
            || (planes && !cluster_machine.is_plane())
            || cluster_machine.stage != Stage::Running
            || !answers
            || cluster_machine::locked(ctx, cluster_machine.id())
        {
            continue;
        }
        cluster_machine::aim(ctx, &cluster_machine.object, &cluster_machine.version);
        ctx.edit_spec(kind::CLUSTER_MACHINE_STATUS, cluster_machine.id(), |status: &mut ClusterMachineStatusSpec| {
            status.set_stage(Stage::Upgrading);
            status.ready = false;
        });
        moving.push(cluster_machine);
    }
    moving
}

/// How many more machines of each set may begin now.
fn plan(ctx: &ControllerContext<'_>, cluster: &Object, moving: &[&ClusterMachine]) {
    let quota = |set: &str| {
        let busy = moving.iter().filter(|cluster_machine| cluster_machine.set() == set).count();
        i32::try_from(count(parallelism(ctx, set).saturating_sub(busy))).unwrap_or(i32::MAX)
    };
    let sets = ctx.labelled(kind::MACHINE_SET, label::CLUSTER, &cluster.key.id);
    let machine_sets_upgrade_quota = sets.iter().map(|set| (set.key.id.clone(), quota(&set.key.id))).collect();
    let rollout = UpgradeRolloutSpec { machine_sets_upgrade_quota };
    ctx.put(OWNER, kind::UPGRADE_ROLLOUT, &cluster.key.id, &[], &rollout);
}

fn parallelism(ctx: &ControllerContext<'_>, set: &str) -> usize {
    let Some(set) = ctx.get(kind::MACHINE_SET, set) else { return 1 };
    let spec: MachineSetSpec = set.spec();
    let rolling = set.label(label::CONTROL_PLANE).is_none() && spec.upgrade_strategy == 1;
    let configured = spec.upgrade_strategy_config.and_then(|c| c.rolling).map(|r| r.max_parallelism as usize);
    configured.filter(|n| rolling && *n > 0).unwrap_or(1)
}

/// The versions that the cluster could be changed to: from its first minor version to one above the present.
fn reachable(ctx: &ControllerContext<'_>, cluster: &str, current: &str) -> Vec<String> {
    let first: ClusterConfigVersionSpec = ctx.spec(kind::CLUSTER_CONFIG_VERSION, cluster);
    let (Ok(first), Ok(now)) = (tolerant::parse(&first.version), tolerant::parse(current)) else { return Vec::new() };
    let lowest = match ctx.release.has(Feature::TalosFloor) {
        true => first.minor_line(),
        // Talos itself goes back by one.
        false => (now.major, now.minor.saturating_sub(1)),
    };
    let mut found: Vec<_> = ctx
        .list(kind::TALOS_VERSION)
        .iter()
        .filter_map(|offer| {
            let offer: TalosVersionSpec = offer.spec();
            let version = tolerant::parse(&offer.version).ok()?;
            let line = version.minor_line();
            let fits = line >= lowest && line <= (now.major, now.minor + 1) && offer.version != current;
            (fits && !offer.deprecated && !offer.unsupported).then_some((version, offer.version))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, text)| text).collect()
}
