//! Connections that can be broken on purpose.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

/// All connections of a server; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<CancellationToken>>);

impl Connections {
    /// Breaks those that stand; later ones are not concerned.
    pub(super) fn cut(&self) {
        // A token is cancelled once, so the next connections get another.
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *current).cancel();
    }

    /// What cuts a new one.
    pub(super) fn join(&self) -> Disconnect {
        Disconnect(self.0.lock().unwrap_or_else(PoisonError::into_inner).child_token())
    }
}

/// Cuts one connection; travels in the extensions of each of its requests.
#[derive(Clone, Debug)]
pub(super) struct Disconnect(CancellationToken);

impl Disconnect {
    /// Breaks the connection at once.
    pub(super) fn cut(&self) {
        self.0.cancel();
    }

    /// Returns once it was used.
    pub(super) async fn used(&self) {
        self.0.cancelled().await;
    }
}

/// A stream of bytes that ends with an error once it is cut.
pub(super) struct Connection<S> {
    stream: S,
    disconnect: Disconnect,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<S> Connection<S> {
    /// A connection that is closed by `disconnect`.
    pub(super) fn new(stream: S, disconnect: Disconnect) -> Self {
        Self { stream, cut: Box::pin(disconnect.0.clone().cancelled_owned()), disconnect }
    }

    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        self.cut.as_mut().poll(cx).is_ready()
    }
}

fn reset<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return reset();
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_cut(cx) {
            return reset();
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return reset();
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A cut connection says no farewell.
        if self.is_cut(cx) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> Connected for Connection<S> {
    type ConnectInfo = Disconnect;

    fn connect_info(&self) -> Disconnect {
        self.disconnect.clone()
    }
}
