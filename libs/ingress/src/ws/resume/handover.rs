//! The handover from "caught up" to "hears what everybody hears": sockets wait for the next messages that
//! this gateway delivers.
//!
//! The gateway that a client comes to after this one must know from which message on a session heard what
//! everybody heard. So a socket joins with a batch: the part of the journal that tells of the batch's
//! messages names it, and only when that part is written the socket hears them live. That nothing waits for a
//! socket and that no batch is under way is decided under one lock, so no message falls in between.

use crate::ws::sockets::handle::ClientSocket;
use crate::ws::sockets::live_gate::LiveGate;
use crate::ws::sockets::session::SocketSession;
use tokio::sync::{Mutex, MutexGuard};

/// Sockets that have been caught up. Its lock is held while a batch is on its way to sockets.
#[derive(Default)]
pub(crate) struct Handover(Mutex<CaughtUp>);

/// Those sockets.
#[derive(Default)]
pub(crate) struct CaughtUp {
    sockets: Vec<ClientSocket>,
}

impl Handover {
    /// Waits until no batch is under way, and lets none begin while the guard lives.
    pub(crate) async fn lock(&self) -> MutexGuard<'_, CaughtUp> {
        self.0.lock().await
    }
}

impl CaughtUp {
    /// The socket joins with the next batch; nothing waits for it.
    pub(crate) fn add(&mut self, socket: &ClientSocket) {
        // Sockets that went meanwhile are let go only when there would be no room, which is rare.
        if self.sockets.len() == self.sockets.capacity() {
            self.sockets.retain(|socket| !socket.is_gone());
        }
        self.sockets.push(socket.clone());
    }

    /// The names, in the gateway's journal, of those that may join; the others are forgotten.
    pub(crate) fn names(&mut self, may_join: impl Fn(&SocketSession) -> bool) -> Vec<String> {
        self.sockets.retain(|socket| !socket.is_gone() && may_join(socket.state()));
        self.sockets.iter().map(|socket| socket.state().tag().to_string()).collect()
    }

    /// The journal names them: they join.
    pub(crate) fn join(&mut self) {
        for socket in self.sockets.drain(..) {
            socket.state().gate(LiveGate::open);
            socket.set_apart(false);
        }
    }
}
