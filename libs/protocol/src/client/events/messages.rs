//! Events about messages.

use crate::client::answers::{ChangeAction, QueuedStatus};
use crate::client::events::name::ServerEvent;
use crate::client::parse::Object;
use crate::client::shape::{Sorted, Success, WithId, Written};
use crate::command::CLIENT_KEY_MAX_BYTES;
use crate::document::{Message, Reaction};
use crate::{CommandId, ErrorBody, MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What a client gave to recognise an answer to `message:send` by; it gets it back as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Echo {
    /// The thread as the client named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The client's own key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
}

impl Echo {
    /// What the fields of a `message:send` hold of it, well formed or not: texts short enough to be sent
    /// back.
    pub fn of(fields: &Object) -> Self {
        Self {
            thread_id: short_text(fields, "threadId"),
            client_message_id: short_text(fields, "clientMessageId"),
        }
    }
}

fn short_text(fields: &Object, field: &str) -> Option<String> {
    let text = fields.get(field)?.as_str()?;
    (text.len() <= CLIENT_KEY_MAX_BYTES).then(|| text.to_owned())
}

/// The message is stored: to the socket that sent it, and its callback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageSent {
    /// Always true.
    pub success: Success,
    /// The message as it is stored.
    pub message: Written<Message>,
    /// The client's own key, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    /// The message was stored before, under the same key or as the other half of one click. Absent if it is
    /// new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deduplicated: bool,
}

impl ServerEvent for MessageSent {
    const NAME: &'static str = "message:sent";
}

/// The store has not answered in time: the message will be stored. To the socket that sent it, and its
/// callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageQueued {
    /// The client's own key, if it gave one.
    pub client_message_id: Option<String>,
    /// The command's id, for questions to an operator.
    pub command_id: CommandId,
    /// Always `queued`.
    pub status: QueuedStatus,
    /// Always true.
    pub success: Success,
    /// The thread as the client named it.
    pub thread_id: Option<String>,
}

impl ServerEvent for MessageQueued {
    const NAME: &'static str = "message:queued";
}

/// The message was refused: to the socket that sent it, and its callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageError {
    /// Why the message was refused.
    #[serde(flatten)]
    pub error: ErrorBody,
    /// What the client gave to recognise the answer by.
    #[serde(flatten)]
    pub echo: Echo,
}

impl ServerEvent for MessageError {
    const NAME: &'static str = "message:error";
}

/// A message is stored in a thread that one is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageReceived<'a> {
    /// The message as it is stored.
    pub message: WithId<Cow<'a, Message>>,
}

impl<'a> MessageReceived<'a> {
    /// The event for a stored message.
    pub fn of(message: &'a Message) -> Self {
        Self { message: WithId(Cow::Borrowed(message)) }
    }
}

impl ServerEvent for MessageReceived<'_> {
    const NAME: &'static str = "message:received";
}

/// A message was edited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageUpdated<'a> {
    /// The message as it is now.
    pub message: WithId<Cow<'a, Message>>,
}

impl<'a> MessageUpdated<'a> {
    /// The event for an edited message.
    pub fn of(message: &'a Message) -> Self {
        Self { message: WithId(Cow::Borrowed(message)) }
    }
}

impl ServerEvent for MessageUpdated<'_> {
    const NAME: &'static str = "message:updated";
}

/// Somebody pinned a message to its thread, or unpinned it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessagePinned<'a> {
    /// `pinned` or `unpinned`.
    pub action: ChangeAction,
    /// The message as it is now.
    pub message: WithId<Cow<'a, Message>>,
    /// Who did it.
    pub user_id: UserId,
}

impl ServerEvent for MessagePinned<'_> {
    const NAME: &'static str = "message:pinned";
}

/// A message was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageDeleted {
    /// When its sender took the message back.
    pub deleted_at: Timestamp,
    /// The message.
    pub message_id: MessageId,
    /// The message's place in its thread; the place stays.
    pub seq: u64,
    /// The message's thread.
    pub thread_id: ThreadId,
}

impl ServerEvent for MessageDeleted {
    const NAME: &'static str = "message:deleted";
}

/// Somebody put an emoji on a message or took one off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReactionReceived<'a> {
    /// `added` or `removed`.
    pub action: ChangeAction,
    /// The emoji.
    pub emoji: Option<String>,
    /// The message.
    pub message_id: MessageId,
    /// All reactions that are on the message now.
    pub reactions: Sorted<Cow<'a, [Reaction]>>,
    /// The message's place in its thread.
    pub seq: u64,
    /// The message's thread.
    pub thread_id: ThreadId,
    /// Who reacted.
    pub user_id: UserId,
}

impl ServerEvent for ReactionReceived<'_> {
    const NAME: &'static str = "reaction:received";
}
