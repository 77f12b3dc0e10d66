//! Answers about messages.

use crate::change::{Effect, PersonCursors};
use crate::client::shape::{Sorted, Success, WithId};
use crate::document::{Message, Reaction};
use crate::wording::Wording;
use crate::{MessageId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of a thread's messages: `GET /messages/{threadId}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryAnswer {
    /// How far everybody has come; only on a page of changes, in a thread of up to 100 people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursors: Option<Vec<PersonCursors>>,
    /// Only on a page of changes: whether the thread has never had the change number that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<bool>,
    /// The change number that this page goes up to: what `changesAfter` asks for later.
    pub last_change: u64,
    /// The messages, ascending by `seq`; on a page of changes in the order of their changes.
    pub messages: Vec<Sorted<WithId<Message>>>,
    /// The `cursor` that asks for the next page in the same direction; `null` if nothing follows.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
}

/// A message that is stored: `POST /messages/{threadId}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageAnswer {
    /// The message was stored before, under the same key or as the other half of one click. Absent if it is
    /// new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deduplicated: bool,
    /// The message as it is stored.
    pub message: Sorted<WithId<Message>>,
    /// Always true.
    pub success: Success,
}

/// A message that was edited, taken back, reacted to or pinned: the routes below `/messages/{messageId}`, and
/// the callbacks of `message:edit`, `message:delete`, `reaction:send`, `message:pin` and `message:unpin`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeAnswer {
    /// What happened to the message. REST names it for reactions only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ChangeAction>,
    /// The message as it is now.
    pub message: Sorted<WithId<Message>>,
    /// All reactions on the message; by REST, after a reaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reactions: Option<Sorted<Vec<Reaction>>>,
    /// Always true.
    pub success: Success,
}

/// A page of a thread's pinned messages: `GET /messages/threads/{id}/pins`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PinsAnswer {
    /// The messages; what was pinned last comes first.
    pub messages: Vec<Sorted<WithId<Message>>>,
    /// The `cursor` that asks for the next page; `null` if nothing follows.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
}

/// What a message said before: `GET /messages/{messageId}/edits`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditsAnswer {
    /// The earlier wordings, oldest first; what the message says now is not among them. At most
    /// [`crate::wording::WORDINGS_MAX`].
    pub edits: Vec<EarlierWording>,
    /// Whether these are all. `false`: the message was edited more often than wordings are kept, or before
    /// the server kept them.
    pub is_complete: bool,
    /// The message.
    pub message_id: MessageId,
    /// Always true.
    pub success: Success,
}

/// What a message said until it was edited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EarlierWording {
    /// The text.
    pub content: String,
    /// When the text was sent, or came by an edit.
    pub written_at: Timestamp,
}

impl From<Wording> for EarlierWording {
    fn from(wording: Wording) -> Self {
        Self { content: wording.content, written_at: wording.written_at }
    }
}

/// What happened to a message, in a client's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeAction {
    /// Its sender edited the message.
    Edited,
    /// Its sender took the message back.
    Deleted,
    /// Somebody put an emoji on the message.
    Added,
    /// Somebody took an emoji off the message.
    Removed,
    /// Somebody pinned the message.
    Pinned,
    /// Somebody unpinned the message.
    Unpinned,
}

impl From<Effect> for ChangeAction {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Edited => Self::Edited,
            Effect::Deleted => Self::Deleted,
            Effect::Reacted => Self::Added,
            Effect::Unreacted => Self::Removed,
            Effect::Pinned => Self::Pinned,
            Effect::Unpinned => Self::Unpinned,
        }
    }
}
