//! Kubernetes of clusters: nodes, and upgrades, one component at a time.

use super::cluster;
use super::cluster_machine;
use super::context::ControllerContext;
use crate::names::{controller, kind, label};
use crate::object::Object;
use crate::rules::{kubernetes_path_supported, tolerant};
use omni_proto::specs::cluster_machine_status_spec::Stage;
use omni_proto::specs::kubernetes_status_spec::{NodeStaticPods, NodeStatus, StaticPodStatus};
use omni_proto::specs::kubernetes_upgrade_status_spec::Phase;
use omni_proto::specs::{
    ClusterMachineSpec, ClusterMachineStatusSpec, ClusterSpec, KubernetesStatusSpec, KubernetesUpgradeStatusSpec,
    LoadBalancerStatusSpec, TalosVersionSpec,
};
use std::sync::Arc;

const STATIC_PODS: [&str; 3] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for cluster in ctx.list(kind::CLUSTER) {
        let id = cluster.key.id.as_str();
        let up = ctx.spec::<LoadBalancerStatusSpec>(kind::LOAD_BALANCER_STATUS, id).healthy;
        // As long as its API never answered there is nothing to report.
        if !cluster.tearing_down && (up || ctx.has(kind::KUBERNETES_UPGRADE_STATUS, id)) {
            let cluster_machines = cluster_machines(ctx, id);
            let mut status = observe(ctx, &cluster, &cluster_machines);
            if up && !cluster::paused(&cluster) {
                upgrade(ctx, &cluster, &cluster_machines, &mut status);
            }
            ctx.put(controller::KUBERNETES_STATUS, kind::KUBERNETES_STATUS, id, &[], &status);
        }
    }
}

/// The cluster machines that are up or were up, control planes first.
fn cluster_machines(ctx: &ControllerContext<'_>, cluster: &str) -> Vec<Arc<Object>> {
    let mut cluster_machines = ctx.labelled(kind::CLUSTER_MACHINE, label::CLUSTER, cluster);
    cluster_machines.retain(|cluster_machine| {
        !cluster_machine.tearing_down && ctx.has(kind::CLUSTER_MACHINE_IDENTITY, &cluster_machine.key.id)
    });
    cluster_machines.sort_by_key(|cluster_machine| cluster_machine.label(label::CONTROL_PLANE).is_none());
    cluster_machines
}

fn name(ctx: &ControllerContext<'_>, cluster_machine: &Object) -> String {
    cluster_machine::hostname(&ctx.spec(kind::MACHINE_STATUS, &cluster_machine.key.id))
}

/// What Kubernetes says of its nodes; the versions of static pods are carried over from the last time.
fn observe(ctx: &ControllerContext<'_>, cluster: &Object, cluster_machines: &[Arc<Object>]) -> KubernetesStatusSpec {
    let before: KubernetesStatusSpec = ctx.spec(kind::KUBERNETES_STATUS, &cluster.key.id);
    let mut status = KubernetesStatusSpec::default();
    for cluster_machine in cluster_machines {
        let nodename = name(ctx, cluster_machine);
        let of: ClusterMachineStatusSpec = ctx.spec(kind::CLUSTER_MACHINE_STATUS, &cluster_machine.key.id);
        let version = cluster_machine.spec::<ClusterMachineSpec>().kubernetes_version;
        if cluster_machine.label(label::CONTROL_PLANE).is_some() {
            let known = before.static_pods.iter().find(|pods| pods.nodename == nodename).cloned();
            status.static_pods.push(known.unwrap_or_else(|| static_pods(&nodename, &version)));
        }
        status.nodes.push(NodeStatus {
            nodename,
            kubelet_version: version,
            ready: of.ready && of.stage() == Stage::Running,
            ..Default::default()
        });
    }
    status
}

fn static_pods(nodename: &str, version: &str) -> NodeStaticPods {
    let pod = |app: &&str| StaticPodStatus { app: (*app).to_owned(), version: version.to_owned(), ready: true };
    NodeStaticPods { nodename: nodename.to_owned(), static_pods: STATIC_PODS.iter().map(pod).collect() }
}

/// Changes one component to the version of the cluster: static pods of each control plane, then each kubelet.
fn upgrade(
    ctx: &ControllerContext<'_>,
    cluster: &Object,
    cluster_machines: &[Arc<Object>],
    seen: &mut KubernetesStatusSpec,
) {
    let id = cluster.key.id.as_str();
    let target = cluster.spec::<ClusterSpec>().kubernetes_version;
    let mut status: KubernetesUpgradeStatusSpec = ctx.spec(kind::KUBERNETES_UPGRADE_STATUS, id);
    let old_pods = |pods: &&mut NodeStaticPods| pods.static_pods.iter().any(|pod| pod.version != target);
    let old =
        |cluster_machine: &&Arc<Object>| cluster_machine.spec::<ClusterMachineSpec>().kubernetes_version != target;
    let kubelets = cluster_machines.iter().filter(old).count();
    let planes = seen.static_pods.iter_mut().filter(|pods| old_pods(pods)).count();
    if planes == 0 && kubelets == 0 {
        status = KubernetesUpgradeStatusSpec { last_upgrade_version: target.clone(), ..Default::default() };
        status.set_phase(Phase::Done);
    } else {
        if status.last_upgrade_version.is_empty() {
            let first = seen.nodes.first().map(|node| node.kubelet_version.clone()).unwrap_or_default();
            status.last_upgrade_version = first;
        }
        let reverting = target == status.last_upgrade_version;
        status.set_phase(if reverting { Phase::Reverting } else { Phase::Upgrading });
        status.current_upgrade_version.clone_from(&target);
        let all = cluster_machines.len() + seen.static_pods.len();
        status.status = format!("updating components {}/{all}", all - planes - kubelets);
        let may = |cluster_machine: &&Arc<Object>| {
            cluster_machine::connected(ctx, &cluster_machine.key.id)
                && !cluster_machine::locked(ctx, &cluster_machine.key.id)
        };
        let free = cluster_machines.iter().filter(old).find(may);
        status.step = if let Some(pods) = seen.static_pods.iter_mut().find(old_pods) {
            *pods = static_pods(&pods.nodename, &target);
            format!("updating control plane components on {:?}", pods.nodename)
        } else if let Some(cluster_machine) = free {
            ctx.edit_spec(kind::CLUSTER_MACHINE, &cluster_machine.key.id, |spec: &mut ClusterMachineSpec| {
                spec.kubernetes_version.clone_from(&target);
            });
            format!("updating kubelet on {:?}", name(ctx, cluster_machine))
        } else {
            "waiting for machines that are locked or do not answer".into()
        };
    }
    status.upgrade_versions = reachable(ctx, &cluster.spec(), &target);
    ctx.put(controller::KUBERNETES_UPGRADE_STATUS, kind::KUBERNETES_UPGRADE_STATUS, id, &[], &status);
}

/// The versions that the cluster could be changed to under its Talos version.
fn reachable(ctx: &ControllerContext<'_>, cluster: &ClusterSpec, current: &str) -> Vec<String> {
    let offer: TalosVersionSpec = ctx.spec(kind::TALOS_VERSION, &cluster.talos_version);
    let mut found: Vec<_> = offer
        .compatible_kubernetes_versions
        .into_iter()
        .filter(|version| version != current && kubernetes_path_supported(current, version) == Ok(true))
        .filter_map(|version| Some((tolerant::parse(&version).ok()?, version)))
        .collect();
    found.sort();
    found.into_iter().map(|(_, text)| text).collect()
}
