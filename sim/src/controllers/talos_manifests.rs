//! Manifests of Talos: applied when a cluster is bootstrapped, and outdated after an upgrade.

use super::context::ControllerContext;
use crate::applied_manifests as applied;
use crate::names::kind;
use omni_proto::specs::{ClusterBootstrapStatusSpec, KubernetesUpgradeManifestStatusSpec};

const STATUS: &str = "KubernetesUpgradeManifestStatuses.omni.sidero.dev";

pub(super) fn act(ctx: &ControllerContext<'_>) {
    for cluster in ctx.list(kind::CLUSTER) {
        let id = cluster.key.id.as_str();
        let up = ctx.spec::<ClusterBootstrapStatusSpec>(kind::CLUSTER_BOOTSTRAP_STATUS, id).bootstrapped;
        let get = |kind: &str, id: &str| ctx.get(kind, id);
        if !up || cluster.tearing_down {
            continue;
        }
        let Some(wanted) = applied::wanted(&get, id) else { continue };
        let Some(present) = applied::present(&get, id) else {
            let key = applied::key(&get, id);
            ctx.once("", &key.kind, &key.id, &[], Vec::new);
            ctx.edit(&key.kind, &key.id, |object| applied::write(object, &wanted));
            continue;
        };
        let changed = i32::try_from(applied::changed(&present, &wanted)).unwrap_or(i32::MAX);
        ctx.edit_spec(STATUS, id, |status: &mut KubernetesUpgradeManifestStatusSpec| status.out_of_sync = changed);
    }
    // A record outlives its cluster by one step.
    for record in ctx.list(applied::RECORD) {
        let cluster = record.key.id.rsplit_once('/').map_or(record.key.id.as_str(), |(cluster, _)| cluster);
        if !ctx.has(kind::CLUSTER, cluster) {
            ctx.remove(applied::RECORD, &record.key.id);
        }
    }
}
