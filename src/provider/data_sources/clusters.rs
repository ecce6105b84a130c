//! `omni_cluster` and `omni_clusters`: clusters, how they are, and which versions they can go to.

use crate::omni::{Error, labels};
use crate::provider::crud::{Cx, Object};
use crate::provider::lookup::columns::{flag, text, texts, words};
use crate::provider::lookup::{Found, Lookup, Many, One, Wanted};
use crate::provider::resources::cluster::{Extra, Features, Model, PHASES, Status, status_attribute};
use crate::tf::check::{not_empty, one_of};
use crate::tf::schema::{Attribute, boolean, object, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::version;
use omni_proto::specs;
use serde::Serialize;
use specs::{ClusterConfigVersionSpec, ClusterSpec, ClusterStatusSpec, ClusterUuid, LoadBalancerConfigSpec};
use specs::{KubernetesUpgradeStatusSpec, TalosUpgradeStatusSpec};
use std::collections::BTreeMap;

pub(super) struct Clusters;

#[derive(Serialize)]
pub(super) struct Cluster {
    id: String,
    name: String,
    uuid: Option<String>,
    talos_version: Option<String>,
    kubernetes_version: Option<String>,
    initial_talos_version: Option<String>,
    backup_interval: Option<String>,
    features: Option<Features>,
    locked: Option<bool>,
    kubernetes_endpoint: Option<String>,
    status: Option<Status>,
    talos_upgrade_versions: Vec<String>,
    kubernetes_upgrade_versions: Vec<String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[async_trait]
impl Lookup for Clusters {
    type Item = Cluster;

    const NOUN: &'static str = "cluster";
    const NOUNS: &'static str = "clusters";

    fn attributes() -> Vec<Attribute> {
        vec![
            text("id", "Id of the cluster, which is its name."),
            text("name", "Name of the cluster."),
            text(
                "uuid",
                "UUID of the cluster, under which its etcd backups are stored; null until Omni has assigned it.",
            ),
            text("talos_version", "Talos version of the cluster, without a leading `v`."),
            text("kubernetes_version", "Kubernetes version of the cluster, without a leading `v`."),
            text(
                "initial_talos_version",
                "Talos version that the cluster was created with, without a leading `v`; Omni does not allow downgrades below its minor version. Null where Omni does not report it.",
            ),
            text("backup_interval", "Interval between etcd backups, as a Go duration; null when backups are disabled."),
            object(
                "features",
                vec![
                    flag("disk_encryption", "Whether the machines' disks are encrypted with a key managed by Omni."),
                    flag("enable_workload_proxy", "Whether services of the cluster can be exposed through Omni."),
                    flag("use_embedded_discovery_service", "Whether the embedded discovery service of Omni is used."),
                    flag("enable_node_audit_skip", "Whether nodes that Omni does not know are left in place."),
                    flag("disable_public_discovery_service", "Whether the public discovery service is disabled."),
                ],
            )
            .computed()
            .doc("Features of the cluster."),
            flag("locked", "Whether the cluster is locked, so that Omni refuses changes to it."),
            text(
                "kubernetes_endpoint",
                "Address of the Kubernetes API inside Omni's own network; null until there is one.",
            ),
            status_attribute(),
            texts(
                "talos_upgrade_versions",
                "Talos versions that the cluster can be upgraded to, oldest first; empty until Omni has determined them.",
            ),
            texts(
                "kubernetes_upgrade_versions",
                "Kubernetes versions that the cluster can be upgraded to, oldest first; empty until its control plane runs.",
            ),
            words("labels", "Labels, without Omni's system labels."),
            words("annotations", "Annotations, without Omni's system annotations."),
        ]
    }

    async fn list(cx: &Cx, wanted: &Wanted<'_>) -> Result<Vec<Found<Cluster>>, Error> {
        let (clusters, first, uuids, statuses, balancers, talos, kubernetes) = tokio::try_join!(
            wanted.objects::<ClusterSpec>(cx),
            wanted.joined::<ClusterConfigVersionSpec>(cx),
            wanted.joined::<ClusterUuid>(cx),
            wanted.joined::<ClusterStatusSpec>(cx),
            wanted.joined::<LoadBalancerConfigSpec>(cx),
            wanted.joined::<TalosUpgradeStatusSpec>(cx),
            wanted.joined::<KubernetesUpgradeStatusSpec>(cx),
        )?;
        let cluster = |object: Object<ClusterSpec>| {
            let id = object.id();
            let status = statuses.get(id);
            let extra = Extra {
                uuid: uuids.get(id).map(|uuid| uuid.uuid.clone()),
                endpoint: balancers.get(id).map(|b| b.siderolink_endpoint.clone()).filter(|e| !e.is_empty()),
                status: status.cloned(),
            };
            // The status has it too, but only since Omni 1.10.
            let initial = first.get(id).map(|first| version::strip_v(&first.version).to_owned());
            let talos = talos.get(id).map(|status| status.upgrade_versions.clone());
            let kubernetes = kubernetes.get(id).map(|status| status.upgrade_versions.clone());
            let model = Model::of(&object, &extra, &Model::default());
            Found::new(
                id,
                Cluster {
                    id: id.to_owned(),
                    name: id.to_owned(),
                    uuid: model.uuid,
                    talos_version: model.talos_version,
                    kubernetes_version: model.kubernetes_version,
                    initial_talos_version: initial.filter(|version| !version.is_empty()),
                    backup_interval: model.backup_interval,
                    features: model.features,
                    locked: model.locked,
                    kubernetes_endpoint: model.kubernetes_endpoint,
                    status: model.status,
                    talos_upgrade_versions: version::sorted(talos.unwrap_or_default()),
                    kubernetes_upgrade_versions: version::sorted(kubernetes.unwrap_or_default()),
                    labels: labels::of_users(&object.stored.metadata.labels),
                    annotations: labels::of_users(&object.stored.metadata.annotations),
                },
            )
        };
        Ok(clusters.into_iter().map(cluster).collect())
    }

    fn keeps(config: &Value, found: &Found<Cluster>) -> bool {
        let status = found.item.status.as_ref();
        let phase = config.get("phase").as_str().is_none_or(|want| status.is_some_and(|status| status.phase == want));
        let ready = config.get("ready").as_bool().is_none_or(|want| status.is_some_and(|status| status.ready) == want);
        let locked = config.get("locked").as_bool().is_none_or(|want| found.item.locked == Some(want));
        phase && ready && locked
    }
}

impl Many for Clusters {
    const NAME: &'static str = "omni_clusters";
    const LIST: &'static str = "clusters";
    const ABOUT: &'static str =
        "Lists clusters: their configuration, status and available upgrades. All filters that are set must match.";

    fn filters() -> Vec<Attribute> {
        let phases = PHASES.map(|phase| format!("`{phase}`")).join(", ");
        vec![
            string("phase").check(one_of(&PHASES)).doc(format!("Only clusters in this phase: one of {phases}.")),
            boolean("ready").doc("Only clusters whose machines are, or are not, all ready."),
            boolean("locked").doc("Only clusters that are, or are not, locked."),
        ]
    }
}

impl One for Clusters {
    const NAME: &'static str = "omni_cluster";
    const ABOUT: &'static str = "Reads a cluster: its configuration, status and available upgrades. It does not have to be managed by Terraform.";
    const ID: &'static str = "name";

    fn arguments() -> Vec<Attribute> {
        vec![string("name").required().check(not_empty()).doc("Name of the cluster.")]
    }
}
