//! What the server reports of clusters.

use super::context::ControllerContext;
use crate::names::{annotation, controller, kind, label};
use crate::object::Object;
use omni_proto::specs::cluster_status_spec::Phase;
use omni_proto::specs::{
    ClusterBootstrapStatusSpec, ClusterConfigVersionSpec, ClusterSecretsSpec, ClusterSpec, ClusterStatusSpec,
    LoadBalancerStatusSpec, MachineSetPhase, MachineSetStatusSpec, Machines,
};

const HELD_BY: &[&str] = &[controller::CLUSTER_BOOTSTRAP_STATUS, controller::DISCOVERY_SERVICE_CONFIG_PATCH];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for cluster in ctx.list(kind::CLUSTER) {
        // A cluster that nobody holds any more has been forgotten already.
        if !cluster.tearing_down || !cluster.finalizers.is_empty() {
            report(ctx, &cluster);
        }
    }
}

fn report(ctx: &ControllerContext<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    let spec: ClusterSpec = cluster.spec();
    let sets = ctx.labelled(kind::MACHINE_SET_STATUS, label::CLUSTER, id);
    let reports: Vec<MachineSetStatusSpec> = sets.iter().map(|set| set.spec()).collect();
    let planes = sets.iter().filter(|set| set.label(label::CONTROL_PLANE).is_some());
    let planes: Vec<MachineSetStatusSpec> = planes.map(|set| set.spec()).collect();
    let bootstrapped = ctx.spec::<ClusterBootstrapStatusSpec>(kind::CLUSTER_BOOTSTRAP_STATUS, id).bootstrapped;
    let api = ctx.spec::<LoadBalancerStatusSpec>(kind::LOAD_BALANCER_STATUS, id).healthy;
    let connected = planes.iter().any(|set| set.machines.is_some_and(|machines| machines.connected > 0));
    let phase = phase(cluster, &reports);
    let features = spec.features.unwrap_or_default();
    let first: ClusterConfigVersionSpec = ctx.spec(kind::CLUSTER_CONFIG_VERSION, id);
    let status = ClusterStatusSpec {
        available: bootstrapped && api && connected,
        machines: Some(sum(&reports)),
        phase: phase.into(),
        ready: bootstrapped && api && phase == Phase::Running && reports.iter().all(|set| set.ready),
        kubernetes_api_ready: api,
        controlplane_ready: !planes.is_empty() && planes.iter().all(|set| set.ready),
        has_connected_control_planes: connected,
        use_embedded_discovery_service: features.use_embedded_discovery_service,
        talos_version: spec.talos_version,
        kubernetes_version: spec.kubernetes_version,
        // Older servers keep the switch in the spec, and do not know it.
        disable_public_discovery_service: features.disable_public_discovery_service
            && ctx.release.has_field("ClusterStatusSpec", "disable_public_discovery_service"),
        initial_talos_version: first.version.trim_start_matches('v').to_owned(),
    };
    let old = ctx.get(kind::CLUSTER_STATUS, id);
    let imported = old.as_ref().and_then(|old| old.label(label::TAINTED_BY_IMPORTING)).is_some()
        || ctx.spec::<ClusterSecretsSpec>(kind::CLUSTER_SECRETS, id).imported;
    let broken = ctx.has(kind::CLUSTER_TAINT, id);
    let locked = cluster.annotations.contains_key(annotation::CLUSTER_LOCKED);
    let labels: Vec<(&str, &str)> = cluster
        .labels
        .iter()
        .filter(|(key, _)| !key.starts_with(label::PREFIX))
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .chain(imported.then_some((label::TAINTED_BY_IMPORTING, "")))
        .chain(broken.then_some((label::TAINTED_BY_BREAK_GLASS, "")))
        .collect();
    let object = ctx.put(controller::CLUSTER_STATUS, kind::CLUSTER_STATUS, id, &labels, &status);
    ctx.edit(kind::CLUSTER_STATUS, id, |object| {
        if locked {
            object.annotations.insert(annotation::CLUSTER_LOCKED.to_owned(), String::new());
        } else {
            object.annotations.remove(annotation::CLUSTER_LOCKED);
        }
    });
    ctx.hold(&object, HELD_BY);
}

fn phase(cluster: &Object, sets: &[MachineSetStatusSpec]) -> Phase {
    let any = |phases: &[MachineSetPhase]| sets.iter().any(|set| phases.contains(&set.phase()));
    let destroying = !sets.is_empty() && sets.iter().all(|set| set.phase() == MachineSetPhase::Destroying);
    if cluster.tearing_down || destroying {
        Phase::Destroying
    } else if sets.is_empty() || any(&[MachineSetPhase::Failed]) {
        Phase::Unknown
    } else if any(&[MachineSetPhase::ScalingUp, MachineSetPhase::Unknown]) {
        Phase::ScalingUp
    } else if any(&[MachineSetPhase::ScalingDown, MachineSetPhase::Destroying]) {
        Phase::ScalingDown
    } else {
        Phase::Running
    }
}

fn sum(sets: &[MachineSetStatusSpec]) -> Machines {
    sets.iter().filter_map(|set| set.machines).fold(Machines::default(), |sum, set| Machines {
        total: sum.total + set.total,
        healthy: sum.healthy + set.healthy,
        connected: sum.connected + set.connected,
        requested: sum.requested + set.requested,
    })
}
