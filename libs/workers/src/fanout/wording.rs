//! What clients are told of an event: its name and its JSON, written once for every gateway and socket.

use eventflow_protocol::change::{Cursor, Effect};
use eventflow_protocol::codec;
use eventflow_protocol::document::{Identified, Message};
use eventflow_protocol::event::{self, DeliveredMessage, Delivery, Event, TYPING_LIFE_MS};
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use serde_json::{Value, json};

/// Whether the event has lost its worth on the way: that somebody types, of a while ago. That they stopped is always worth telling:
/// published pages show a typist until they hear of it.
pub(super) fn is_stale(event: &Event, now: Timestamp) -> bool {
    matches!(event, Event::Typing { is_typing: true, at, .. } if now.0.saturating_sub(at.0) > TYPING_LIFE_MS)
}

/// The delivery of an event, on its way to a gateway.
pub(super) fn deliver(event: &Event, redelivered: bool) -> Result<Envelope, String> {
    let (name, payload) = wording(event).map_err(|error| error.to_string())?;
    let mut delivery = Delivery::new(event.id(), event.audience(), name, payload, event.accepted_at());
    delivery.repeated = redelivered;
    match event {
        Event::MessageStored { message, repeated } => {
            delivery.repeated |= *repeated;
            delivery.message =
                Some(DeliveredMessage { seq: message.seq, sender_id: message.sender_id.clone() });
        }
        Event::ThreadCreated { .. } => delivery.membership_changed = true,
        Event::Typing { user_id, is_typing, .. } => {
            delivery.ephemeral = *is_typing;
            delivery.except = Some(user_id.clone());
        }
        Event::Revoked { revocation, .. } => delivery.revocation = Some(revocation.clone()),
        _ => {}
    }
    let body = codec::encode(&delivery).map_err(|error| error.to_string())?;
    Ok(Envelope { id: delivery.event_id.0, attempt: 0, body, trace: None })
}

fn wording(event: &Event) -> Result<(&'static str, String), serde_json::Error> {
    Ok(match event {
        Event::MessageStored { message, .. } => event::received(message)?,
        Event::ThreadCreated { thread } => ("thread:created", wrapped("thread", &thread.shown_text()?)),
        Event::NotificationStored { notification } => {
            ("notification:received", wrapped("notification", &notification.shown_text()?))
        }
        Event::MessageChanged { message, effect, by, emoji, at, .. } => {
            changed(message, *effect, by, emoji.as_deref(), *at)?
        }
        Event::CursorAdvanced { thread_id, user_id, cursor, up_to, messages, at, .. } => {
            let last = messages.last().map(|message| message.id);
            let mut body = json!({ "threadId": thread_id, "userId": user_id, "seq": up_to, "messageId": last, "messages": messages });
            let name = match cursor {
                Cursor::Read => {
                    body["readAt"] = json!(at);
                    "message:read:update"
                }
                Cursor::Delivered => {
                    body["deliveredAt"] = json!(at);
                    "message:status"
                }
            };
            (name, body.to_string())
        }
        Event::ThreadChanged { thread_id, unread_count, status, at, .. } => {
            let mut thread = json!({ "_id": thread_id, "id": thread_id, "updatedAt": at });
            set(&mut thread, "unreadCount", unread_count.map(Value::from));
            set(&mut thread, "status", status.map(|status| json!(status)));
            ("thread:updated", json!({ "thread": thread }).to_string())
        }
        Event::Typing { thread_id, user_id, is_typing, .. } => {
            ("typing:update", typing(*thread_id, user_id, *is_typing))
        }
        // Gateways act on it; no client hears of it.
        Event::Revoked { .. } => ("revoked", "{}".to_owned()),
    })
}

fn changed(
    message: &Message,
    effect: Effect,
    by: &UserId,
    emoji: Option<&str>,
    at: Timestamp,
) -> Result<(&'static str, String), serde_json::Error> {
    Ok(match effect {
        Effect::Edited => ("message:updated", wrapped("message", &message.shown_text()?)),
        Effect::Deleted => {
            let body = json!({ "messageId": message.id, "threadId": message.thread_id, "seq": message.seq, "deletedAt": at });
            ("message:deleted", body.to_string())
        }
        Effect::Reacted | Effect::Unreacted => {
            let action = if effect == Effect::Reacted { "added" } else { "removed" };
            let body = json!({ "messageId": message.id, "threadId": message.thread_id, "seq": message.seq, "userId": by,
                "emoji": emoji, "action": action, "reactions": message.reactions });
            ("reaction:received", body.to_string())
        }
    })
}

/// What typing looks like to clients.
fn typing(thread: ThreadId, user: &UserId, is_typing: bool) -> String {
    json!({ "threadId": thread, "userId": user, "isTyping": is_typing }).to_string()
}

/// `{"field": document}` around JSON that is written already.
fn wrapped(field: &str, document: &str) -> String {
    format!("{{\"{field}\":{document}}}")
}

fn set(object: &mut Value, field: &str, value: Option<Value>) {
    if let Some(value) = value {
        object[field] = value;
    }
}
