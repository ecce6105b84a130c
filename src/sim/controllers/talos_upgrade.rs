//! Changes of the Talos version: control planes first, then workers, in turn.

use super::desk::Desk;
use super::member;
use crate::pb::specs::cluster_machine_status_spec::Stage;
use crate::pb::specs::talos_upgrade_status_spec::Phase;
use crate::pb::specs::{
    ClusterConfigVersionSpec, ClusterMachineConfigStatusSpec, ClusterMachineStatusSpec, ClusterMachineTalosVersionSpec,
    ClusterSpec, MachineSetSpec, TalosUpgradeStatusSpec, TalosVersionSpec,
};
use crate::sim::names::{annotation, controller, kind, label};
use crate::sim::object::Object;
use crate::sim::rules::tolerant;
use std::sync::Arc;

const OWNER: &str = controller::TALOS_UPGRADE_STATUS;

pub(super) fn act(desk: &Desk<'_>) {
    for cluster in desk.list(kind::CLUSTER) {
        if !cluster.tearing_down {
            upgrade(desk, &cluster);
        }
    }
}

fn upgrade(desk: &Desk<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    let target = cluster.spec::<ClusterSpec>().talos_version;
    let members: Vec<_> = desk
        .labelled(kind::CLUSTER_MACHINE, label::CLUSTER, id)
        .into_iter()
        .filter(|member| !member.tearing_down)
        .collect();
    let outdated = outdated(desk, &members, &target);
    let mut status: TalosUpgradeStatusSpec = desk.spec(kind::TALOS_UPGRADE_STATUS, id);
    if status.last_upgrade_version.is_empty() {
        status.last_upgrade_version.clone_from(&target);
    }
    if outdated.is_empty() {
        status = TalosUpgradeStatusSpec { last_upgrade_version: target.clone(), ..Default::default() };
        status.set_phase(Phase::Done);
    } else {
        let paused = cluster.annotations.contains_key(annotation::CLUSTER_LOCKED);
        let begun = if paused { Vec::new() } else { advance(desk, &outdated, &target) };
        let reverting = target == status.last_upgrade_version;
        status.set_phase(if reverting { Phase::Reverting } else { Phase::Upgrading });
        status.current_upgrade_version.clone_from(&target);
        status.status = format!("updating machines {}/{}", members.len() - outdated.len(), members.len());
        status.step = match begun.first() {
            Some(machine) => format!("updating machine {machine:?}"),
            None => "waiting for machines that are locked or do not answer".into(),
        };
    }
    status.upgrade_versions = reachable(desk, id, &target);
    desk.put(OWNER, kind::TALOS_UPGRADE_STATUS, id, &[], &status);
}

/// Members that run another version than they should, control planes first.
/// A member that was never installed yet gets the right version at once.
fn outdated(desk: &Desk<'_>, members: &[Arc<Object>], target: &str) -> Vec<Arc<Object>> {
    let mut found: Vec<Arc<Object>> = members
        .iter()
        .filter(|member| {
            let last: ClusterMachineConfigStatusSpec = desk.spec(kind::CLUSTER_MACHINE_CONFIG_STATUS, &member.key.id);
            let status: ClusterMachineStatusSpec = desk.spec(kind::CLUSTER_MACHINE_STATUS, &member.key.id);
            if last.talos_version.is_empty() {
                let wanted = ClusterMachineTalosVersionSpec { talos_version: target.into(), ..Default::default() };
                let owner = controller::CLUSTER_MACHINE_TALOS_VERSION;
                desk.put(owner, kind::CLUSTER_MACHINE_TALOS_VERSION, &member.key.id, &[], &wanted);
                return false;
            }
            last.talos_version != target || on_the_way(status.stage())
        })
        .cloned()
        .collect();
    found.sort_by_key(|member| member.label(label::CONTROL_PLANE).is_none());
    // Machines that are only being installed do not make an upgrade.
    let upgrading = found.iter().any(|member| {
        let last: ClusterMachineConfigStatusSpec = desk.spec(kind::CLUSTER_MACHINE_CONFIG_STATUS, &member.key.id);
        last.talos_version != target
    });
    let running: TalosUpgradeStatusSpec = found
        .first()
        .and_then(|member| member.label(label::CLUSTER))
        .map(|cluster| desk.spec(kind::TALOS_UPGRADE_STATUS, cluster))
        .unwrap_or_default();
    if upgrading || !running.current_upgrade_version.is_empty() { found } else { Vec::new() }
}

fn on_the_way(stage: Stage) -> bool {
    matches!(stage, Stage::Upgrading | Stage::Rebooting | Stage::Booting)
}

/// Begins with the next machines, as many at once as their set allows; says which are on their way now.
fn advance(desk: &Desk<'_>, outdated: &[Arc<Object>], target: &str) -> Vec<String> {
    let status = |member: &Object| desk.spec::<ClusterMachineStatusSpec>(kind::CLUSTER_MACHINE_STATUS, &member.key.id);
    let mut moving: Vec<String> = outdated
        .iter()
        .filter(|member| on_the_way(status(member).stage()))
        .map(|member| member.key.id.clone())
        .collect();
    let planes = outdated.iter().any(|member| member.label(label::CONTROL_PLANE).is_some());
    for member in outdated {
        let id = member.key.id.as_str();
        let is_plane = member.label(label::CONTROL_PLANE).is_some();
        if moving.len() >= parallelism(desk, member) || (planes && !is_plane) {
            break;
        }
        if moving.iter().any(|m| m == id) || status(member).stage() != Stage::Running || member::locked(desk, id) {
            continue;
        }
        let wanted = ClusterMachineTalosVersionSpec { talos_version: target.into(), ..Default::default() };
        desk.put(controller::CLUSTER_MACHINE_TALOS_VERSION, kind::CLUSTER_MACHINE_TALOS_VERSION, id, &[], &wanted);
        desk.edit_spec(kind::CLUSTER_MACHINE_STATUS, id, |status: &mut ClusterMachineStatusSpec| {
            status.set_stage(Stage::Upgrading);
            status.ready = false;
        });
        moving.push(id.to_owned());
    }
    moving
}

fn parallelism(desk: &Desk<'_>, member: &Object) -> usize {
    let set: MachineSetSpec = desk.spec(kind::MACHINE_SET, member.label(label::MACHINE_SET).unwrap_or_default());
    let rolling = member.label(label::CONTROL_PLANE).is_none() && set.upgrade_strategy == 1;
    let configured = set.upgrade_strategy_config.and_then(|c| c.rolling).map(|r| r.max_parallelism as usize);
    configured.filter(|n| rolling && *n > 0).unwrap_or(1)
}

/// The versions that the cluster could be changed to: from its first minor version to one above the present.
fn reachable(desk: &Desk<'_>, cluster: &str, current: &str) -> Vec<String> {
    let first: ClusterConfigVersionSpec = desk.spec(kind::CLUSTER_CONFIG_VERSION, cluster);
    let (Ok(first), Ok(now)) = (tolerant::parse(&first.version), tolerant::parse(current)) else { return Vec::new() };
    let mut found: Vec<_> = desk
        .list(kind::TALOS_VERSION)
        .iter()
        .filter_map(|offer| {
            let offer: TalosVersionSpec = offer.spec();
            let version = tolerant::parse(&offer.version).ok()?;
            let line = version.minor_line();
            let fits = line >= first.minor_line() && line <= (now.major, now.minor + 1) && offer.version != current;
            (fits && !offer.deprecated && !offer.unsupported).then_some((version, offer.version))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, text)| text).collect()
}
