//! Manifests that Omni applies to a cluster.

use super::{Office, not_yet};
use crate::pb::management as pb;
use tonic::codegen::BoxStream;
use tonic::{Request, Status};

pub(super) async fn kubernetes_sync_manifests(
    _: &Office,
    _: Request<pb::KubernetesSyncManifestRequest>,
) -> Result<BoxStream<pb::KubernetesSyncManifestResponse>, Status> {
    Err(not_yet("KubernetesSyncManifests"))
}
