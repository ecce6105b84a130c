//! Clusters: what the server makes beside each of them, and how one is taken down piece by piece.

use super::desk::Desk;
use crate::pb::specs::{
    ClusterBootstrapStatusSpec, ClusterConfigVersionSpec, ClusterSpec, ClusterUuid, DestroyStatusSpec,
    LoadBalancerConfigSpec,
};
use crate::sim::names::{controller, kind, label};
use crate::sim::object::Object;
use prost::Message;
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

/// What the server keeps under the id of a cluster.
const BELONGINGS: &[&str] = &[
    kind::CLUSTER_STATUS,
    kind::CLUSTER_BOOTSTRAP_STATUS,
    kind::CLUSTER_UUID,
    kind::CLUSTER_CONFIG_VERSION,
    kind::CLUSTER_ENDPOINT,
    kind::CLUSTER_DESTROY_STATUS,
    kind::LOAD_BALANCER_CONFIG,
    kind::LOAD_BALANCER_STATUS,
    kind::KUBERNETES_UPGRADE_STATUS,
    kind::TALOS_UPGRADE_STATUS,
    kind::KUBERNETES_STATUS,
];

/// What users made for a cluster, in the order in which it goes once the machine sets are gone.
const CONTENTS: &[&str] = &[
    kind::CONFIG_PATCH,
    kind::KUBERNETES_MANIFEST_GROUP,
    kind::EXTENSIONS_CONFIGURATION,
    kind::KUBERNETES_HEALTH_CHECK,
];

/// What users made under the id of a cluster.
const NAMESAKES: &[&str] = &[kind::IMPORTED_CLUSTER_SECRETS, kind::ROTATE_TALOS_CA, kind::ROTATE_KUBERNETES_CA];

const FIRST_PORT: u32 = 10001;

pub(super) fn act(desk: &Desk<'_>) {
    for cluster in desk.list(kind::CLUSTER) {
        if cluster.tearing_down {
            leave(desk, &cluster);
        } else {
            desk.hold(&cluster, HELD_BRIEFLY);
            desk.hold(&cluster, HELD_TO_THE_END);
            furnish(desk, &cluster);
        }
    }
}

fn furnish(desk: &Desk<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    let spec: ClusterSpec = cluster.spec();
    if !desk.has(kind::CLUSTER_UUID, id) {
        let uuid = uuid::Uuid::new_v4().to_string();
        let labels = [(label::CLUSTER_UUID, uuid.as_str())];
        desk.put(controller::CLUSTER_UUID, kind::CLUSTER_UUID, id, &labels, &ClusterUuid { uuid: uuid.clone() });
    }
    desk.once(controller::CLUSTER_CONFIG_VERSION, kind::CLUSTER_CONFIG_VERSION, id, &[], || {
        ClusterConfigVersionSpec { version: format!("v{}", spec.talos_version) }.encode_to_vec()
    });
    desk.once(controller::CLUSTER_BOOTSTRAP_STATUS, kind::CLUSTER_BOOTSTRAP_STATUS, id, &[], || {
        ClusterBootstrapStatusSpec { bootstrapped: false }.encode_to_vec()
    });
    desk.once(controller::CLUSTER_LOAD_BALANCER, kind::LOAD_BALANCER_CONFIG, id, &[], || {
        let port = free_port(desk);
        let siderolink_endpoint = format!("https://[fdae:41e4:649b:9303::1]:{port}");
        LoadBalancerConfigSpec { bind_port: port.to_string(), siderolink_endpoint, endpoints: Vec::new() }
            .encode_to_vec()
    });
}

fn free_port(desk: &Desk<'_>) -> u32 {
    let taken: Vec<String> = desk
        .list(kind::LOAD_BALANCER_CONFIG)
        .iter()
        .map(|config| config.spec::<LoadBalancerConfigSpec>().bind_port)
        .collect();
    (FIRST_PORT..).find(|port| !taken.contains(&port.to_string())).unwrap_or(FIRST_PORT)
}

/// Takes a cluster down: workers, control planes, what users wrote for it, then what the server wrote about it.
/// What another controller owns is left to that controller.
fn leave(desk: &Desk<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    desk.release(cluster, HELD_BRIEFLY);
    report(desk, id);
    let of_users = |kind: &str| {
        let mut found = desk.labelled(kind, label::CLUSTER, id);
        found.retain(|object| object.owner.is_empty());
        found
    };
    let sets = of_users(kind::MACHINE_SET);
    let (planes, workers): (Vec<Arc<Object>>, Vec<Arc<Object>>) =
        sets.into_iter().partition(|set| set.label(label::CONTROL_PLANE).is_some());
    if !desk.clear_all(&workers) || !desk.clear_all(&planes) {
        return;
    }
    let contents: Vec<_> = CONTENTS.iter().flat_map(|kind| of_users(kind)).collect();
    let members = desk.labelled(kind::CLUSTER_MACHINE, label::CLUSTER, id);
    if !desk.clear_all(&contents) || !members.is_empty() {
        return;
    }
    let namesakes: Vec<_> = NAMESAKES.iter().filter_map(|kind| desk.get(kind, id)).collect();
    if !desk.clear_all(&namesakes) {
        return;
    }
    for kind in BELONGINGS {
        desk.remove(kind, id);
    }
    desk.release(cluster, HELD_TO_THE_END);
}

fn report(desk: &Desk<'_>, id: &str) {
    let sets = desk.labelled(kind::MACHINE_SET, label::CLUSTER, id).len();
    let members = desk.labelled(kind::CLUSTER_MACHINE, label::CLUSTER, id).len();
    let phase = format!("Destroying: {sets} machine sets, {members} machines");
    let owner = controller::CLUSTER_DESTROY_STATUS;
    desk.put(owner, kind::CLUSTER_DESTROY_STATUS, id, &[], &DestroyStatusSpec { phase });
}
