//! Answers about drafts.

use crate::client::shape::Success;
use crate::drafts::Draft;
use crate::{MessageId, ThreadId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A draft as it is stored: `/messages/threads/{id}/draft`, and the callback of `draft:save`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DraftAnswer {
    /// The draft; its content is empty if there is none.
    pub draft: ShownDraft,
    /// Always true.
    pub success: Success,
}

/// A page of one's drafts: `GET /messages/drafts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DraftsAnswer {
    /// The drafts that have a text; what was saved last comes first.
    pub drafts: Vec<ShownDraft>,
    /// The `cursor` that asks for the next page; `null` if nothing follows.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
}

/// What one has begun to write in a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownDraft {
    /// What the draft says; empty if there is none, or none any more.
    pub content: String,
    /// The message that the draft answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Counts the changes of the draft, deletions too: 0 before the first.
    pub revision: u64,
    /// The thread.
    pub thread_id: ThreadId,
    /// When the last change was accepted; `null` before the first.
    pub updated_at: Option<Timestamp>,
}

impl From<Draft> for ShownDraft {
    fn from(draft: Draft) -> Self {
        let Draft { user_id: _, thread_id, content, reply_to, revision, updated_at } = draft;
        Self { content, reply_to, revision, thread_id, updated_at }
    }
}
