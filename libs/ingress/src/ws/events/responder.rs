//! Answers to one event: to its callback if the client gave one, and by event where the protocol has one for
//! it.
//!
//! Answering twice is harmless to the client library, which takes the first answer; a client that has gone
//! gets nothing.

use crate::refusal::Refusal;
use crate::ws::connection::emit_auth_error;
use crate::ws::events::name::EventName;
use crate::ws::rooms::Rooms;
use crate::ws::sockets::handle::ClientSocket;
use eventflow_protocol::client::Object;
use eventflow_protocol::client::events::{Echo, EventError, MessageError, ServerEvent};
use eventflow_protocol::command::CLIENT_KEY_MAX_BYTES;
use eventflow_socketio::{AckId, ClientEvent, Encoder, Packet};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

/// Characters of an event's name that are given back. The names of the protocol are shorter.
const NAME_SHOWN: usize = 64;

/// The event to answer, and the way to its sender.
pub(super) struct Responder {
    pub(super) socket: ClientSocket,
    name: EventName,
    /// What the client called the event, as far as it is given back.
    called: Cow<'static, str>,
    ack: Option<AckId>,
    encoder: Encoder,
    /// What lets a client recognise which message an answer is about; empty for other events than
    /// `message:send`.
    pub(super) echo: Echo,
}

impl Responder {
    /// Answers this event of this socket. `body` is what it asked, as far as it could be read.
    pub(super) fn new(
        rooms: &Rooms,
        socket: &ClientSocket,
        name: EventName,
        event: &ClientEvent,
        body: &Object,
    ) -> Self {
        let echo = if name == EventName::Send { echo_of(body) } else { Echo::default() };
        let called = match name {
            EventName::Unknown => shown(&event.name).into(),
            known => known.name().into(),
        };
        Self {
            socket: socket.clone(),
            name,
            called,
            ack: event.ack,
            encoder: rooms.sockets.encoder.clone(),
            echo,
        }
    }

    /// Whether the client gave a callback.
    pub(super) fn has_callback(&self) -> bool {
        self.ack.is_some()
    }

    /// Answers the callback, if there is one.
    pub(super) fn ack<T: Serialize>(&self, body: &T) {
        let Some(id) = self.ack else { return };
        if let Err(error) = self.socket.ack(id, body) {
            tracing::error!(error = &error as &dyn std::error::Error, "an answer cannot be written as JSON");
        }
    }

    /// Emits an event to the socket that asked; it is kept for the socket's return if its client is away.
    pub(super) fn emit<T: ServerEvent>(&self, event: &T) {
        self.emit_packet(T::NAME, self.encoder.event_beside(T::NAME, event));
    }

    /// Emits an event that is worth nothing later: it is not kept.
    pub(super) fn emit_now<T: ServerEvent>(&self, event: &T) {
        self.emit_packet(T::NAME, self.encoder.ephemeral(T::NAME, event));
    }

    /// Refuses what was asked, in the way that the event has for that.
    pub(super) fn refuse(&self, refusal: &Refusal) {
        match self.name {
            EventName::Auth => {
                self.ack(&refusal.body());
                emit_auth_error(&self.encoder, &self.socket, refusal);
            }
            EventName::Send => {
                let error = MessageError { error: refusal.body(), echo: self.echo.clone() };
                self.ack(&error);
                self.emit(&error);
            }
            // Nobody waits to hear that typing was refused.
            EventName::TypingStart | EventName::TypingStop => self.ack(&refusal.body()),
            EventName::Join
            | EventName::Leave
            | EventName::Edit
            | EventName::Delete
            | EventName::React
            | EventName::Pin
            | EventName::Unpin
            | EventName::Read
            | EventName::ReadThread
            | EventName::UnreadThread
            | EventName::SaveDraft
            | EventName::PresenceUpdate
            | EventName::PresenceSync
            | EventName::Sync
            | EventName::Unknown => self.refuse_by_callback_or_event(refusal),
        }
    }

    /// Without a callback, the event `error` names the event it is about.
    fn refuse_by_callback_or_event(&self, refusal: &Refusal) {
        if self.has_callback() {
            return self.ack(&refusal.body());
        }
        let body = refusal.body();
        self.emit(&EventError {
            code: body.code,
            error: body.error,
            event: self.called.clone().into_owned(),
            retry_after_ms: body.retry_after_ms,
        });
    }

    fn emit_packet(&self, name: &str, packet: Result<Packet, serde_json::Error>) {
        match packet {
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
}

/// The name of an event as answers give it back to whoever sent it.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(NAME_SHOWN).collect()
}

/// The fields that are given back as they came.
fn echo_of(body: &Object) -> Echo {
    Echo { thread_id: short_text(body, "threadId"), client_message_id: short_text(body, "clientMessageId") }
}

/// A text of the client that is short enough to be sent back.
fn short_text(body: &Object, field: &str) -> Option<String> {
    match body.get(field)? {
        Value::String(text) if text.len() <= CLIENT_KEY_MAX_BYTES => Some(text.clone()),
        _ => None,
    }
}
