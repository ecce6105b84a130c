//! Clusters: finalizers, and teardown step by step.

use super::cluster_parts;
use super::context::ControllerContext;
use crate::catalogue::Feature;
use crate::names::{annotation, controller, kind, label};
use crate::object::Object;
use omni_proto::specs::DestroyStatusSpec;
use std::sync::Arc;

/// Who lets go of a cluster as soon as it is torn down.
const HELD_BRIEFLY: &[&str] = &[
    controller::CLUSTER_ENDPOINT,
    controller::CLUSTER_UUID,
    controller::CLUSTER_CONFIG_VERSION,
    controller::TALOS_UPGRADE_STATUS,
    controller::KUBERNETES_UPGRADE_STATUS,
    controller::CLUSTER_WORKLOAD_PROXY_STATUS,
];

/// Who holds on to it until its machines are gone.
const HELD_TO_THE_END: &[&str] = &[
    controller::CLUSTER_STATUS,
    controller::CLUSTER_DESTROY_STATUS,
    controller::SECRETS,
    controller::BACKUP_DATA,
    controller::CLUSTER,
];

/// Who joined those with the manifests of users.
const HELD_LATER: &[&str] = &[controller::CLUSTER_WORKLOAD_PROXY, controller::CLUSTER_KUBERNETES_MANIFESTS_STATUS];

/// What users made for a cluster, in the order in which it goes once the machine sets are gone.
const CONTENTS: &[&str] = &[
    kind::CONFIG_PATCH,
    kind::KUBERNETES_MANIFEST_GROUP,
    kind::EXTENSIONS_CONFIGURATION,
    kind::KUBERNETES_HEALTH_CHECK,
];

/// What users made under the id of a cluster.
const NAMESAKES: &[&str] = &[kind::IMPORTED_CLUSTER_SECRETS, kind::ROTATE_TALOS_CA, kind::ROTATE_KUBERNETES_CA];

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for cluster in ctx.list(kind::CLUSTER) {
        if cluster.tearing_down {
            leave(ctx, &cluster);
        } else {
            ctx.hold(&cluster, HELD_BRIEFLY);
            ctx.hold(&cluster, HELD_TO_THE_END);
            if ctx.release.has(Feature::AppliedManifests) {
                ctx.hold(&cluster, HELD_LATER);
            }
            cluster_parts::create_parts(ctx, &cluster);
        }
    }
}

/// Whether users keep the server from changing this cluster and its machines.
pub(super) fn paused(cluster: &Object) -> bool {
    let flag = |key| cluster.annotations.contains_key(key);
    flag(annotation::CLUSTER_LOCKED) && !flag(annotation::CLUSTER_IMPORT_IN_PROGRESS)
}

/// Takes a cluster down: workers, control planes, what users wrote for it, then what the server wrote about it.
/// What another controller owns is left to that controller.
fn leave(ctx: &ControllerContext<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    ctx.release(cluster, HELD_BRIEFLY);
    report(ctx, id);
    let of_users = |kind: &str| {
        let mut found = ctx.labelled(kind, label::CLUSTER, id);
        found.retain(|object| object.owner.is_empty());
        found
    };
    let sets = of_users(kind::MACHINE_SET);
    let (planes, workers): (Vec<Arc<Object>>, Vec<Arc<Object>>) =
        sets.into_iter().partition(|set| set.label(label::CONTROL_PLANE).is_some());
    if !ctx.clear_all(&workers) || !ctx.clear_all(&planes) {
        return;
    }
    let contents: Vec<_> = CONTENTS.iter().flat_map(|kind| of_users(kind)).collect();
    let cluster_machines = ctx.labelled(kind::CLUSTER_MACHINE, label::CLUSTER, id);
    if !ctx.clear_all(&contents) || !cluster_machines.is_empty() {
        return;
    }
    let namesakes: Vec<_> = NAMESAKES.iter().filter_map(|kind| ctx.get(kind, id)).collect();
    if !ctx.clear_all(&namesakes) {
        return;
    }
    cluster_parts::clear(ctx, id);
    ctx.release(cluster, HELD_TO_THE_END);
    ctx.release(cluster, HELD_LATER);
}

fn report(ctx: &ControllerContext<'_>, id: &str) {
    let sets = ctx.labelled(kind::MACHINE_SET, label::CLUSTER, id).len();
    let cluster_machines = ctx.labelled(kind::CLUSTER_MACHINE, label::CLUSTER, id).len();
    let phase = format!("Destroying: {sets} machine sets, {cluster_machines} machines");
    let owner = controller::CLUSTER_DESTROY_STATUS;
    ctx.put(owner, kind::CLUSTER_DESTROY_STATUS, id, &[], &DestroyStatusSpec { phase });
}
