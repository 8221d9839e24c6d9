//! A time by which a request's head must be complete, however slowly it drips in.
//!
//! Pingora limits every single read: a byte a minute would hold a connection for ever. This
//! watches the bytes of an HTTP/1 connection from outside: the clock runs from the first byte of a
//! head to its empty line, and starts again once an answer has been written. It says nothing about
//! bodies, nor about a connection that is idle between requests.

use async_trait::async_trait;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    Stream, TimingDigest, UniqueID, UniqueIDType,
};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Where a connection is.
#[derive(Debug)]
enum Phase {
    /// Nothing of the next head has come.
    Between,
    /// A head has begun, and must be complete by then.
    Head(Line, Pin<Box<Sleep>>),
    /// The head is complete: body, waiting, answer.
    After,
}

/// Where in a head the next byte stands, over any cut of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Before the request line; empty lines there end nothing.
    Before,
    /// In a line that has characters.
    Within,
    /// At the beginning of a line.
    Start,
    /// Behind the empty line that ends the head.
    Over,
}

impl Line {
    fn after(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |line, byte| match (line, byte) {
            (Self::Over, _) | (Self::Start, b'\n') => Self::Over,
            (Self::Within, b'\n') => Self::Start,
            (line, b'\r' | b'\n') => line,
            _ => Self::Within,
        })
    }
}

/// A connection whose heads have a deadline.
#[derive(Debug)]
pub struct Heads {
    inner: Stream,
    limit: Duration,
    phase: Phase,
}

impl Heads {
    /// Every head on `inner` must be complete within `limit` of its first byte.
    pub fn new(inner: Stream, limit: Duration) -> Self {
        Self {
            inner,
            limit,
            phase: Phase::Between,
        }
    }

    fn received(&mut self, bytes: &[u8]) {
        let line = match &self.phase {
            _ if bytes.is_empty() => return,
            Phase::After => return,
            Phase::Between => Line::Before,
            Phase::Head(line, _) => *line,
        };
        let line = line.after(bytes);
        match &mut self.phase {
            phase if line == Line::Over => *phase = Phase::After,
            Phase::Head(at, _) => *at = line,
            phase => *phase = Phase::Head(line, Box::pin(tokio::time::sleep(self.limit))),
        }
    }

    /// An answer ends the exchange; an interim one (`100 Continue`) does not.
    fn written(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() && !bytes.starts_with(b"HTTP/1.1 1") {
            self.phase = Phase::Between;
        }
    }
}

impl AsyncRead for Heads {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Phase::Head(_, deadline) = &mut self.phase
            && deadline.as_mut().poll(context).is_ready()
        {
            let words = "the head of the request took too long";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, words)));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.received(&buffer.filled()[before..]);
        read
    }
}

impl AsyncWrite for Heads {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written(bytes);
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.written(first.map(|slice| &**slice).unwrap_or_default());
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

// Everything else is the connection's own.

#[async_trait]
impl Shutdown for Heads {
    async fn shutdown(&mut self) {
        self.inner.shutdown().await;
    }
}

#[async_trait]
impl Peek for Heads {
    async fn try_peek(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        self.inner.try_peek(buffer).await
    }
}

impl UniqueID for Heads {
    fn id(&self) -> UniqueIDType {
        self.inner.id()
    }
}

impl Ssl for Heads {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.inner.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.inner.selected_alpn_proto()
    }
}

impl GetTimingDigest for Heads {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.inner.get_timing_digest()
    }

    fn get_read_pending_time(&self) -> Duration {
        self.inner.get_read_pending_time()
    }

    fn get_write_pending_time(&self) -> Duration {
        self.inner.get_write_pending_time()
    }
}

impl GetProxyDigest for Heads {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.inner.get_proxy_digest()
    }

    fn set_proxy_digest(&mut self, digest: ProxyDigest) {
        self.inner.set_proxy_digest(digest);
    }
}

impl GetSocketDigest for Heads {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.inner.get_socket_digest()
    }

    fn set_socket_digest(&mut self, digest: SocketDigest) {
        self.inner.set_socket_digest(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_head_is_found_over_any_cut() {
        let heads: [&[u8]; 3] = [
            b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
            b"\r\n\r\n\nGET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\nHost: h\n\n",
        ];
        for head in heads {
            for cut in 0..head.len() {
                let line = Line::Before.after(&head[..cut]);
                assert_ne!(line, Line::Over, "{cut} of {head:?}");
                assert_eq!(line.after(&head[cut..]), Line::Over, "{cut} of {head:?}");
            }
        }
    }
}
