//! The seam between this layer and the application: one trait, and what its hooks take and give.
//!
//! The life of a socket, every hook awaited before the next is called:
//! `connect → joining → connected → event* → disconnected → expired`, with
//! `joining(Recovered) → connected → event* → disconnected` repeated for each recovery in between.
//! Hooks of different sockets run at the same time. A hook that panics costs its own connection only.

use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::value::RawValue;

use crate::offset::Offset;
use crate::reason::DisconnectReason;
use crate::socket::Socket;

/// What an application does with connections.
pub trait Application: Send + Sync + 'static {
    /// What the application keeps per socket, for example the user.
    type State: Send + Sync + 'static;

    /// Decides on a request before anything else happens to it: handshakes, polls, posts, upgrades and CORS
    /// preflights. An admitted `Origin` is allowed to read answers with credentials (CORS), so an origin allow-list
    /// belongs here.
    fn admit(&self, head: &http::request::Parts) -> Result<(), Refusal> {
        let _ = head;
        Ok(())
    }

    /// Who is this, and may they come into the namespace? `auth` is the JSON object of the CONNECT packet.
    fn connect(
        &self,
        namespace: &str,
        handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> impl Future<Output = Result<Accepted<Self::State>, ConnectError>> + Send;

    /// The socket exists, its client does not know yet: the place to register it. Whatever is emitted from here on
    /// leaves right after the CONNECT answer, so nothing that happens after the answer can be missed.
    fn joining(
        &self,
        socket: &Socket<Self::State>,
        how: Joining<Self::State>,
    ) -> impl Future<Output = ()> + Send;

    /// The CONNECT answer is queued, and behind it what a recovered session had missed.
    fn connected(&self, socket: &Socket<Self::State>, recovered: bool) -> impl Future<Output = ()> + Send {
        let _ = (socket, recovered);
        async {}
    }

    /// An event of the client. The next packet of this connection is read when the future is done, which is the
    /// back-pressure; packets to the client and pings go on meanwhile.
    fn event(&self, socket: &Socket<Self::State>, event: Event) -> impl Future<Output = ()> + Send;

    /// The transport is gone. The session may come back: emits are kept until it does or `expired` is called.
    fn disconnected(
        &self,
        socket: &Socket<Self::State>,
        reason: DisconnectReason,
    ) -> impl Future<Output = ()> + Send {
        let _ = (socket, reason);
        async {}
    }

    /// The session is gone for good: the place to forget it. The last call for each socket that was `joining`, made
    /// exactly once.
    fn expired(&self, socket: &Socket<Self::State>) -> impl Future<Output = ()> + Send;
}

/// The first request of a connection, kept until the client is in every namespace there is.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Who sent it, if the listener provides `ConnectInfo<SocketAddr>`.
    pub peer: Option<SocketAddr>,
}

/// A connection that may come in.
#[derive(Debug, Clone)]
pub struct Accepted<S> {
    /// Who it is. A session is only recovered by a connection of the same identity.
    pub identity: Option<String>,
    /// What the client should present, beside the offset of the last packet it got, should its session be lost: URL-safe ASCII. It comes
    /// back in [`Lost`], from whoever presents it: it proves nothing.
    pub note: Option<String>,
    /// What to keep with the socket.
    pub state: S,
}

/// How a socket joins its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joining<S> {
    /// As a new session. The client may have had another one, which cannot be continued here.
    Fresh(Option<Lost>),
    /// As the session it was before, with its old state. The state the `connect` hook just made comes along, for
    /// what should be renewed.
    Recovered(S),
}

/// A session that its client asked for and that cannot be continued: its server is another one or was restarted, it has expired, or too
/// much has been emitted since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// What [`Accepted::note`] was when it began, as presented.
    pub note: String,
    /// The last packet its client got, as presented.
    pub offset: Option<Offset>,
    /// Whether it is still here, but may not be continued (another identity, or a gap).
    pub is_here: bool,
}

/// A connection that may not come in: the client gets `connect_error` with this message and data.
#[derive(Debug, Clone)]
pub struct ConnectError {
    pub(crate) message: String,
    pub(crate) data: Option<Box<RawValue>>,
}

impl ConnectError {
    /// An error with a message for the client.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// Adds the `data` the client finds on its error object.
    #[must_use]
    pub fn with_data(mut self, data: Box<RawValue>) -> Self {
        self.data = Some(data);
        self
    }
}

/// A request that is refused, and what it is told.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// HTTP status, for example 403.
    pub status: StatusCode,
    /// JSON body.
    pub body: serde_json::Value,
}

/// An event as a client sent it.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its arguments, valid JSON that nobody has looked into yet. In a binary event a `{"_placeholder":true,"num":n}`
    /// stands for the attachment with that number; whether it exists is for the reader to check.
    pub args: Vec<Box<RawValue>>,
    /// Present if the client wants an answer: see [`Socket::ack`].
    pub ack: Option<AckId>,
    /// The attachments of a binary event, else empty.
    pub attachments: Vec<Bytes>,
}

/// The number under which a client waits for an answer to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AckId(pub u64);
