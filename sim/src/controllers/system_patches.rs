//! Config patches that the server creates for features of a cluster.

use super::context::ControllerContext;
use crate::catalogue::Feature;
use crate::names::{annotation, controller, kind, label};
use kit::yaml;
use omni_proto::specs::{ClusterSpec, ConfigPatchSpec, SiderolinkApiConfigSpec};
use serde_json::{Value, json};

/// Where the server itself listens for cluster machines that look for each other.
pub(super) const DISCOVERY: &str = "http://[fdae:41e4:649b:9303::1]:8093";

/// What looks for services that are to be exposed, on every node.
const EXPOSER: &str = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: omni-kube-service-exposer\n  \
                       namespace: kube-system\n";

pub(super) fn act(ctx: &ControllerContext<'_>) {
    let mut wanted: Vec<String> = Vec::new();
    for cluster in ctx.list(kind::CLUSTER).iter().filter(|cluster| !cluster.tearing_down) {
        let id = cluster.key.id.as_str();
        let features = cluster.spec::<ClusterSpec>().features.unwrap_or_default();
        let mut patch = |owner: &str, name: String, text: &Value| {
            let labels = [(label::CLUSTER, id), (label::SYSTEM_PATCH, "")];
            let spec = ConfigPatchSpec { data: yaml::to_string(text), ..Default::default() };
            ctx.put(owner, kind::CONFIG_PATCH, &name, &labels, &spec);
            wanted.push(name);
        };
        if features.use_embedded_discovery_service {
            let text =
                json!({ "cluster": { "discovery": { "registries": { "service": { "endpoint": DISCOVERY } } } } });
            patch(controller::DISCOVERY_SERVICE_CONFIG_PATCH, format!("950-discovery-service-{id}"), &text);
        }
        // Later the server hands what the proxy needs to Kubernetes by itself.
        if features.enable_workload_proxy && ctx.release.has(Feature::ProxyPatches) {
            let exposer = json!({ "name": "omni-kube-service-exposer", "contents": EXPOSER });
            let text = json!({ "cluster": { "inlineManifests": [exposer] } });
            patch(controller::CLUSTER_WORKLOAD_PROXY, format!("950-cluster-{id}-workload-proxying"), &text);
        }
        if features.disk_encryption {
            let name = format!("950-{id}-encryption");
            patch(controller::CLUSTER_MACHINE_ENCRYPTION, name.clone(), &encryption(ctx));
            ctx.edit(kind::CONFIG_PATCH, &name, |patch| {
                for (key, text) in [
                    (annotation::NAME, "disk encryption config"),
                    (annotation::DESCRIPTION, "Makes machine encrypt disks using Omni as a KMS server."),
                ] {
                    patch.annotations.insert(key.to_owned(), text.to_owned());
                }
            });
        }
    }
    let ours = [
        controller::DISCOVERY_SERVICE_CONFIG_PATCH,
        controller::CLUSTER_MACHINE_ENCRYPTION,
        controller::CLUSTER_WORKLOAD_PROXY,
    ];
    for patch in ours.iter().flat_map(|owner| ctx.owned(kind::CONFIG_PATCH, owner)) {
        if !wanted.contains(&patch.key.id) {
            ctx.remove(kind::CONFIG_PATCH, &patch.key.id);
        }
    }
}

fn encryption(ctx: &ControllerContext<'_>) -> Value {
    let server: SiderolinkApiConfigSpec = ctx.spec(kind::SIDEROLINK_API_CONFIG, "siderolink-config");
    let keys = json!({
        "provider": "luks2",
        "keys": [{ "kms": { "endpoint": server.machine_api_advertised_url }, "slot": 0 }],
    });
    json!({ "machine": { "systemDiskEncryption": { "state": keys, "ephemeral": keys } } })
}
