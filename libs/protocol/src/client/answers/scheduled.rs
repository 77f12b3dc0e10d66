//! Answers about scheduled messages.

use crate::client::shape::Success;
use crate::document::Attachment;
use crate::quote::ReplyTo;
use crate::scheduled::{NotSent, ScheduledMessage, ScheduledState};
use crate::{MessageId, ScheduledId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A message that waits for its time: `POST /messages/{threadId}` with `sendAt`, the routes below
/// `/messages/scheduled`, and the callback of `message:send` with `sendAt`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledAnswer {
    /// The message was scheduled before, under the same key. Absent otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deduplicated: bool,
    /// The message.
    pub scheduled: ShownScheduled,
    /// Always true.
    pub success: Success,
}

/// A page of one's scheduled messages: `GET /messages/scheduled`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledListAnswer {
    /// The `cursor` that asks for the next page; `null` if nothing follows.
    pub next_cursor: Option<String>,
    /// The messages; what is due last comes first.
    pub scheduled: Vec<ShownScheduled>,
    /// Always true.
    pub success: Success,
}

/// A message that is to be sent later, and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownScheduled {
    /// The id.
    #[serde(rename = "_id")]
    pub id: ScheduledId,
    /// References to files.
    pub attachments: Vec<Attachment>,
    /// The client's own key, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    /// What the message says.
    pub content: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The ids of the people whom the message mentions, sorted. Absent if it mentions nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// The message that was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// Why it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<NotSent>,
    /// The id of the message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// When it is to be sent.
    pub send_at: Timestamp,
    /// How far it has come.
    pub state: ScheduledState,
    /// The thread.
    pub thread_id: ThreadId,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl From<ScheduledMessage> for ShownScheduled {
    fn from(kept: ScheduledMessage) -> Self {
        Self {
            id: kept.id,
            attachments: kept.message.attachments,
            client_message_id: kept.message.client_message_id,
            content: kept.message.content.into_string(),
            created_at: kept.message.at,
            ended_at: kept.ended_at,
            mentions: kept.message.mentions,
            message_id: kept.message_id,
            reason: kept.reason,
            reply_to: kept.message.reply_to.map(|ReplyTo { message_id, .. }| message_id),
            send_at: kept.send_at,
            state: kept.state,
            thread_id: kept.message.thread_id,
            updated_at: kept.updated_at,
        }
    }
}
