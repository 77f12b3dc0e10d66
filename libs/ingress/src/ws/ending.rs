//! Ends sockets whose credential has ended: because its time is over, or because somebody took it back.
//!
//! The client hears `auth:error` with a code and its transport is closed; it may come back with another credential. A session that
//! is away cannot come back on a credential that has ended, since every connection is checked. Safe to repeat.

use crate::refusal::Refusal;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::member::{Here, Member};
use eventflow_protocol::ErrorCode;
use eventflow_protocol::person::Revocation;
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

    fn end(&self, socket: &Socket<Member>, refusal: &Refusal) {
        if socket.is_connected() {
            Asker { socket: socket.clone(), ack: None, encoder: self.encoder.clone() }.refuse_auth(refusal);
            socket.close_transport(if refusal.code == ErrorCode::TokenExpired { "token_expired" } else { "revoked" });
        }
    }
}
