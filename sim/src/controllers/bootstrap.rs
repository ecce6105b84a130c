//! Bootstrap of a cluster: etcd, control plane, and the endpoint of its API.

use super::context::ControllerContext;
use crate::names::{controller, kind, label};
use crate::object::Object;
use omni_proto::specs::cluster_machine_status_spec::Stage;
use omni_proto::specs::control_plane_status_spec::Condition;
use omni_proto::specs::control_plane_status_spec::condition::{Severity, Status};
use omni_proto::specs::{
    ClusterBootstrapStatusSpec, ClusterEndpointSpec, ClusterMachineStatusSpec, ConditionType, ControlPlaneStatusSpec,
    LoadBalancerConfigSpec, LoadBalancerStatusSpec, MachineSpec,
};
use std::sync::Arc;

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for cluster in ctx.list(kind::CLUSTER) {
        if !cluster.tearing_down {
            observe(ctx, &cluster.key.id);
        }
    }
}

fn observe(ctx: &ControllerContext<'_>, id: &str) {
    let planes: Vec<Arc<Object>> = ctx
        .labelled(kind::CLUSTER_MACHINE, label::CLUSTER, id)
        .into_iter()
        .filter(|cluster_machine| {
            !cluster_machine.tearing_down && cluster_machine.label(label::CONTROL_PLANE).is_some()
        })
        .collect();
    let running = planes.iter().filter(|cluster_machine| runs(ctx, &cluster_machine.key.id)).count();
    let mut bootstrapped = ctx.spec::<ClusterBootstrapStatusSpec>(kind::CLUSTER_BOOTSTRAP_STATUS, id).bootstrapped;
    // The API comes up one step after etcd, and stays as long as more than half of etcd's members do.
    let voters = planes
        .iter()
        .filter(|cluster_machine| ctx.has(kind::CLUSTER_MACHINE_IDENTITY, &cluster_machine.key.id))
        .count();
    let healthy = bootstrapped && running * 2 > voters;
    if running > 0 && !bootstrapped {
        bootstrapped = true;
        let status = ClusterBootstrapStatusSpec { bootstrapped };
        ctx.put(controller::CLUSTER_BOOTSTRAP_STATUS, kind::CLUSTER_BOOTSTRAP_STATUS, id, &[], &status);
    }
    let addresses: Vec<String> = planes
        .iter()
        .map(|cluster_machine| ctx.spec::<MachineSpec>(kind::MACHINE, &cluster_machine.key.id).management_address)
        .filter(|address| !address.is_empty())
        .collect();
    let endpoint = ClusterEndpointSpec { management_addresses: addresses.clone() };
    ctx.put(controller::CLUSTER_ENDPOINT, kind::CLUSTER_ENDPOINT, id, &[], &endpoint);
    ctx.edit_spec(kind::LOAD_BALANCER_CONFIG, id, |config: &mut LoadBalancerConfigSpec| {
        config.endpoints.clone_from(&addresses);
    });
    let status = LoadBalancerStatusSpec { healthy, stopped: addresses.is_empty() };
    ctx.put(controller::LOAD_BALANCER, kind::LOAD_BALANCER_STATUS, id, &[(label::CLUSTER, id)], &status);
    for set in ctx.labelled(kind::MACHINE_SET, label::CLUSTER, id) {
        if set.label(label::CONTROL_PLANE).is_some() && !set.tearing_down && !planes.is_empty() {
            report(ctx, &set, healthy, running == planes.len());
        }
    }
}

fn runs(ctx: &ControllerContext<'_>, id: &str) -> bool {
    let status: ClusterMachineStatusSpec = ctx.spec(kind::CLUSTER_MACHINE_STATUS, id);
    status.stage() == Stage::Running && ctx.spec::<MachineSpec>(kind::MACHINE, id).connected
}

fn report(ctx: &ControllerContext<'_>, set: &Object, etcd: bool, connected: bool) {
    let condition = |of: ConditionType, good: bool, reason: &str| Condition {
        r#type: of.into(),
        reason: if good { String::new() } else { reason.into() },
        status: if good { Status::Ready } else { Status::NotReady }.into(),
        severity: if good { Severity::Info } else { Severity::Error }.into(),
    };
    let status = ControlPlaneStatusSpec {
        conditions: vec![
            condition(ConditionType::Etcd, etcd, "etcd has no majority"),
            condition(ConditionType::WireguardConnection, connected, "not all control planes answer"),
        ],
    };
    let labels = [(label::CLUSTER, set.label(label::CLUSTER).unwrap_or_default()), (label::CONTROL_PLANE, "")];
    ctx.put(controller::CONTROL_PLANE_STATUS, kind::CONTROL_PLANE_STATUS, &set.key.id, &labels, &status);
}
