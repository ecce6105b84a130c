//! The service by which the host ends the process.

use omni_proto::plugin::{Empty, grpc_controller_server::GrpcController};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// Ends the process when asked.
pub struct Controller {
    /// Cancelled when the process is to end.
    pub end: CancellationToken,
}

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        tracing::debug!("the host asks the process to end");
        // The server still sends the answers of the calls in flight, and this is one of them.
        self.end.cancel();
        Ok(Response::new(Empty {}))
    }
}
