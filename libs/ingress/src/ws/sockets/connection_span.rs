//! The span of a socket's connection, and those of its client's events inside it.
//!
//! Log lines get `socket` and `user` from the connection's span. An event is a trace of its own: a trace of a
//! whole connection would grow for days.

use eventflow_bus::trace::{TRACE_ID, begin};
use eventflow_protocol::UserId;
use parking_lot::Mutex;
use std::fmt::Display;
use tracing::field::{Empty, display};
use tracing::{Span, debug_span, info_span};

/// Open while the socket is connected. Small, since there are many sockets.
#[derive(Debug, Default)]
pub(crate) struct ConnectionSpan(Mutex<Option<Box<Span>>>);

impl ConnectionSpan {
    /// The socket is connected, perhaps not for the first time.
    pub(crate) fn open(&self, socket: impl Display, user: Option<&UserId>) {
        let span = info_span!("connection", %socket, user = Empty);
        *self.0.lock() = Some(Box::new(span));
        if let Some(user) = user {
            self.name_user(user);
        }
    }

    /// Its client has said who it is.
    pub(crate) fn name_user(&self, user: &UserId) {
        if let Some(span) = self.0.lock().as_deref() {
            span.record("user", display(user));
        }
    }

    /// The connection is over.
    pub(crate) fn close(&self) {
        if let Some(span) = self.0.lock().take() {
            // The exporter takes the time at which a span was last left for its end.
            span.in_scope(|| {});
        }
    }

    /// The span for one event of the client. While no spans of events are made it is the connection's own,
    /// which still gives lines their ids.
    pub(crate) fn event(&self, name: &'static str) -> Span {
        let connection = self.0.lock().as_deref().cloned().unwrap_or_else(Span::none);
        let event = debug_span!(parent: &connection, "event", event = name, { TRACE_ID } = Empty);
        if event.is_disabled() {
            return connection;
        }
        begin(&event);
        event
    }
}
