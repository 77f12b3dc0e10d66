//! Answers about messages.

use crate::change::{Effect, PersonCursors};
use crate::client::shape::{Sorted, Success, WithId};
use crate::document::{Message, Reaction};
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

/// A message that was edited, taken back or reacted to: the routes below `/messages/{messageId}`, and the
/// callbacks of `message:edit`, `message:delete` and `reaction:send`.
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
}

impl From<Effect> for ChangeAction {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Edited => Self::Edited,
            Effect::Deleted => Self::Deleted,
            Effect::Reacted => Self::Added,
            Effect::Unreacted => Self::Removed,
        }
    }
}
