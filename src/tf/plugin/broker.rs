//! The GRPCBroker service for additional connections, which providers never open.

use futures_util::StreamExt as _;
use omni_proto::plugin::{ConnInfo, grpc_broker_server::GrpcBroker};
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

/// Keeps its stream open until the process exits, and sends nothing.
pub struct Broker {
    /// Cancelled when the process should exit.
    pub end: CancellationToken,
}

#[tonic::async_trait]
impl GrpcBroker for Broker {
    async fn start_stream(
        &self,
        _request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<BoxStream<ConnInfo>>, Status> {
        let silence = futures_util::stream::pending().take_until(self.end.clone().cancelled_owned());
        Ok(Response::new(Box::pin(silence)))
    }
}
