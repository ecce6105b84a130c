//! Objects that the server creates for each cluster: UUID, secrets, API port, and others.
//! Most of them are not readable: callers only see their existence, owner and finalizers.

use super::context::ControllerContext;
use crate::names::{controller, kind, label};
use crate::object::Object;
use omni_proto::specs::{
    BackupDataSpec, ClusterBootstrapStatusSpec, ClusterConfigVersionSpec, ClusterDiagnosticsSpec,
    ClusterKubernetesNodesSpec, ClusterMachineIdentitySpec, ClusterSecretsRotationStatusSpec, ClusterSecretsSpec,
    ClusterSpec, ClusterUuid, ClusterWorkloadProxyStatusSpec, EtcdBackupEncryptionSpec, KubeconfigSpec,
    KubernetesUpgradeManifestStatusSpec, LoadBalancerConfigSpec, MachineStatusSpec, SecretRotationSpec,
    TalosConfigSpec, cluster_diagnostics_spec,
};
use prost::Message;

/// Everything that goes with a cluster, by the cluster's id.
const BELONGINGS: &[&str] = &[
    kind::CLUSTER_STATUS,
    kind::CLUSTER_BOOTSTRAP_STATUS,
    kind::CLUSTER_UUID,
    kind::CLUSTER_CONFIG_VERSION,
    kind::CLUSTER_ENDPOINT,
    kind::CLUSTER_DESTROY_STATUS,
    kind::CLUSTER_KUBERNETES_NODES,
    kind::CLUSTER_SECRETS,
    kind::CLUSTER_SECRETS_ROTATION_STATUS,
    kind::CLUSTER_WORKLOAD_PROXY_STATUS,
    kind::CLUSTER_TAINT,
    kind::CLUSTER_DIAGNOSTICS,
    kind::CLUSTER_KUBERNETES_MANIFESTS_STATUS,
    kind::SECRET_ROTATION,
    kind::BACKUP_DATA,
    kind::ETCD_BACKUP_ENCRYPTION,
    kind::KUBECONFIG,
    kind::TALOS_CONFIG,
    kind::LOAD_BALANCER_CONFIG,
    kind::LOAD_BALANCER_STATUS,
    kind::KUBERNETES_UPGRADE_STATUS,
    kind::KUBERNETES_UPGRADE_MANIFEST_STATUS,
    kind::TALOS_UPGRADE_STATUS,
    kind::UPGRADE_ROLLOUT,
    kind::KUBERNETES_STATUS,
];

/// Who reads a part, and is told before it goes.
const HELD_BY: &[(&str, &[&str])] = &[
    (
        kind::CLUSTER_UUID,
        &[controller::CLUSTER_DIAGNOSTICS, controller::CLUSTER_KUBERNETES_NODES, controller::ETCD_BACKUP_ENCRYPTION],
    ),
    (
        kind::CLUSTER_SECRETS,
        &[
            controller::KUBECONFIG,
            controller::KUBERNETES_UPGRADE_MANIFEST_STATUS,
            controller::SECRET_ROTATION_STATUS,
            controller::TALOS_CONFIG,
        ],
    ),
    (kind::CLUSTER_KUBERNETES_NODES, &[controller::KUBERNETES_NODE_AUDIT]),
];

const FIRST_PORT: u32 = 10000;

/// Sees to it that a cluster has all its parts.
pub(super) fn create_parts(ctx: &ControllerContext<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    identify(ctx, cluster);
    ctx.once(controller::CLUSTER_LOAD_BALANCER, kind::LOAD_BALANCER_CONFIG, id, &[], || {
        let port = free_port(ctx);
        let siderolink_endpoint = format!("https://[fdae:41e4:649b:9303::1]:{port}");
        LoadBalancerConfigSpec { bind_port: port.to_string(), siderolink_endpoint, endpoints: Vec::new() }
            .encode_to_vec()
    });
    keep_secrets(ctx, id);
    back_up(ctx, cluster);
    ctx.once(controller::KUBERNETES_UPGRADE_MANIFEST_STATUS, kind::KUBERNETES_UPGRADE_MANIFEST_STATUS, id, &[], || {
        KubernetesUpgradeManifestStatusSpec::default().encode_to_vec()
    });
    count(ctx, id);
    for (kind, names) in HELD_BY {
        if let Some(part) = ctx.get(kind, id) {
            ctx.hold(&part, names);
        }
    }
}

/// Takes all parts of a cluster away.
pub(super) fn clear(ctx: &ControllerContext<'_>, id: &str) {
    for kind in BELONGINGS {
        ctx.remove(kind, id);
    }
}

fn identify(ctx: &ControllerContext<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    if !ctx.has(kind::CLUSTER_UUID, id) {
        let uuid = uuid::Uuid::new_v4().to_string();
        let labels = [(label::CLUSTER_UUID, uuid.as_str())];
        ctx.put(controller::CLUSTER_UUID, kind::CLUSTER_UUID, id, &labels, &ClusterUuid { uuid: uuid.clone() });
    }
    ctx.once(controller::CLUSTER_CONFIG_VERSION, kind::CLUSTER_CONFIG_VERSION, id, &[], || {
        let version = format!("v{}", cluster.spec::<ClusterSpec>().talos_version);
        ClusterConfigVersionSpec { version }.encode_to_vec()
    });
    ctx.once(controller::CLUSTER_BOOTSTRAP_STATUS, kind::CLUSTER_BOOTSTRAP_STATUS, id, &[], || {
        ClusterBootstrapStatusSpec { bootstrapped: false }.encode_to_vec()
    });
}

/// Secrets and what is made of them; a change of secrets edits these later.
fn keep_secrets(ctx: &ControllerContext<'_>, id: &str) {
    ctx.once(controller::SECRETS, kind::CLUSTER_SECRETS, id, &[], || {
        let imported = ctx.has(kind::IMPORTED_CLUSTER_SECRETS, id);
        ClusterSecretsSpec { imported, ..Default::default() }.encode_to_vec()
    });
    let owner = controller::SECRET_ROTATION_STATUS;
    ctx.once(owner, kind::SECRET_ROTATION, id, &[], || SecretRotationSpec::default().encode_to_vec());
    ctx.once(owner, kind::CLUSTER_SECRETS_ROTATION_STATUS, id, &[], || {
        ClusterSecretsRotationStatusSpec::default().encode_to_vec()
    });
    ctx.once(controller::KUBECONFIG, kind::KUBECONFIG, id, &[], || KubeconfigSpec::default().encode_to_vec());
    ctx.once(controller::TALOS_CONFIG, kind::TALOS_CONFIG, id, &[], || TalosConfigSpec::default().encode_to_vec());
}

fn back_up(ctx: &ControllerContext<'_>, cluster: &Object) {
    let id = cluster.key.id.as_str();
    ctx.once(controller::ETCD_BACKUP_ENCRYPTION, kind::ETCD_BACKUP_ENCRYPTION, id, &[], || {
        let encryption_key = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
        EtcdBackupEncryptionSpec { encryption_key }.encode_to_vec()
    });
    let wanted = cluster.spec::<ClusterSpec>().backup_configuration.filter(|wanted| wanted.enabled);
    let data = BackupDataSpec {
        interval: wanted.and_then(|wanted| wanted.interval),
        cluster_uuid: ctx.spec::<ClusterUuid>(kind::CLUSTER_UUID, id).uuid,
        encryption_key: ctx.spec::<EtcdBackupEncryptionSpec>(kind::ETCD_BACKUP_ENCRYPTION, id).encryption_key,
        ..Default::default()
    };
    ctx.put(controller::BACKUP_DATA, kind::BACKUP_DATA, id, &[], &data);
}

/// What follows from the cluster machines and services that a cluster has now.
fn count(ctx: &ControllerContext<'_>, id: &str) {
    let mut nodes: Vec<String> = ctx
        .labelled(kind::CLUSTER_MACHINE_IDENTITY, label::CLUSTER, id)
        .iter()
        .map(|identity| identity.spec::<ClusterMachineIdentitySpec>().nodename)
        .collect();
    nodes.sort();
    let nodes = ClusterKubernetesNodesSpec { nodes };
    ctx.put(controller::CLUSTER_KUBERNETES_NODES, kind::CLUSTER_KUBERNETES_NODES, id, &[], &nodes);

    let services = ctx.labelled(kind::EXPOSED_SERVICE, label::CLUSTER, id).len();
    let status = ClusterWorkloadProxyStatusSpec { num_exposed_services: super::context::count(services) };
    ctx.put(controller::CLUSTER_WORKLOAD_PROXY_STATUS, kind::CLUSTER_WORKLOAD_PROXY_STATUS, id, &[], &status);

    let complaining: Vec<cluster_diagnostics_spec::Node> = ctx
        .labelled(kind::CLUSTER_MACHINE, label::CLUSTER, id)
        .iter()
        .map(|cluster_machine| {
            let diagnostics = ctx.spec::<MachineStatusSpec>(kind::MACHINE_STATUS, &cluster_machine.key.id).diagnostics;
            let num_diagnostics = super::context::count(diagnostics.len());
            cluster_diagnostics_spec::Node { id: cluster_machine.key.id.clone(), num_diagnostics }
        })
        .filter(|node| node.num_diagnostics > 0)
        .collect();
    if complaining.is_empty() {
        ctx.remove(kind::CLUSTER_DIAGNOSTICS, id);
    } else {
        let diagnostics = ClusterDiagnosticsSpec { nodes: complaining };
        ctx.put(controller::CLUSTER_DIAGNOSTICS, kind::CLUSTER_DIAGNOSTICS, id, &[], &diagnostics);
    }
}

fn free_port(ctx: &ControllerContext<'_>) -> u32 {
    let taken: Vec<String> = ctx
        .list(kind::LOAD_BALANCER_CONFIG)
        .iter()
        .map(|config| config.spec::<LoadBalancerConfigSpec>().bind_port)
        .collect();
    (FIRST_PORT..).find(|port| !taken.contains(&port.to_string())).unwrap_or(FIRST_PORT)
}
