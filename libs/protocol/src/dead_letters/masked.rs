//! What somebody may see of a letter who has not said why: its structure, the ids in it, and nothing that a
//! person typed.
//!
//! Everything is hidden that is not known to be harmless, so a field that is added later is hidden too. Below
//! free-form objects names and numbers are hidden as well: there they belong to people.

use crate::Timestamp;
use crate::id::USER_ID_MAX_BYTES;
use serde_json::{Map, Value};

/// What stands for a text.
const HIDDEN: &str = "•••";

/// Fields whose texts are ids or words of the protocol.
const HARMLESS: &[&str] = &[
    "_id",
    "absent",
    "by",
    "channel",
    "command",
    "created_by",
    "createdBy",
    "cursor",
    "device",
    "effect",
    "event_id",
    "except",
    "id",
    "kind",
    "last_message_id",
    "lastMessageId",
    "left",
    "message_id",
    "messageId",
    "notification_id",
    "notificationId",
    "of",
    "owner_id",
    "participants",
    "sender",
    "sender_id",
    "senderId",
    "status",
    "thread_id",
    "threadId",
    "type",
    "user_id",
    "userId",
    "users",
    "window",
];
/// Fields that hold the objects of clients.
const FREE_FORM: [&str; 2] = ["data", "metadata"];

/// The same JSON with everything hidden that people typed.
pub fn masked(json: &Value) -> Value {
    hide(json, "")
}

fn hide(json: &Value, field: &str) -> Value {
    match json {
        Value::Null | Value::Bool(_) | Value::Number(_) => json.clone(),
        Value::String(text) if is_harmless(text, field) => json.clone(),
        Value::String(_) => HIDDEN.into(),
        Value::Array(items) => items.iter().map(|item| hide(item, field)).collect(),
        Value::Object(fields) => {
            let hidden = |(name, value): (&String, &Value)| {
                let is_free = FREE_FORM.contains(&name.as_str());
                (name.clone(), if is_free { hide_all(value) } else { hide(value, name) })
            };
            Value::Object(fields.iter().map(hidden).collect())
        }
    }
}

/// Only the structure of what a client made.
fn hide_all(json: &Value) -> Value {
    match json {
        Value::Null => Value::Null,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => HIDDEN.into(),
        Value::Array(items) => items.iter().map(hide_all).collect(),
        Value::Object(fields) => {
            let hidden: Map<String, Value> = fields
                .values()
                .enumerate()
                .map(|(n, value)| (format!("{HIDDEN}{n}"), hide_all(value)))
                .collect();
            Value::Object(hidden)
        }
    }
}

fn is_harmless(text: &str, field: &str) -> bool {
    let is_time = field == "at" || field == "since" || field.ends_with("_at") || field.ends_with("At");
    if is_time {
        return Timestamp::from_iso(text).is_some();
    }
    // An id with a space is hidden: in a place for ids it cannot be told from words that somebody typed.
    let is_word = text.bytes().all(|byte| byte.is_ascii_graphic());
    HARMLESS.contains(&field) && is_word && text.len() <= USER_ID_MAX_BYTES
}
