//! The event `auth:error`: the client's claim to be somebody does not hold, or holds no longer.

use crate::refusal::Refusal;
use crate::ws::sockets::handle::ClientSocket;
use eventflow_protocol::client::events::{AuthError, ServerEvent as _};
use eventflow_socketio::Encoder;

/// Emits `auth:error` with the code and the words of a refusal.
pub(crate) fn emit_auth_error(encoder: &Encoder, socket: &ClientSocket, refusal: &Refusal) {
    let body = refusal.body();
    let body = AuthError { code: body.code, error: body.error, retry_after_ms: body.retry_after_ms };
    match encoder.event_beside(AuthError::NAME, &body) {
        Ok(packet) => {
            socket.emit(&packet);
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "auth:error cannot be written as JSON");
        }
    }
}
