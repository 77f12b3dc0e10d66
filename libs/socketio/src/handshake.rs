//! What passes between the application and a connection that comes in: the request, the answer, and how its
//! session begins.

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::value::RawValue;

use crate::offset::Offset;

/// The first request of a connection. Every CONNECT packet of the connection comes with it; from the second
/// one on, headers about the transport and the browser may be missing.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// Method of the request.
    pub method: Method,
    /// Path and query of the request.
    pub uri: Uri,
    /// Headers of the request.
    pub headers: HeaderMap,
    /// Address of the peer, if the listener provides `ConnectInfo<SocketAddr>`.
    pub peer: Option<SocketAddr>,
}

/// The answer of [`Application::connect`](crate::Application::connect) to a connection that may come in.
#[derive(Debug, Clone)]
pub struct Accepted<S> {
    /// Identity of the client. Only a connection of the same identity can recover a session.
    pub identity: Option<String>,
    /// A text in URL-safe ASCII that the client presents, with the offset of the last packet it got, if its
    /// session is lost. It comes back in [`Lost`] from whoever presents it, so it proves nothing.
    pub note: Option<String>,
    /// The application's own state of the socket.
    pub state: S,
}

/// How a socket joins its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinKind<S> {
    /// As a new session. `Lost` describes the session that the client asked for, if it asked for one.
    Fresh(Option<Lost>),
    /// As the session it was before, with its old state. The value is the state that the `connect` hook just
    /// made; the application takes from it what should be renewed.
    Recovered(S),
}

/// A session that its client asked for and that cannot be continued: its server is another one or was
/// restarted, the session has expired, or too many packets have been emitted since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The [`Accepted::note`] of that session, as the client presents it.
    pub note: String,
    /// The offset of the last packet that the client got, as the client presents it.
    pub offset: Option<Offset>,
    /// Whether the session is still at this server but may not be continued (another identity, or a gap).
    pub is_here: bool,
}

/// Refuses a connection: the client gets `connect_error` with this message and data, and stays away until its
/// application connects again; or its transport is closed, and it comes back by itself.
#[derive(Debug, Clone)]
pub struct ConnectError {
    pub(crate) message: String,
    pub(crate) data: Option<Box<RawValue>>,
    /// Why the transport is closed instead of an answer.
    pub(crate) closes: Option<&'static str>,
}

impl ConnectError {
    /// An error with a message for the client.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None, closes: None }
    }

    /// Not now: the transport is closed for this reason, without an answer, so that the client comes back by
    /// itself.
    pub fn come_back(reason: &'static str) -> Self {
        Self { message: reason.into(), data: None, closes: Some(reason) }
    }

    /// Adds the `data` the client finds on its error object.
    #[must_use]
    pub fn with_data(mut self, data: Box<RawValue>) -> Self {
        self.data = Some(data);
        self
    }
}

/// Refuses a request, with the answer that it gets.
#[derive(Debug, Clone)]
pub struct RequestRefusal {
    /// HTTP status, for example 403.
    pub status: StatusCode,
    /// JSON body.
    pub body: serde_json::Value,
    /// When the same request may succeed, for the header `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Whether a page of the request's `Origin` may read the answer (CORS).
    pub is_readable: bool,
}
