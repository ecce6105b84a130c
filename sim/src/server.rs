//! The gRPC transport: one port, with or without TLS.
//! The listener closes during an outage.

use super::connection::{Connection, Connections};
use super::faults::{Action, Faults, HANDSHAKE};
use super::interceptor::Interceptor;
use super::management::ManagementService;
use super::outage::Outage;
use super::resource_service::ResourceService;
use super::sign_in::{PAGE, SignIn};
use super::state_service::StateService;
use futures_util::{StreamExt, stream};
use omni_proto::auth::auth_service_server::AuthServiceServer;
use omni_proto::cosi::resource::state_server::StateServer;
use omni_proto::management::management_service_server::ManagementServiceServer;
use omni_proto::omni::resources::resource_service_server::ResourceServiceServer;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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

/// Before something that the system refused is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// A fatal alert of TLS: `handshake_failure`.
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// A TCP stream, or a TLS stream over one.
type Stream = Connection<Either<TcpStream, TlsStream<TcpStream>>>;

/// The services of the simulator.
pub(super) fn services(
    state: StateService,
    management: ManagementService,
    resources: ResourceService,
    sign_in: SignIn,
) -> Routes {
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
    let resources = ResourceServiceServer::new(resources).accept_compressed(Gzip).send_compressed(Gzip);
    let page = axum::Router::new().route(PAGE, sign_in.page());
    let auth = AuthServiceServer::new(sign_in).accept_compressed(Gzip).send_compressed(Gzip);
    let grpc = Routes::new(state).add_service(management).add_service(resources).add_service(auth);
    Routes::from(grpc.into_axum_router().merge(page))
}

/// Serves until told to stop.
pub(super) async fn serve(door: Door, interceptor: Interceptor, routes: Routes, stop: CancellationToken) {
    let (sender, receiver) = mpsc::channel::<Stream>(16);
    let acceptor = door.open(sender);
    let incoming = stream::unfold(receiver, |mut receiver| async {
        let stream = receiver.recv().await?;
        Some((Ok::<_, io::Error>(stream), receiver))
    });
    let server = Server::builder()
        // For the page, which browsers open without TLS by HTTP/1 only.
        .accept_http1(true)
        .layer(interceptor)
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

/// Where connections come in.
pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) faults: Arc<Faults>,
    pub(super) outage: Outage,
    pub(super) connections: Connections,
    /// How long a client may keep the door open without a word.
    pub(super) patience: Duration,
}

impl Door {
    /// Lets connections in, whenever the server is there.
    async fn open(self, sender: mpsc::Sender<Stream>) {
        let Self { mut listener, tls, faults, outage, connections, patience } = self;
        loop {
            let address = listener.local_addr();
            tokio::select! {
                biased;
                () = outage.left() => drop(listener),
                () = accept(&listener, tls.as_ref(), &faults, &sender, &connections, patience) => return,
            }
            outage.closed();
            outage.back().await;
            listener = match address {
                Ok(address) => listen(address).await,
                Err(error) => return tracing::error!(%error, "the server cannot come back"),
            };
        }
    }
}

/// Listens where the server has listened before; somebody else may be there for a while.
async fn listen(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => tracing::warn!(%error, %address, "cannot listen again yet"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn accept(
    listener: &TcpListener,
    tls: Option<&TlsAcceptor>,
    faults: &Faults,
    sender: &mpsc::Sender<Stream>,
    connections: &Connections,
    patience: Duration,
) {
    loop {
        let tcp = match listener.accept().await {
            Ok((tcp, _)) => tcp,
            Err(error) => {
                // Out of file descriptors, most likely; the next connection may fare better.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "answers may be late");
        }
        let (tls, sender, disconnect) = (tls.cloned(), sender.clone(), connections.join());
        let fault = if tls.is_some() { faults.strike(HANDSHAKE, "") } else { None };
        // A client that is slow with its half of the handshake must not hold up the others.
        tokio::spawn(async move {
            let stream = tokio::select! {
                stream = shake_hands(tcp, tls, fault, patience) => stream,
                () = disconnect.used() => return,
            };
            match stream {
                // Fails only while the server stops.
                Ok(stream) => drop(sender.send(Connection::new(stream, disconnect)).await),
                Err(error) => tracing::debug!(%error, "a handshake failed"),
            }
        });
    }
}

async fn shake_hands(
    mut tcp: TcpStream,
    tls: Option<TlsAcceptor>,
    fault: Option<Action>,
    patience: Duration,
) -> io::Result<Either<TcpStream, TlsStream<TcpStream>>> {
    match fault {
        Some(Action::Delay(by)) => tokio::time::sleep(by).await,
        Some(_) => {
            // What the client says first is read, or closing would throw away what it is told.
            let mut hello = [0; 4096];
            let _length = tcp.read(&mut hello).await?;
            tcp.write_all(&HANDSHAKE_FAILURE).await?;
            tcp.shutdown().await?;
            return Err(io::Error::other("the handshake was refused on purpose"));
        }
        None => {}
    }
    let shaken = async {
        match tls {
            // The first byte stays where it is.
            None => tcp.peek(&mut [0]).await.map(|_| Either::Left(tcp)),
            Some(tls) => tls.accept(tcp).await.map(Either::Right),
        }
    };
    tokio::time::timeout(patience, shaken).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
