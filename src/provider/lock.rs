//! Locked clusters: Omni refuses changes to their machine sets and nodes, and a plan can say so.

use super::crud::Cx;
use super::session::at;
use crate::omni::{Error, labels};
use crate::pb::specs::ClusterSpec;
use crate::tf::diag::{Diagnostic, Diagnostics};

/// Omni lifts the lock while it imports a cluster.
const IMPORTING: &str = "omni.sidero.dev/cluster-import-is-in-progress";

/// Reports that the cluster is locked against changes to its `parts`.
/// `removed` is the one that is to go: hosts do not say which resource a removal was about.
pub(super) async fn check(
    cx: &Cx,
    cluster: &str,
    parts: &str,
    removed: Option<String>,
    diags: &mut Diagnostics,
) -> Result<(), Error> {
    let Some(object) = cx.find::<ClusterSpec>(cluster).await? else { return Ok(()) };
    if object.has_annotation(labels::CLUSTER_LOCKED) && !object.has_annotation(IMPORTING) {
        let plan = removed.map(|what| format!("\nThis plan destroys {what}.")).unwrap_or_default();
        diags.push(
            Diagnostic::error(
                format!("Cluster `{cluster}` is locked"),
                format!("Omni refuses changes to the {parts} of a locked cluster.{plan}"),
            )
            .hint("Unlock the cluster first: apply `locked = false` on its `omni_cluster`, or unlock it in Omni.")
            .at(at("cluster")),
        );
    }
    Ok(())
}
