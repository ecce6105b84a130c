//! `omni_cluster` and `omni_clusters`: clusters, how they are, and which versions they can go to.

use super::resource::{Cluster, PHASES};
use crate::omni::{Error, labels};
use crate::provider::engine::{Binding, CosiObject, Cx, Object};
use crate::provider::lookup::computed::{text, texts, words};
use crate::provider::lookup::{Item, ListSource, Lookup, Request, Shown, SingleSource};
use crate::tf::check::{not_empty, one_of};
use crate::tf::schema::{Attribute, boolean, string};
use crate::tf::value::Value;
use async_trait::async_trait;
use kit::version;
use omni_proto::specs::{ClusterConfigVersionSpec, ClusterSpec, KubernetesUpgradeStatusSpec, TalosUpgradeStatusSpec};

pub(super) struct Clusters;

fn table() -> Binding {
    Binding::reading(Cluster::rows(), &[])
}

#[async_trait]
impl Lookup for Clusters {
    type Object = Shown;

    const NOUN: &'static str = "cluster";
    const NOUNS: &'static str = "clusters";

    fn attributes() -> Vec<Attribute> {
        let mut attributes = table().described();
        attributes.extend([
            text(
                "initial_talos_version",
                "Talos version that the cluster was created with, without a leading `v`; Omni does not allow downgrades below its minor version. Null where Omni does not report it.",
            ),
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
        ]);
        attributes
    }

    async fn list(cx: &Cx, request: &Request<'_>) -> Result<Vec<Item<Shown>>, Error> {
        let binding = table();
        let (clusters, mut joined, first, talos, kubernetes) = tokio::try_join!(
            request.objects::<ClusterSpec>(cx),
            request.beside(cx, binding.joins()),
            request.joined::<ClusterConfigVersionSpec>(cx),
            request.joined::<TalosUpgradeStatusSpec>(cx),
            request.joined::<KubernetesUpgradeStatusSpec>(cx),
        )?;
        let cluster = |object: Object<ClusterSpec>| {
            let id = object.id();
            let mut shown = Shown::of::<Cluster>(&binding, &object, &joined.remove(id).unwrap_or_default())?;
            // The status has it too, but only since Omni 1.10.
            let initial = first.get(id).map(|first| version::strip_v(&first.version)).filter(|first| !first.is_empty());
            let talos = talos.get(id).map(|status| status.upgrade_versions.clone()).unwrap_or_default();
            let kubernetes = kubernetes.get(id).map(|status| status.upgrade_versions.clone()).unwrap_or_default();
            let list = |all: Vec<String>| Value::List(version::sorted(all).into_iter().map(Value::from).collect());
            shown.0.set("initial_talos_version", initial.into());
            shown.0.set("talos_upgrade_versions", list(talos));
            shown.0.set("kubernetes_upgrade_versions", list(kubernetes));
            shown.0.set("labels", Value::texts(labels::of_users(&object.stored.metadata.labels)));
            shown.0.set("annotations", Value::texts(labels::of_users(&object.stored.metadata.annotations)));
            Ok(Item::new(id, shown))
        };
        clusters.into_iter().map(cluster).collect()
    }

    fn matches(config: &Value, found: &Item<Shown>) -> bool {
        let fits = |argument, path| found.item.fits(config, argument, path);
        fits("phase", "status.phase") && fits("ready", "status.ready") && fits("locked", "locked")
    }
}

impl ListSource for Clusters {
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

impl SingleSource for Clusters {
    const NAME: &'static str = "omni_cluster";
    const ABOUT: &'static str = "Reads a cluster: its configuration, status and available upgrades. It does not have to be managed by Terraform.";
    const ID: &'static str = "name";

    fn arguments() -> Vec<Attribute> {
        vec![string("name").required().check(not_empty()).doc("Name of the cluster.")]
    }
}
