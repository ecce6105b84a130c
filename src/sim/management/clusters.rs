//! Calls about whole clusters.

use super::{Office, not_yet};
use crate::pb::management as pb;
use tonic::{Request, Status};

pub(super) async fn tear_down_locked_cluster(
    _: &Office,
    _: Request<pb::TearDownLockedClusterRequest>,
) -> Result<pb::TearDownLockedClusterResponse, Status> {
    Err(not_yet("TearDownLockedCluster"))
}
