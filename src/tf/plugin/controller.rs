//! The GRPCController service, by which the host stops the process.

use omni_proto::plugin::{Empty, grpc_controller_server::GrpcController};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

/// Stops the process on request.
pub struct Controller {
    /// Cancelled when the process should exit.
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
