//! Expiry: ends sockets whose credential has ended, because its time is over or because somebody took it
//! back.
//!
//! The client hears `auth:error` with a code, and its transport is closed; it may come back with another
//! credential. Its session ends too, also one that is parked: otherwise the secret of the session would work
//! on where the credential no longer does. Ending a socket twice is safe.

use crate::edge::Edge;
use crate::identity::Verifier;
use crate::refusal::Refusal;
use crate::revocation::Revocations;
use crate::ws::connection::auth_error::emit_auth_error;
use crate::ws::sockets::Sockets;
use crate::ws::sockets::credential::Credential;
use crate::ws::sockets::handle::{ClientSocket, SocketHandle};
use eventflow_protocol::client::events::{ServerEvent as _, SessionEnded};
use eventflow_protocol::person::{Disconnection, Revocation};
use eventflow_protocol::{ErrorCode, UserId};

/// The reason with which a socket ends whose token has run out. It is the one end that comes by itself to
/// many at once, so their logs have one line for all of them.
pub(crate) const TOKEN_EXPIRED: &str = "token_expired";

/// Ends sockets of this gateway.
pub(crate) struct Expiry {
    tokens: Verifier,
    revocations: Revocations,
    sockets: Sockets,
}

impl Expiry {
    /// Over the sockets of this gateway.
    pub(crate) fn new(edge: &Edge, sockets: Sockets) -> Self {
        Self { tokens: edge.tokens.clone(), revocations: edge.revocations.clone(), sockets }
    }

    /// Ends every socket whose credential has run out. Gives how many were not being ended already.
    pub(crate) fn end_expired(&self) -> usize {
        let mut ended = 0;
        for SocketHandle(socket) in self.sockets.hub.sockets() {
            let expires = socket.state().credential().map(|credential| credential.expires);
            if expires.is_some_and(|expires| self.tokens.has_expired(expires)) {
                ended += usize::from(self.end(&socket, EndReason::TokenExpired, &expired()));
            }
        }
        if ended > 0 {
            tracing::info!(sockets = ended, "tokens have expired");
        }
        ended
    }

    /// Ends the sockets whose credential was taken back, and lets nobody in on it from now on.
    pub(crate) fn end_revoked(&self, revocation: &Revocation) {
        self.revocations.forget(&revocation.user_id);
        // Collected first: ending a socket must not happen while the hub is being read.
        let mut revoked = Vec::new();
        self.sockets.hub.each(&revocation.user_id, |SocketHandle(socket)| {
            if socket.state().credential().is_some_and(|credential| credential.is_ended_by(revocation)) {
                revoked.push(socket.clone());
            }
        });
        let refusal = Refusal::new(ErrorCode::Unauthenticated, "the token was revoked");
        let ended = revoked.iter().filter(|socket| self.end(socket, EndReason::Revoked, &refusal)).count();
        tracing::info!(sockets = ended, "credentials were revoked");
    }

    /// Ends the sockets of a person as an operator wants it, also those that wait for their client. Whoever
    /// connects again is let in: their credential holds.
    pub(crate) fn end_disconnected(&self, wanted: &Disconnection) {
        // Collected first: ending a socket must not happen while the hub is being read.
        let mut sockets = Vec::new();
        self.sockets.hub.each(&wanted.user_id, |SocketHandle(socket)| sockets.push(socket.clone()));
        let told = SessionEnded { reason: wanted.why.clone() };
        let told = self.sockets.encoder.event_beside(SessionEnded::NAME, &told);
        let mut ended = 0_usize;
        for socket in &sockets {
            match &told {
                Ok(packet) if !socket.is_parked() => {
                    socket.emit(packet);
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(error = error as &dyn std::error::Error, "session:ended is not written");
                }
            }
            ended += usize::from(socket.end(EndReason::Disconnected.as_str()));
        }
        tracing::info!(user = %wanted.user_id, sockets = ended, "an operator disconnected somebody");
    }

    /// Ends the socket unless its credential still holds and its user may have one more connection. `true` if
    /// it goes on.
    ///
    /// To be asked once more when the socket can be found by those who end sockets, since the credential may
    /// have ended while the socket was coming in, or while its session was parked.
    pub(crate) async fn end_unless_valid(&self, socket: &ClientSocket, user: &UserId) -> bool {
        let Some(credential) = socket.state().credential() else { return true };
        if let Err((reason, refusal)) = self.check(socket, user, credential).await {
            self.end(socket, reason, &refusal);
            return false;
        }
        true
    }

    /// Tells the client that nobody has authenticated in time, and closes its transport.
    pub(crate) fn end_unauthenticated(&self, socket: &ClientSocket) {
        emit_auth_error(&self.sockets.encoder, socket, &Refusal::unauthenticated());
        socket.close_transport("unauthenticated");
    }

    async fn check(
        &self,
        socket: &ClientSocket,
        user: &UserId,
        credential: Credential,
    ) -> Result<(), (EndReason, Refusal)> {
        if self.tokens.has_expired(credential.expires) {
            return Err((EndReason::TokenExpired, expired()));
        }
        let revocations = self.revocations.check(user, credential.session, credential.issued_at);
        revocations.await.map_err(|refusal| (EndReason::Revoked, refusal))?;
        socket.state().claim_permit_for(user).map_err(|refusal| (EndReason::TooManySockets, refusal))
    }

    /// `false` if the socket was being ended already. Then its client hears nothing more.
    fn end(&self, socket: &ClientSocket, reason: EndReason, refusal: &Refusal) -> bool {
        if !socket.is_parked() {
            emit_auth_error(&self.sockets.encoder, socket, refusal);
        }
        socket.end(reason.as_str())
    }
}

/// Why a socket is ended.
#[derive(Clone, Copy, Debug)]
enum EndReason {
    TokenExpired,
    Revoked,
    TooManySockets,
    Disconnected,
}

impl EndReason {
    /// The reason as logs show it.
    fn as_str(self) -> &'static str {
        match self {
            Self::TokenExpired => TOKEN_EXPIRED,
            Self::Revoked => "revoked",
            Self::TooManySockets => "sockets_per_user",
            Self::Disconnected => "operator",
        }
    }
}

fn expired() -> Refusal {
    Refusal::new(ErrorCode::TokenExpired, "the token has expired")
}
