//! Locked clusters: Omni refuses changes to their machine sets and nodes, and a plan can say so.

use super::crud::Cx;
use super::session::at;
use crate::omni::{Error, labels};
use crate::pb::specs::ClusterSpec;
use crate::tf::diag::{Diagnostic, Diagnostics};

/// Omni lifts the lock while it imports a cluster.
const IMPORTING: &str = "omni.sidero.dev/cluster-import-is-in-progress";

/// Reports that the cluster is locked against changes to its `parts`.
pub(super) async fn check(cx: &Cx, cluster: &str, parts: &str, diags: &mut Diagnostics) -> Result<(), Error> {
    let Some(object) = cx.find::<ClusterSpec>(cluster).await? else { return Ok(()) };
    if object.has_annotation(labels::CLUSTER_LOCKED) && !object.has_annotation(IMPORTING) {
        diags.push(
            Diagnostic::error(
                format!("Cluster `{cluster}` is locked"),
                format!("Omni refuses changes to the {parts} of a locked cluster."),
            )
            .hint("Unlock the cluster first: apply `locked = false` on its `omni_cluster`, or unlock it in Omni.")
            .at(at("cluster")),
        );
    }
    Ok(())
}
