//! Drafts as the database keeps them.

use crate::record::values::{count, date, moment, object_id, place};
use eventflow_protocol::drafts::{Draft, KeptDraft};
use eventflow_protocol::{CommandId, MessageId, ThreadId, UserId};
use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

/// The key of a draft: its person and its thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DraftKey {
    user_id: UserId,
    thread_id: ObjectId,
}

/// A document of `drafts`. Person and thread are there twice: in the key, whose index holds it as a whole,
/// and for the index of a person's drafts by time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DraftRecord {
    #[serde(rename = "_id")]
    id: DraftKey,
    user_id: UserId,
    thread_id: ObjectId,
    content: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<ObjectId>,
    revision: i64,
    updated_at: DateTime,
    #[serde(default)]
    commands: Vec<CommandId>,
}

impl DraftRecord {
    pub(crate) fn new(KeptDraft { draft, commands }: &KeptDraft) -> Self {
        Self {
            id: DraftKey { user_id: draft.user_id.clone(), thread_id: object_id(draft.thread_id) },
            user_id: draft.user_id.clone(),
            thread_id: object_id(draft.thread_id),
            content: draft.content.clone(),
            reply_to: draft.reply_to.map(object_id),
            revision: place(draft.revision),
            updated_at: date(draft.updated_at.unwrap_or_default()),
            commands: commands.clone(),
        }
    }
}

impl From<DraftRecord> for KeptDraft {
    fn from(record: DraftRecord) -> Self {
        let draft = Draft {
            user_id: record.user_id,
            thread_id: ThreadId::from_bytes(record.thread_id.bytes()),
            content: record.content,
            reply_to: record.reply_to.map(|id| MessageId::from_bytes(id.bytes())),
            revision: count(record.revision),
            updated_at: Some(moment(record.updated_at)),
        };
        Self { draft, commands: record.commands }
    }
}
