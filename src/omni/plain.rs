//! Connections without TLS. They inspect the first bytes of the server, to detect servers that do not speak HTTP/2:
//! HTTP/2 begins with a SETTINGS frame, whose first three bytes are its length.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

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
pub(crate) struct Observed {
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
    pub(crate) fn seen(&self) -> Option<Observed> {
        let (message, certain) = match self.0.load(Ordering::Relaxed) {
            OF_TLS => (TLS, true),
            OF_HTTP1 => (HTTP1, true),
            // A server that is about to stop closes connections too, and what lies between may cut them.
            OF_NOBODY => (SILENT, false),
            _ => return None,
        };
        Some(Observed { message, certain })
    }
}

/// How long the server's first bytes are waited for before more than the first is sent to it.
const HOLD: Duration = Duration::from_millis(250);

/// A stream whose first bytes are looked at.
///
/// A client sends the preface of HTTP/2, and servers answer that. What follows is held back until then: a server of another kind
/// would close the connection over it, and its answer would be lost.
pub(crate) struct Plain {
    stream: TcpStream,
    glimpse: Arc<Glimpse>,
    /// Whether the server has spoken, or was waited for long enough.
    begun: bool,
    /// What is waited for once something has been sent.
    held: Option<Pin<Box<Sleep>>>,
}

impl Plain {
    pub(crate) fn new(stream: TcpStream, glimpse: Arc<Glimpse>) -> Self {
        glimpse.note(FINE);
        Self { stream, glimpse, begun: false, held: None }
    }

    /// Notes how the server begins; the end of the connection before that is no bytes.
    fn judge(&mut self, first: &[u8]) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        self.glimpse.note(match first {
            [] => OF_NOBODY,
            first if first.starts_with(&ALERT) => OF_TLS,
            first if first.starts_with(b"HTTP/") => OF_HTTP1,
            _ => FINE,
        });
    }

    /// Waits for the server's first bytes, and leaves them where they are.
    fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(held) = self.held.as_mut().filter(|_| !self.begun) else { return Poll::Ready(()) };
        let mut bytes = [0; 8];
        let mut first = ReadBuf::new(&mut bytes);
        match self.stream.poll_peek(cx, &mut first) {
            Poll::Ready(_) => {
                let first = first.filled().to_vec();
                self.judge(&first);
                Poll::Ready(())
            }
            Poll::Pending => held.as_mut().poll(cx),
        }
    }
}

impl AsyncRead for Plain {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        self.judge(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(read)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_begun(cx));
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        if written.is_err() {
            self.judge(&[]);
        } else if self.held.is_none() {
            self.held = Some(Box::pin(tokio::time::sleep(HOLD)));
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
