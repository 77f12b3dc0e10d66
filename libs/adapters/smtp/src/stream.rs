//! A connection that reads a limited number of bytes in each step.
//!
//! `lettre` looks at the length of a line only once the line has ended, so a server that never ends one would
//! fill the memory. The limit lies below STARTTLS and above TLS from the first byte; it holds for both.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a server may send in one step: more than the longest answer that `lettre` takes (100,000 bytes), and
/// more than a TLS handshake with a long chain of certificates and a few short answers.
const READ_MAX_BYTES: usize = 128 * 1024;

/// How many bytes the server of one connection may still send in this step.
#[derive(Clone, Debug)]
pub(crate) struct Allowance(Arc<AtomicUsize>);

/// A stream that fails once its allowance is used up.
#[derive(Debug)]
pub(crate) struct Limited<S> {
    inner: S,
    peer: SocketAddr,
    allowance: Allowance,
}

impl Allowance {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(READ_MAX_BYTES)))
    }

    /// A new step begins.
    pub(crate) fn renew(&self) {
        self.0.store(READ_MAX_BYTES, Ordering::Relaxed);
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// One task reads a connection, so nobody changes the number in between.
    fn use_up(&self, bytes: usize) {
        self.0.store(self.0.load(Ordering::Relaxed).saturating_sub(bytes), Ordering::Relaxed);
    }
}

impl<S> Limited<S> {
    pub(crate) fn new(inner: S, peer: SocketAddr, allowance: Allowance) -> Self {
        Self { inner, peer, allowance }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug> AsyncTokioStream for Limited<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.allowance.is_used_up() {
            return Poll::Ready(Err(io::Error::other("the answer of the mail server does not end")));
        }
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer));
        self.allowance.use_up(buffer.filled().len() - before);
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, repeat};

    #[tokio::test]
    async fn no_more_is_read_than_one_step_may_read() {
        let (allowance, peer) = (Allowance::new(), ([127, 0, 0, 1], 25).into());
        let mut stream = Limited::new(repeat(b'x'), peer, allowance.clone());
        let mut kept = Vec::new();
        for steps in 1..=2 {
            stream.read_to_end(&mut kept).await.unwrap_err();
            assert!(allowance.is_used_up());
            assert!((READ_MAX_BYTES..READ_MAX_BYTES * 2).contains(&(kept.len() / steps)), "{}", kept.len());
            allowance.renew();
        }
    }
}
