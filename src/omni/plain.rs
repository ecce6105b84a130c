//! Connections without TLS, with a look at the first bytes of the server: whoever speaks something other than HTTP/2 is told apart.
//! HTTP/2 begins with a frame of settings, and its first three bytes are the length of that.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const TLS: &str = "the server speaks TLS; for an encrypted connection the endpoint has to begin with `https://`";
const HTTP1: &str =
    "the server answered in HTTP/1, and gRPC needs HTTP/2; if it speaks TLS, the endpoint has to begin with `https://`";
const SILENT: &str =
    "the server closed the connection without a word; if it speaks TLS, the endpoint has to begin with `https://`";

/// How an alert of TLS begins: its type, and the version that all versions since 1.0 share.
const ALERT: [u8; 2] = [0x15, 3];

/// What the last connection turned out to be; HTTP/2 itself keeps nothing of it.
#[derive(Default)]
pub(crate) struct Glimpse(AtomicU8);

/// Why a connection was of no use.
pub(crate) struct Seen {
    /// What to read.
    pub(crate) message: &'static str,
    /// Whether the server certainly speaks something else, so that it has read nothing of the call.
    pub(crate) certain: bool,
}

const FINE: u8 = 0;
const OF_TLS: u8 = 1;
const OF_HTTP1: u8 = 2;
const OF_NOBODY: u8 = 3;

impl Glimpse {
    fn note(&self, what: u8) {
        self.0.store(what, Ordering::Relaxed);
    }

    /// What was wrong with the server's first bytes, if anything was.
    pub(crate) fn seen(&self) -> Option<Seen> {
        let (message, certain) = match self.0.load(Ordering::Relaxed) {
            OF_TLS => (TLS, true),
            OF_HTTP1 => (HTTP1, true),
            // A server that is about to stop closes connections too, and what lies between may cut them.
            OF_NOBODY => (SILENT, false),
            _ => return None,
        };
        Some(Seen { message, certain })
    }
}

/// A stream whose first bytes are looked at.
pub(crate) struct Plain<S> {
    stream: S,
    begun: bool,
    glimpse: Arc<Glimpse>,
}

impl<S> Plain<S> {
    pub(crate) fn new(stream: S, glimpse: Arc<Glimpse>) -> Self {
        glimpse.note(FINE);
        Self { stream, begun: false, glimpse }
    }

    /// Notes an end before the first byte.
    fn note_end(&self, error: &io::Error) {
        if !self.begun && matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) {
            self.glimpse.note(OF_NOBODY);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Plain<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        match &read {
            Ok(()) if !self.begun => {
                self.begun = true;
                self.glimpse.note(match buffer.filled().get(before..).unwrap_or_default() {
                    [] => OF_NOBODY,
                    first if first.starts_with(&ALERT) => OF_TLS,
                    first if first.starts_with(b"HTTP/") => OF_HTTP1,
                    _ => FINE,
                });
            }
            Ok(()) => {}
            Err(error) => self.note_end(error),
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Plain<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        if let Err(error) = &written {
            self.note_end(error);
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
