//! Connections without TLS, with a look at the first bytes of the server: whoever speaks something other than HTTP/2 is told apart.
//! HTTP/2 begins with a frame of settings, and its first three bytes are the length of that.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const TLS: &str = "the server speaks TLS; for an encrypted connection the endpoint has to begin with `https://`";
const HTTP1: &str =
    "the server answered in HTTP/1, and gRPC needs HTTP/2; if it speaks TLS, the endpoint has to begin with `https://`";
const SILENT: &str =
    "the server closed the connection without a word; if it speaks TLS, the endpoint has to begin with `https://`";

/// How an alert of TLS begins: its type, and the version that all versions since 1.0 share.
const ALERT: [u8; 2] = [0x15, 3];

/// What a failed connection turned out to be.
pub(crate) struct Seen {
    /// What to read.
    pub(crate) message: &'static str,
    /// Whether the server certainly speaks something else, so that it has read nothing of the call.
    pub(crate) certain: bool,
}

/// What the text of an error of such a connection tells.
pub(crate) fn seen(error: &str) -> Option<Seen> {
    [TLS, HTTP1, SILENT]
        .into_iter()
        .find(|message| error.contains(message))
        // A server that is about to stop closes connections too, and what lies between may cut them.
        .map(|message| Seen { message, certain: message != SILENT })
}

/// A stream whose first bytes are looked at.
pub(crate) struct Plain<S> {
    stream: S,
    begun: bool,
}

impl<S> Plain<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, begun: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Plain<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if !self.begun {
            self.begun = true;
            if read.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::ConnectionReset) {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, SILENT)));
            }
            let wrong = match buffer.filled().get(before..).unwrap_or_default() {
                [] if read.is_ok() => Some((io::ErrorKind::UnexpectedEof, SILENT)),
                first if first.starts_with(&ALERT) => Some((io::ErrorKind::InvalidData, TLS)),
                first if first.starts_with(b"HTTP/") => Some((io::ErrorKind::InvalidData, HTTP1)),
                _ => None,
            };
            if let Some((kind, text)) = wrong {
                return Poll::Ready(Err(io::Error::new(kind, text)));
            }
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Plain<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
