//! Answers to one event: to its callback if the client gave one, and by event where the protocol has one for it.
//!
//! An answer is written once as JSON and shared by both. Answering twice is harmless to the client library, which takes the
//! first; a client that has gone gets nothing.

use crate::refusal::Refusal;
use crate::ws::member::Member;
use eventflow_socketio::{AckId, Encoder, Socket};
use serde::Serialize;
use serde_json::json;

/// Who asked, and how they are answered.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) socket: Socket<Member>,
    pub(crate) ack: Option<AckId>,
    pub(crate) encoder: Encoder,
}

impl Asker {
    /// Answers the callback, if there is one.
    pub(crate) fn ack<T: Serialize>(&self, body: &T) {
        let Some(id) = self.ack else { return };
        if let Err(error) = self.socket.ack(id, body) {
            tracing::error!(error = &error as &dyn std::error::Error, "an answer cannot be written as JSON");
        }
    }

    /// Emits an event to the socket that asked; kept for its return if it is away.
    pub(crate) fn emit<T: Serialize>(&self, name: &str, body: &T) {
        match self.encoder.event_beside(name, body) {
            Ok(packet) => {
                self.socket.emit(&packet);
            }
            Err(error) => tracing::error!(
                name,
                error = &error as &dyn std::error::Error,
                "an event cannot be written as JSON"
            ),
        }
    }

    /// Emits an event that is worth nothing later: it is not kept.
    pub(crate) fn emit_now<T: Serialize>(&self, name: &str, body: &T) {
        match self.encoder.ephemeral(name, body) {
            Ok(packet) => {
                self.socket.emit(&packet);
            }
            Err(error) => tracing::error!(
                name,
                error = &error as &dyn std::error::Error,
                "an event cannot be written as JSON"
            ),
        }
    }

    /// Refuses by callback, else by the `error` event, which names the event it is about.
    pub(crate) fn refuse(&self, event: &str, refusal: &Refusal) {
        if self.ack.is_some() {
            self.ack(&refusal.body());
        } else {
            self.emit("error", &json!({ "error": refusal.error, "code": refusal.code, "event": event }));
        }
    }

    /// Refuses the claim to be somebody, by callback and by `auth:error`.
    pub(crate) fn refuse_auth(&self, refusal: &Refusal) {
        self.ack(&refusal.body());
        self.emit("auth:error", &json!({ "error": refusal.error, "code": refusal.code }));
    }
}
