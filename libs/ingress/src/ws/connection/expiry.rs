//! Ends sockets whose credential has ended: because its time is over, or because somebody took it back.
//!
//! The client hears `auth:error` with a code and its transport is closed; it may come back with another credential. Its session is over,
//! also one that is away: otherwise the secret of the session would go on where the credential has ended. Safe to repeat.

use crate::refusal::Refusal;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::member::{Here, Member};
use eventflow_protocol::person::Revocation;
use eventflow_protocol::{ErrorCode, UserId};
use eventflow_socketio::Socket;

impl Shared {
    /// Ends every socket whose credential has run out.
    pub(crate) fn end_expired(&self) {
        for Here(socket) in self.hub.sockets() {
            let expires = socket.state().credential().map(|credential| credential.expires);
            if expires.is_some_and(|expires| self.edge.tokens.has_expired(expires)) {
                self.end(&socket, &Refusal::new(ErrorCode::TokenExpired, "the token has expired"));
            }
        }
    }

    /// Ends the sockets that stand on what was taken back, and lets nobody in on it from now on.
    pub(crate) fn end_revoked(&self, revocation: &Revocation) {
        self.edge.revocations.forget(&revocation.user_id);
        let mut ended = Vec::new();
        self.hub.each(&revocation.user_id, |Here(socket)| {
            if socket.state().credential().is_some_and(|credential| credential.is_ended_by(revocation)) {
                ended.push(socket.clone());
            }
        });
        for socket in &ended {
            self.end(socket, &Refusal::new(ErrorCode::Unauthenticated, "the token was revoked"));
        }
        tracing::info!(sockets = ended.len(), "credentials were revoked");
    }

    /// Whether what a socket stands on still holds: asked once more when it can be found by those who end sockets, since it may have ended
    /// while it was coming in, or while its session was away.
    pub(crate) async fn end_unless_it_stands(&self, socket: &Socket<Member>, user: &UserId) -> bool {
        let Some(credential) = socket.state().credential() else { return true };
        let stands = if self.edge.tokens.has_expired(credential.expires) {
            Err(Refusal::new(ErrorCode::TokenExpired, "the token has expired"))
        } else {
            self.edge.revocations.check(user, credential.session, credential.issued_at).await
        };
        let stands = stands.and_then(|()| socket.state().sit_as(user));
        stands.inspect_err(|refusal| self.end(socket, refusal)).is_ok()
    }

    fn end(&self, socket: &Socket<Member>, refusal: &Refusal) {
        if !socket.is_parked() {
            Asker { socket: socket.clone(), ack: None, encoder: self.encoder.clone() }.refuse_auth(refusal);
        }
        socket.end(match refusal.code {
            ErrorCode::TokenExpired => "token_expired",
            ErrorCode::RateLimited => "sockets_per_user",
            _ => "revoked",
        });
    }
}
