//! Threads as the database keeps them: the published schema's field names, an `ObjectId` key, BSON dates.
//!
//! `lastMessageId` is a string there, as the schema says. Places and counts are 64-bit integers.

use crate::free_form::FreeForm;
use crate::record::values::{count, date, moment, object_id, place};
use eventflow_protocol::document::{Thread, ThreadStatus};
use eventflow_protocol::{MessageId, ThreadId, UserId};
use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A document of `threads`. `activityAt` is `lastMessageAt`, or `createdAt` before the first message: what
/// listings sort by.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThreadRecord {
    #[serde(rename = "_id")]
    id: ObjectId,
    participants: Vec<UserId>,
    last_message_id: Option<MessageId>,
    last_message_at: Option<DateTime>,
    #[serde(default)]
    last_seq: i64,
    #[serde(default)]
    unread_count: HashMap<UserId, i64>,
    #[serde(default)]
    status: ThreadStatus,
    /// Who has archived the thread. A query reads the viewer out of it at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    archived_by: Vec<UserId>,
    #[serde(default)]
    metadata: FreeForm,
    created_at: DateTime,
    updated_at: DateTime,
    activity_at: DateTime,
}

impl ThreadRecord {
    /// The document of a new thread.
    pub(crate) fn new(thread: &Thread) -> Self {
        Self {
            id: object_id(thread.id),
            participants: thread.participants.clone(),
            last_message_id: thread.last_message_id,
            last_message_at: thread.last_message_at.map(date),
            last_seq: place(thread.last_seq),
            unread_count: thread.participants.iter().map(|person| (person.clone(), 0)).collect(),
            status: thread.status,
            archived_by: Vec::new(),
            metadata: FreeForm(thread.metadata.clone()),
            created_at: date(thread.created_at),
            updated_at: date(thread.updated_at),
            activity_at: date(thread.last_message_at.unwrap_or(thread.created_at)),
        }
    }

    /// How many messages this person has not read.
    pub(crate) fn unread(&self, person: &UserId) -> u64 {
        self.unread_count.get(person).copied().map_or(0, count)
    }

    /// The thread as this person sees it.
    pub(crate) fn seen_by(mut self, person: &UserId) -> Thread {
        if self.status == ThreadStatus::Active && self.archived_by.contains(person) {
            self.status = ThreadStatus::Archived;
        }
        self.into()
    }
}

impl From<ThreadRecord> for Thread {
    fn from(record: ThreadRecord) -> Self {
        Self {
            id: ThreadId::from_bytes(record.id.bytes()),
            participants: record.participants,
            last_message_id: record.last_message_id,
            last_message_at: record.last_message_at.map(moment),
            last_seq: count(record.last_seq),
            status: record.status,
            metadata: record.metadata.0,
            created_at: moment(record.created_at),
            updated_at: moment(record.updated_at),
        }
    }
}
