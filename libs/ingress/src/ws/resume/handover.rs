//! From "caught up" to "hears what everybody hears": sockets that wait for the next messages that this gateway delivers.
//!
//! Who comes here after this gateway needs to know from which message on a session heard what everybody heard. So a socket joins with a batch:
//! the part of the journal that tells of the batch's messages names it, and only when that is written the socket hears them live. That a
//! socket has nothing waiting and that no batch is under way is decided under one lock, so no message falls in between.

use crate::ws::member::Member;
use crate::ws::resume::Turns;
use eventflow_socketio::Socket;
use tokio::sync::{Mutex, MutexGuard};

/// Sockets that have been caught up with. Its lock is held while a batch is on its way to sockets.
#[derive(Default)]
pub(crate) struct Joining(Mutex<Caught>);

/// Those sockets.
#[derive(Default)]
pub(crate) struct Caught {
    sockets: Vec<Socket<Member>>,
}

impl Joining {
    /// Waits until no batch is under way, and lets none begin.
    pub(crate) async fn lock(&self) -> MutexGuard<'_, Caught> {
        self.0.lock().await
    }
}

impl Caught {
    /// The socket joins with the next batch; nothing waits for it.
    pub(crate) fn add(&mut self, socket: &Socket<Member>) {
        // Those that went meanwhile are let go when there would be no room: few, and now and then.
        if self.sockets.len() == self.sockets.capacity() {
            self.sockets.retain(|socket| !socket.is_gone());
        }
        self.sockets.push(socket.clone());
    }

    /// Names of those that may join, in the gateway's journal; the others are forgotten.
    pub(crate) fn names(&mut self, may_join: impl Fn(&Member) -> bool) -> Vec<String> {
        self.sockets.retain(|socket| !socket.is_gone() && may_join(socket.state()));
        self.sockets.iter().map(|socket| socket.state().tag().to_string()).collect()
    }

    /// The journal names them: they join.
    pub(crate) fn join(&mut self) {
        for socket in self.sockets.drain(..) {
            socket.state().turns(Turns::finish);
            socket.set_apart(false);
        }
    }
}
