//! Bundles for those who help.

use super::{Office, not_yet};
use crate::pb::management as pb;
use tonic::codegen::BoxStream;
use tonic::{Request, Status};

pub(super) async fn get_support_bundle(
    _: &Office,
    _: Request<pb::GetSupportBundleRequest>,
) -> Result<BoxStream<pb::GetSupportBundleResponse>, Status> {
    Err(not_yet("GetSupportBundle"))
}
