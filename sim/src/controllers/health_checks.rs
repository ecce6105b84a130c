//! Health checks of clusters: a job that runs when the API is available, and passes while it is.

use super::context::ControllerContext;
use crate::names::{controller, kind, label};
use crate::object::Object;
use kit::yaml;
use omni_proto::specs::kubernetes_health_check_status_spec::State;
use omni_proto::specs::{KubernetesHealthCheckSpec, KubernetesHealthCheckStatusSpec, LoadBalancerStatusSpec};
use serde_json::Value;

/// Where jobs run that do not say so.
const NAMESPACE: &str = "kube-system";

pub(super) fn act(ctx: &ControllerContext<'_>) {
    if !ctx.release.has_kind(kind::KUBERNETES_HEALTH_CHECK) {
        return;
    }
    for check in ctx.list(kind::KUBERNETES_HEALTH_CHECK) {
        if let Some(cluster) = check.label(label::CLUSTER).and_then(|id| ctx.get(kind::CLUSTER, id))
            && !check.tearing_down
        {
            run(ctx, &check, &cluster.key.id);
        }
    }
    for status in ctx.list(kind::KUBERNETES_HEALTH_CHECK_STATUS) {
        if ctx.get(kind::KUBERNETES_HEALTH_CHECK, &status.key.id).is_none_or(|check| check.tearing_down) {
            ctx.remove(kind::KUBERNETES_HEALTH_CHECK_STATUS, &status.key.id);
        }
    }
}

fn run(ctx: &ControllerContext<'_>, check: &Object, cluster: &str) {
    let id = check.key.id.as_str();
    let answers = ctx.spec::<LoadBalancerStatusSpec>(kind::LOAD_BALANCER_STATUS, cluster).healthy;
    let before: KubernetesHealthCheckStatusSpec = ctx.spec(kind::KUBERNETES_HEALTH_CHECK_STATUS, id);
    let job = yaml::parse_documents(&check.spec::<KubernetesHealthCheckSpec>().job).unwrap_or_default();
    let namespace = job.iter().find_map(|job| job.pointer("/metadata/namespace")).and_then(Value::as_str);
    let mut status = KubernetesHealthCheckStatusSpec {
        job_namespace: namespace.unwrap_or(NAMESPACE).to_owned(),
        job_name: format!("omni-healthcheck-{id}"),
        ..Default::default()
    };
    status.set_state(match (answers, before.state()) {
        (true, State::Unknown) => State::Running,
        (true, _) => State::Passed,
        (false, State::Unknown) => State::Unknown,
        (false, _) => State::Failed,
    });
    if status.state() == State::Failed {
        status.error = "the API of the cluster does not answer".to_owned();
    }
    let owner = controller::KUBERNETES_HEALTH_CHECK_STATUS;
    ctx.put(owner, kind::KUBERNETES_HEALTH_CHECK_STATUS, id, &[(label::CLUSTER, cluster)], &status);
}
