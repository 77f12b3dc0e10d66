//! The life of a socket: let in, registered before its client knows, its events taken in order, forgotten
//! when it is gone for good.
//!
//! A socket is registered before the CONNECT answer, so nothing that is stored after the answer can miss it.

use crate::ws::connection::expiry::TOKEN_EXPIRED;
use crate::ws::events::dispatch::dispatch;
use crate::ws::rooms::Rooms;
use crate::ws::sockets::handle::ClientSocket;
use crate::ws::sockets::join_queue::Closed;
use crate::ws::sockets::resume_token::LeftSessions;
use crate::ws::sockets::session::SocketSession;
use eventflow_metrics::SocketEnd;
use eventflow_protocol::UserId;
use eventflow_socketio::{
    Accepted, Application, ClientEvent, ConnectError, DisconnectReason, Handshake, JoinKind, Lost,
    RequestRefusal,
};
use http::request::Parts as RequestHead;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tracing::field::display;

/// How long a socket may stay without saying who it is.
pub(crate) const AUTHENTICATION_TIMEOUT: Duration = Duration::from_secs(10);

/// The gateway's application on the Socket.IO server.
pub(crate) struct Lifecycle {
    pub(crate) rooms: Arc<Rooms>,
    /// [`AUTHENTICATION_TIMEOUT`], except in tests.
    pub(crate) authentication_timeout: Duration,
}

impl Application for Lifecycle {
    type State = SocketSession;

    fn admit(&self, head: &RequestHead) -> Result<(), RequestRefusal> {
        self.rooms.connection.admit(head)
    }

    fn admit_costly(&self, head: &RequestHead) -> Result<(), RequestRefusal> {
        self.rooms.connection.admit_costly(head)
    }

    async fn connect(
        &self,
        _namespace: &str,
        handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> Result<Accepted<SocketSession>, ConnectError> {
        let rooms = &self.rooms;
        let joins = &rooms.connection.joins;
        let turn = joins.turn().await.map_err(come_back)?;
        let identity = rooms.connection.identify(handshake, auth).await?;
        let now = rooms.edge.clock.now();
        let generation = rooms.sockets.generation.current();
        let session = SocketSession::arrived(identity.as_ref(), now).of_generation(generation);
        session.set_permit(rooms.connection.permit(handshake, session.user())?);
        session.set_turn(match session.user() {
            Some(user) => joins.hold(user, turn).await.map_err(come_back)?,
            None => turn,
        });
        let token = rooms.resume.token(&session, now);
        Ok(Accepted {
            identity: Some(session.recovery_identity()),
            note: Some(token.to_string()),
            state: session,
        })
    }

    async fn joining(&self, socket: &ClientSocket, how: JoinKind<SocketSession>) {
        match how {
            JoinKind::Recovered(newer) => socket.state().renew(&newer),
            JoinKind::Fresh(lost) => {
                if let Some(lost) = lost {
                    prepare_catch_up(socket, &lost);
                }
                if let Some(user) = socket.state().user() {
                    self.rooms.register(user, socket).await;
                }
            }
        }
    }

    async fn connected(&self, socket: &ClientSocket, recovered: bool) {
        let rooms = &self.rooms;
        socket.state().connection_span().open(socket.id(), socket.state().user());
        socket.state().release_turn();
        let user = socket.state().user().map(display);
        tracing::info!(socket = %socket.id(), user, recovered, "a client connected");
        rooms.close_if_outdated(socket);
        let Some(user) = socket.state().user() else { return self.expect_authentication(socket) };
        let goes_on = rooms.connection.expiry.end_unless_valid(socket, user).await;
        if goes_on && recovered {
            rooms.presence.heartbeat.here(socket);
            self.note_kept_receipts(user, socket);
            rooms.presence.show_again(socket);
        }
    }

    async fn event(&self, socket: &ClientSocket, event: ClientEvent) {
        dispatch(&self.rooms, socket, event).await;
    }

    fn answered_ping(&self, round_trip: Duration) {
        self.rooms.edge.metrics.sockets.ping_seconds.observe(round_trip.as_secs_f64());
    }

    async fn disconnected(&self, socket: &ClientSocket, reason: DisconnectReason) {
        socket.state().release_permit();
        if socket.state().user().is_none() {
            // Nobody's session has nothing to recover, and must not crowd out anybody's.
            socket.end("unauthenticated");
        }
        self.rooms.typing.stop_all(socket);
        self.rooms.presence.heartbeat.lost(socket, reason);
        socket.state().connection_span().close();
        self.rooms.edge.metrics.sockets.ends.of(end_of(reason)).inc();
        self.log_end(socket, reason);
    }

    async fn expired(&self, socket: &ClientSocket) {
        if let Some(user) = socket.state().user() {
            self.rooms.forget(user, socket).await;
        }
    }
}

impl Lifecycle {
    /// Says who was connected for how long, and why that is over.
    fn log_end(&self, socket: &ClientSocket, reason: DisconnectReason) {
        let reason = match reason {
            DisconnectReason::Closed(why) => why,
            other => other.as_str(),
        };
        let user = socket.state().user().map(display);
        let lasted = socket.state().opened_at().age_at(self.rooms.edge.clock.now());
        let duration_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
        if reason == TOKEN_EXPIRED {
            return tracing::debug!(socket = %socket.id(), user, reason, duration_ms, "a client disconnected");
        }
        tracing::info!(socket = %socket.id(), user, reason, duration_ms, "a client disconnected");
    }

    /// What was kept for the socket is on its way to it now.
    fn note_kept_receipts(&self, user: &UserId, socket: &ClientSocket) {
        for (thread, seq) in socket.state().take_kept_receipts() {
            self.rooms.receipts.note(thread, user, seq);
        }
    }

    /// Closes the socket if nobody has authenticated on it in time.
    fn expect_authentication(&self, socket: &ClientSocket) {
        let rooms = Arc::clone(&self.rooms);
        let socket = socket.clone();
        let timeout = self.authentication_timeout;
        self.rooms.background.spawn_until_drain(async move {
            sleep(timeout).await;
            if socket.state().user().is_none() && socket.is_connected() {
                rooms.connection.expiry.end_unauthenticated(&socket);
            }
        });
    }
}

/// How the end is counted.
fn end_of(reason: DisconnectReason) -> SocketEnd {
    match reason {
        DisconnectReason::ClientClosed => SocketEnd::ClientClosed,
        DisconnectReason::TransportClosed => SocketEnd::TransportClosed,
        DisconnectReason::ClientLeft => SocketEnd::ClientLeft,
        DisconnectReason::ServerLeft => SocketEnd::ServerLeft,
        DisconnectReason::PingTimeout => SocketEnd::PingTimeout,
        DisconnectReason::SlowClient => SocketEnd::SlowClient,
        DisconnectReason::ProtocolError => SocketEnd::ProtocolError,
        DisconnectReason::TooLarge => SocketEnd::TooLarge,
        DisconnectReason::ConnectTimeout => SocketEnd::ConnectTimeout,
        DisconnectReason::Replaced => SocketEnd::Replaced,
        DisconnectReason::Draining => SocketEnd::Draining,
        DisconnectReason::Closed(_) => SocketEnd::GatewayClosed,
        DisconnectReason::ApplicationPanicked => SocketEnd::Panicked,
    }
}

/// The gateway drains: the client finds another one by itself.
fn come_back(_: Closed) -> ConnectError {
    ConnectError::come_back("draining")
}

/// If the client presents a session of elsewhere, live messages wait until it has been caught up.
fn prepare_catch_up(socket: &ClientSocket, lost: &Lost) {
    if let Some(left) = LeftSessions::of(lost, socket.state().tag()) {
        socket.add_to_note(&left.as_token_suffix());
        socket.set_apart(true);
        socket.state().close_gate(left);
    }
}
