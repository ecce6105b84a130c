//! Tokens that machines join with.

use super::{Office, not_yet};
use crate::pb::management as pb;
use tonic::{Request, Status};

pub(super) async fn create_join_token(
    _: &Office,
    _: Request<pb::CreateJoinTokenRequest>,
) -> Result<pb::CreateJoinTokenResponse, Status> {
    Err(not_yet("CreateJoinToken"))
}

pub(super) async fn reset_node_unique_token(
    _: &Office,
    _: Request<pb::ResetNodeUniqueTokenRequest>,
) -> Result<pb::ResetNodeUniqueTokenResponse, Status> {
    Err(not_yet("ResetNodeUniqueToken"))
}
