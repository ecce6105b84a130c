//! Who did what.

use super::{Office, not_yet};
use crate::pb::management as pb;
use tonic::codegen::BoxStream;
use tonic::{Request, Status};

pub(super) async fn read_audit_log(
    _: &Office,
    _: Request<pb::ReadAuditLogRequest>,
) -> Result<BoxStream<pb::ReadAuditLogResponse>, Status> {
    Err(not_yet("ReadAuditLog"))
}
