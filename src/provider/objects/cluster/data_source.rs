//! `omni_cluster` and `omni_clusters`: clusters, their status, and the versions that they can be upgraded to.

use super::resource::{Cluster, PHASES};
use crate::provider::engine::{Bind, Row, codecs};
use crate::provider::lookup::computed::{text, texts};
use crate::provider::lookup::{Filter, View};
use crate::tf::check::one_of;
use crate::tf::schema::{boolean, string};
use omni_proto::specs::{ClusterConfigVersionSpec, KubernetesUpgradeStatusSpec, TalosUpgradeStatusSpec};

impl View for Cluster {
    const NOUNS: &'static str = "clusters";
    const PLURAL: &'static str = "omni_clusters";
    const ABOUT: &'static str = "Reads a cluster: its configuration, status and available upgrades. It does not have to be managed by Terraform.";
    const ABOUT_ALL: &'static str =
        "Lists clusters: their configuration, status and available upgrades. All filters that are set must match.";
    const ABOUT_ID: &'static str = "Name of the cluster.";

    fn more_rows() -> Vec<Row> {
        vec![
            // The status has it too, but only since Omni 1.10.
            text(
                "initial_talos_version",
                "Talos version that the cluster was created with, without a leading `v`; Omni does not allow downgrades below its minor version. Null if Omni does not report it.",
            )
            .joined::<ClusterConfigVersionSpec>("version", codecs::VERSION_IF_ANY),
            texts(
                "talos_upgrade_versions",
                "Talos versions that the cluster can be upgraded to, oldest first; empty until Omni has computed them.",
            )
            .joined::<TalosUpgradeStatusSpec>("upgrade_versions", codecs::VERSIONS),
            texts(
                "kubernetes_upgrade_versions",
                "Kubernetes versions that the cluster can be upgraded to, oldest first; empty until the control plane runs.",
            )
            .joined::<KubernetesUpgradeStatusSpec>("upgrade_versions", codecs::VERSIONS),
        ]
    }

    fn filters() -> Vec<Filter> {
        let phases = PHASES.map(|phase| format!("`{phase}`")).join(", ");
        let phase =
            string("phase").check(one_of(&PHASES)).doc(format!("Only clusters in this phase: one of {phases}."));
        vec![
            Filter::path(phase, "status.phase"),
            Filter::path(
                boolean("ready").doc(
                    "Filter by readiness: `true` returns clusters whose machines are all ready, `false` the others.",
                ),
                "status.ready",
            ),
            Filter::path(
                boolean("locked").doc("Filter by lock: `true` returns locked clusters, `false` unlocked ones."),
                "locked",
            ),
        ]
    }
}
