//! The logs of machines.

use super::{Office, not_yet};
use crate::pb::common::Data;
use crate::pb::management as pb;
use tonic::codegen::BoxStream;
use tonic::{Request, Status};

pub(super) async fn machine_logs(_: &Office, _: Request<pb::MachineLogsRequest>) -> Result<BoxStream<Data>, Status> {
    Err(not_yet("MachineLogs"))
}
