//! The seam between this layer and the application: one trait whose methods are hooks.
//!
//! The life of a socket; each hook is awaited before the next is called:
//! `connect → joining → connected → event* → disconnected → expired`, with
//! `joining(Recovered) → connected → event* → disconnected` repeated for each recovery in between.
//! Hooks of different sockets run at the same time. A hook that panics costs its own connection only.

use std::future::Future;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::event::ClientEvent;
use crate::handshake::{Accepted, ConnectError, Handshake, JoinKind, RequestRefusal};
use crate::reason::DisconnectReason;
use crate::socket::Socket;

/// What an application does with connections.
pub trait Application: Send + Sync + 'static {
    /// What the application keeps per socket, for example the user.
    type State: Send + Sync + 'static;

    /// Decides on a request before anything else happens to it: handshakes, polls, posts, upgrades and CORS
    /// preflights. An admitted `Origin` is allowed to read answers with credentials (CORS), so an origin
    /// allow-list belongs here.
    fn admit(&self, head: &http::request::Parts) -> Result<(), RequestRefusal> {
        let _ = head;
        Ok(())
    }

    /// Decides on an admitted request that costs more than it proves: it names a session that does not exist,
    /// or it asks to move a session to a WebSocket. A limit by address belongs here.
    fn admit_costly(&self, head: &http::request::Parts) -> Result<(), RequestRefusal> {
        let _ = head;
        Ok(())
    }

    /// Decides who the client is and whether it may join the namespace. `auth` is the JSON object of the
    /// CONNECT packet. The future is dropped if the client goes before it is decided, so what it has taken
    /// must be given back by that.
    fn connect(
        &self,
        namespace: &str,
        handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> impl Future<Output = Result<Accepted<Self::State>, ConnectError>> + Send;

    /// Registers the socket. The socket exists, but its client does not know yet. Packets emitted from here
    /// on leave right after the CONNECT answer, so the client misses nothing that happens after the answer.
    fn joining(
        &self,
        socket: &Socket<Self::State>,
        how: JoinKind<Self::State>,
    ) -> impl Future<Output = ()> + Send;

    /// Told when the CONNECT answer is queued, and behind it the packets that a recovered session had missed.
    fn connected(&self, socket: &Socket<Self::State>, recovered: bool) -> impl Future<Output = ()> + Send {
        let _ = (socket, recovered);
        async {}
    }

    /// Handles an event of the client. Back-pressure: the next packet of this connection is read when the
    /// future is done. Packets to the client and pings go on meanwhile.
    fn event(&self, socket: &Socket<Self::State>, event: ClientEvent) -> impl Future<Output = ()> + Send;

    /// Told how long a client took to answer a ping. Called between packets, so it must be short.
    fn answered_ping(&self, round_trip: Duration) {
        let _ = round_trip;
    }

    /// Told when the transport is gone. The session may come back; emitted packets are kept until it does, or
    /// until `expired`.
    fn disconnected(
        &self,
        socket: &Socket<Self::State>,
        reason: DisconnectReason,
    ) -> impl Future<Output = ()> + Send {
        let _ = (socket, reason);
        async {}
    }

    /// Forgets the session, which is gone for good. The last call for each socket that was `joining`, made
    /// exactly once.
    fn expired(&self, socket: &Socket<Self::State>) -> impl Future<Output = ()> + Send;
}
