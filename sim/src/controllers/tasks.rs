//! Ongoing tasks of the server, one for each change of a cluster that is in progress.

use super::context::ControllerContext;
use crate::names::{controller, kind};
use omni_proto::specs::ongoing_task_spec::Details;
use omni_proto::specs::{
    ClusterSecretsRotationStatusSpec, KubernetesUpgradeStatusSpec, OngoingTaskSpec, TalosUpgradeStatusSpec,
};
use std::collections::BTreeMap;

pub(super) fn act(ctx: &ControllerContext<'_>) {
    let mut tasks: BTreeMap<String, OngoingTaskSpec> = BTreeMap::new();
    let mut add = |suffix: &str, title: &str, cluster: &str, details: Details| {
        let title = format!("{title} {cluster}");
        let task = OngoingTaskSpec { title, details: Some(details), resource_id: cluster.to_owned() };
        tasks.insert(format!("{cluster}-{suffix}"), task);
    };
    for status in ctx.list(kind::CLUSTER_DESTROY_STATUS) {
        add("destroy", "Destroying Cluster", &status.key.id, Details::Destroy(status.spec()));
    }
    for status in ctx.list(kind::TALOS_UPGRADE_STATUS) {
        let spec: TalosUpgradeStatusSpec = status.spec();
        if !spec.status.is_empty() {
            add("talos-update", "Updating Cluster", &status.key.id, Details::TalosUpgrade(spec));
        }
    }
    for status in ctx.list(kind::KUBERNETES_UPGRADE_STATUS) {
        let spec: KubernetesUpgradeStatusSpec = status.spec();
        if !spec.step.is_empty() {
            add("kubernetes-update", "Updating Cluster", &status.key.id, Details::KubernetesUpgrade(spec));
        }
    }
    for status in ctx.list(kind::CLUSTER_SECRETS_ROTATION_STATUS) {
        let spec: ClusterSecretsRotationStatusSpec = status.spec();
        if !spec.status.is_empty() {
            add("secret-rotation", "Rotating Secret for Cluster", &status.key.id, Details::SecretsRotation(spec));
        }
    }
    for old in ctx.list(kind::ONGOING_TASK) {
        if !tasks.contains_key(&old.key.id) {
            ctx.remove(kind::ONGOING_TASK, &old.key.id);
        }
    }
    for (id, task) in tasks {
        ctx.put(controller::ONGOING_TASK, kind::ONGOING_TASK, &id, &[], &task);
    }
}
