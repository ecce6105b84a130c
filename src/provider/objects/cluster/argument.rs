//! The argument `cluster` of client configurations for one cluster.

use crate::omni::spec::Spec;
use crate::omni::{Call, ErrorKind};
use crate::provider::check::is_name;
use crate::provider::engine::{Cx, Failure, Object};
use crate::provider::errors::Operation;
use crate::provider::references::{REFER_TO_CLUSTER, is_cluster_missing};
use crate::provider::session::{Session, at};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::{Attribute, string};
use crate::tf::value::Value;
use omni_proto::specs::ClusterSpec;

const CLUSTER: &str = "cluster";

/// The attribute that names the cluster.
pub(crate) fn cluster_attribute() -> Attribute {
    string(CLUSTER).check(is_name())
}

/// Says in the plan of an action that its cluster is not there.
///
/// # Errors
/// When Omni does not answer.
pub(crate) async fn check_named(cx: &Cx, config: &Value, diags: &mut Diagnostics) -> Result<(), Failure> {
    let Some(cluster) = config.get(CLUSTER).as_str() else { return Ok(()) };
    if is_cluster_missing(cx, cluster).await? {
        diags.push(
            Diagnostic::warning(
                format!("Cluster `{cluster}` does not exist"),
                "The action will fail unless it is created by then.",
            )
            .hint(REFER_TO_CLUSTER)
            .at(at(CLUSTER)),
        );
    }
    Ok(())
}

/// The cluster of an action that runs.
///
/// # Errors
/// When it does not exist, or Omni does not answer.
pub(crate) async fn named(cx: &Cx, operation: &Operation<'_>) -> Result<Object<ClusterSpec>, Failure> {
    cx.find::<ClusterSpec>(operation.id).await?.ok_or_else(|| {
        Diagnostic::error(operation.summary(), format!("Cluster `{}` does not exist.", operation.id))
            .hint(REFER_TO_CLUSTER)
            .at(at(CLUSTER))
            .into()
    })
}

/// Holds that the cluster exists; Omni itself makes configurations for any name.
pub(crate) async fn cluster_exists(
    session: &Session,
    call: &Call,
    cluster: &str,
    operation: &Operation<'_>,
) -> Result<(), Diagnostics> {
    match session.client.get(call, &ClusterSpec::KIND.key(cluster)).await {
        Ok(_) => Ok(()),
        Err(error) if error.is(ErrorKind::NotFound) => {
            Err(Diagnostic::error(format!("Cluster `{cluster}` does not exist"), "Omni has no cluster of this name.")
                .hint("Check the name. If the same apply creates the cluster, refer to its `id` instead of its `name`, so that it is created first.")
                .at(at("cluster"))
                .into())
        }
        Err(error) => Err(operation.explain(&error).into()),
    }
}
