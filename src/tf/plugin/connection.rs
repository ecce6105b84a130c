//! From a listener to connections that may be served: the TLS handshake, each in a separate task, and the number of open connections.

use super::listener::{Bytes, Listener};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

/// The timeout of the TLS handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long to wait when the system has no connection to give, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The number of open connections, and whether there was one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alive {
    /// Connections open now.
    pub open: usize,
    /// Whether any has been taken so far.
    pub seen: bool,
}

/// A connection whose peer is the host.
pub struct Connection {
    bytes: Box<dyn Bytes>,
    alive: Arc<watch::Sender<Alive>>,
}

impl Connection {
    fn new(bytes: Box<dyn Bytes>, alive: Arc<watch::Sender<Alive>>) -> Self {
        alive.send_modify(|a| *a = Alive { open: a.open + 1, seen: true });
        Self { bytes, alive }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.alive.send_modify(|a| a.open = a.open.saturating_sub(1));
    }
}

/// The accepted connections, in order of arrival.
pub fn incoming(
    listener: Listener,
    tls: Option<TlsAcceptor>,
    alive: watch::Sender<Alive>,
) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(accept(listener, tls, Arc::new(alive), sender));
    ReceiverStream::new(receiver)
}

async fn accept(
    listener: Listener,
    tls: Option<TlsAcceptor>,
    alive: Arc<watch::Sender<Alive>>,
    sender: mpsc::Sender<io::Result<Connection>>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = sender.closed() => return,
        };
        match accepted {
            // A client that never finishes its handshake must not keep the others waiting.
            Ok(bytes) => drop(tokio::spawn(greet(bytes, tls.clone(), alive.clone(), sender.clone()))),
            Err(error) => {
                tracing::warn!(%error, "could not take a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn greet(
    bytes: Box<dyn Bytes>,
    tls: Option<TlsAcceptor>,
    alive: Arc<watch::Sender<Alive>>,
    sender: mpsc::Sender<io::Result<Connection>>,
) {
    let bytes: Box<dyn Bytes> = match tls {
        None => bytes,
        Some(tls) => match tokio::time::timeout(HANDSHAKE_LIMIT, tls.accept(bytes)).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(error)) => return tracing::warn!(%error, "refused a connection"),
            Err(_) => return tracing::warn!("refused a connection that did not finish its TLS handshake"),
        },
    };
    // The other end is gone only when the process is about to end.
    sender.send(Ok(Connection::new(bytes, alive))).await.ok();
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.bytes.is_write_vectored()
    }
}
