//! Generations of sessions: when the gateway's queue is lost, the sessions of that time end and a new
//! generation begins.
//!
//! What was addressed to the sockets of an older generation may be lost. Such a session is never continued as
//! if nothing had been missed, and nothing more is delivered to it: a later packet would claim that the
//! client also has what was lost.

use crate::ws::sockets::session::SocketSession;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The number of the current generation, from 0. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generation(Arc<AtomicU64>);

impl Generation {
    /// The number of the current generation.
    pub(crate) fn current(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Ends the current generation: none of its sessions can be recovered from here on.
    pub(crate) fn start_next(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Whether everything that was addressed to the socket since it came could reach it.
    pub(crate) fn includes(&self, session: &SocketSession) -> bool {
        session.generation() == self.current()
    }
}
