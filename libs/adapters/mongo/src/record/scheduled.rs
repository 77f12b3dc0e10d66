//! Scheduled messages as the database keeps them.

use crate::record::values::{date, object_id};
use eventflow_protocol::UserId;
use eventflow_protocol::scheduled::ScheduledMessage;
use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

/// A document of `scheduledMessages`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduledRecord {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    sender_id: UserId,
    thread_id: ObjectId,
    send_at: DateTime,
    created_at: DateTime,
    /// `sendAt` until the message has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime>,
    /// Rises with each change.
    pub(crate) revision: i64,
    /// The whole scheduled message as JSON: nothing else of it is ever asked for.
    message: String,
}

impl ScheduledRecord {
    pub(crate) fn new(kept: &ScheduledMessage, revision: i64) -> Self {
        Self {
            id: object_id(kept.id),
            sender_id: kept.message.sender_id.clone(),
            thread_id: object_id(kept.message.thread_id),
            send_at: date(kept.send_at),
            created_at: date(kept.message.at),
            due_at: kept.due_at().map(date),
            ended_at: kept.ended_at.map(date),
            revision,
            message: serde_json::to_string(kept).unwrap_or_default(),
        }
    }

    /// The scheduled message; `None` if somebody else has written a document that is none.
    pub(crate) fn into_message(self) -> Option<ScheduledMessage> {
        serde_json::from_str(&self.message).ok()
    }
}
