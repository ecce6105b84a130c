//! The gRPC transport: one port, with or without TLS.

use super::connection::{Connection, Connections};
use super::gate::Gate;
use super::management::ManagementService;
use super::sign_in::{PAGE, SignIn};
use super::state_service::StateService;
use super::tls::Tls;
use crate::pb::auth::auth_service_server::AuthServiceServer;
use crate::pb::cosi::resource::state_server::StateServer;
use crate::pb::management::management_service_server::ManagementServiceServer;
use futures_util::{StreamExt, stream};
use std::io;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::Routes;
use tonic::transport::Server;

/// What a message may weigh.
const LIMIT: usize = 32 << 20;

/// A TCP stream, or a TLS stream over one.
type Stream = Connection<Either<TcpStream, TlsStream<TcpStream>>>;

/// The services of the simulator.
pub(super) fn services(state: StateService, management: ManagementService, sign_in: SignIn) -> Routes {
    let state = StateServer::new(state)
        .accept_compressed(Gzip)
        .send_compressed(Gzip)
        .max_decoding_message_size(LIMIT)
        .max_encoding_message_size(usize::MAX);
    let management = ManagementServiceServer::new(management)
        .accept_compressed(Gzip)
        .send_compressed(Gzip)
        .max_decoding_message_size(LIMIT)
        .max_encoding_message_size(usize::MAX);
    let page = axum::Router::new().route(PAGE, sign_in.page());
    let auth = AuthServiceServer::new(sign_in).accept_compressed(Gzip).send_compressed(Gzip);
    let grpc = Routes::new(state).add_service(management).add_service(auth);
    Routes::from(grpc.into_axum_router().merge(page))
}

/// Serves until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    gate: Gate,
    routes: Routes,
    stop: CancellationToken,
    connections: Connections,
) {
    let (sender, receiver) = mpsc::channel::<Stream>(16);
    let acceptor = accept(listener, tls.map(|tls| TlsAcceptor::from(tls.config)), sender, connections);
    let incoming = stream::unfold(receiver, |mut receiver| async {
        let stream = receiver.recv().await?;
        Some((Ok::<_, io::Error>(stream), receiver))
    });
    let server = Server::builder()
        // For the page, which browsers open without TLS by HTTP/1 only.
        .accept_http1(true)
        .layer(gate)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming.boxed(), stop.clone().cancelled_owned());
    let served = async {
        if let Err(error) = server.await {
            tracing::error!(%error, "the server has failed");
        }
    };
    tokio::join!(served, async {
        tokio::select! {
            () = acceptor => {}
            () = stop.cancelled() => {}
        }
    });
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    sender: mpsc::Sender<Stream>,
    connections: Connections,
) {
    loop {
        let tcp = match listener.accept().await {
            Ok((tcp, _)) => tcp,
            Err(error) => {
                // Out of file descriptors, most likely; the next connection may fare better.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "answers may be late");
        }
        let (tls, sender, connections) = (tls.clone(), sender.clone(), connections.clone());
        // A client that is slow with its half of the handshake must not hold up the others.
        tokio::spawn(async move {
            let stream = match tls {
                None => Either::Left(tcp),
                Some(tls) => match tls.accept(tcp).await {
                    Ok(stream) => Either::Right(stream),
                    Err(error) => {
                        tracing::debug!(%error, "a handshake failed");
                        return;
                    }
                },
            };
            // Fails only while the server stops.
            drop(sender.send(Connection::new(stream, &connections)).await);
        });
    }
}
