//! What one connection's task, its requests and its stream know of each other.

use std::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use tokio_util::sync::CancellationToken;

/// The state of one connection. Everything in it becomes true once and stays so.
#[derive(Debug, Default)]
pub(super) struct ConnectionState {
    /// Cancelled when the first request is there.
    pub(super) asked: CancellationToken,
    is_upgraded: AtomicBool,
    has_unread_body: AtomicBool,
}

impl ConnectionState {
    /// The connection is a WebSocket from now on, with time limits of its own.
    pub(super) fn note_upgrade(&self) {
        self.is_upgraded.store(true, Release);
    }

    /// Whether the connection is a WebSocket.
    pub(super) fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Acquire)
    }

    /// The connection ends with an answer to a request whose body was not read to its end.
    pub(super) fn note_unread_body(&self) {
        self.has_unread_body.store(true, Release);
    }

    /// Whether the client may still be sending a body that nobody reads.
    pub(super) fn has_unread_body(&self) -> bool {
        self.has_unread_body.load(Acquire)
    }
}
