//! A socket as the rooms pass it on, and as the hub holds it.

use crate::ws::sockets::session::SocketSession;
use eventflow_socketio::Socket;

/// A client's socket with the state that the gateway keeps of it.
pub(crate) type ClientSocket = Socket<SocketSession>;

/// A socket in a list of sockets. Two handles are equal if they are of the same socket.
#[derive(Clone, Debug)]
pub(crate) struct SocketHandle(pub(crate) ClientSocket);

impl PartialEq for SocketHandle {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}
