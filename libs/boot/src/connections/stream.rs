//! A client's stream: cut if the client takes nothing of an answer, and closed so that the client can read
//! the last answer.
//!
//! An answer occupies memory until the client has taken it. So a write that makes no progress for the limit
//! ends the connection, as it does for sockets, which have a limit of their own. A connection that is closed
//! over unread data is reset, and a reset takes away what the client has not read yet. So the end of a
//! connection with an unread body first reads on for a while ([`LINGER`]).

use super::addresses::Place;
use super::state::ConnectionState;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// Linger: how long the end of a connection waits for a client that is still sending.
const LINGER: Duration = Duration::from_secs(2);
/// Linger: bytes that are read away at a time.
const LINGER_BUFFER_BYTES: usize = 4 * 1024;

/// The stream of one client. An idle one allocates nothing here.
pub(super) struct ClientStream {
    stream: TcpStream,
    /// Also of a WebSocket, which has left the connection's task.
    _place: Option<Place>,
    state: Arc<ConnectionState>,
    write_limit: Duration,
    /// Runs while a write waits for the client.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs while the end of the connection waits for the client.
    lingering: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    /// Cuts the client if it takes nothing for `write_limit`. Its place is given back with the stream.
    pub(super) fn new(
        stream: TcpStream,
        place: Option<Place>,
        state: Arc<ConnectionState>,
        write_limit: Duration,
    ) -> Self {
        Self { stream, _place: place, state, write_limit, stalled: None, lingering: None }
    }

    /// Passes on the outcome of a write, unless it has been waiting for too long.
    fn watched(&mut self, cx: &mut Context<'_>, written: Poll<Result<usize>>) -> Poll<Result<usize>> {
        if written.is_ready() || self.state.is_upgraded() {
            self.stalled = None;
            return written;
        }
        let limit = self.write_limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client takes nothing of its answer")))
    }

    /// Reads on until the client has closed, or for [`LINGER`].
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let lingering = self.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut bytes = [0; LINGER_BUFFER_BYTES];
        loop {
            if lingering.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watched(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        if self.state.has_unread_body() && !self.state.is_upgraded() {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
