//! The argument `cluster` of client configurations for one cluster.

use crate::omni::spec::Spec;
use crate::omni::{Call, ErrorKind};
use crate::provider::check::is_name;
use crate::provider::errors::Operation;
use crate::provider::session::{Session, at};
use crate::tf::diag::{Diagnostic, Diagnostics};
use crate::tf::schema::{Attribute, string};
use omni_proto::specs::ClusterSpec;

/// The attribute that names the cluster.
pub(crate) fn cluster_attribute() -> Attribute {
    string("cluster").check(is_name())
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
