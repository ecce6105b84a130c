//! The service that hands stray output to the host. There is none: stdout belongs to the handshake, stderr to the logs.

use futures_util::StreamExt as _;
use omni_proto::plugin::{StdioData, grpc_stdio_server::GrpcStdio};
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

/// Keeps its stream open until the process exits, and sends nothing.
pub struct Stdio {
    /// Cancelled when the process should exit.
    pub end: CancellationToken,
}

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    async fn stream_stdio(&self, _request: Request<()>) -> Result<Response<BoxStream<StdioData>>, Status> {
        let silence = futures_util::stream::pending().take_until(self.end.clone().cancelled_owned());
        Ok(Response::new(Box::pin(silence)))
    }
}
