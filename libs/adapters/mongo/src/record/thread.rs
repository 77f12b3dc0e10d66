//! Threads as the database keeps them: the published schema's field names, an `ObjectId` key, BSON dates.
//!
//! `lastMessageId` is a string there, as the schema says. Places and counts are 64-bit integers.

use crate::record::blocks::{ApartRecord, apart_in};
use crate::record::by_person::ByPerson;
use crate::record::counters::{Counters, SMALL_MAX};
use crate::record::values::{count, date, moment, object_id, place};
use eventflow_protocol::document::{Thread, ThreadStatus};
use eventflow_protocol::free_form::FreeForm;
use eventflow_protocol::group::Group;
use eventflow_protocol::{MessageId, ThreadId, UserId};
use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

/// A document of `threads`. `activityAt` of a small thread is `lastMessageAt`, or `createdAt` before the
/// first message: what the index of lists sorts by. A large thread has none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThreadRecord {
    #[serde(rename = "_id")]
    id: ObjectId,
    participants: Vec<UserId>,
    /// Counted by a query that reads only the first people; not stored.
    #[serde(default, skip_serializing)]
    participant_count: Option<i64>,
    last_message_id: Option<MessageId>,
    last_message_at: Option<DateTime>,
    #[serde(default)]
    last_seq: i64,
    #[serde(default, skip_serializing_if = "ByPerson::is_empty")]
    unread_count: ByPerson,
    #[serde(default, skip_serializing_if = "ByPerson::is_empty")]
    read_seq: ByPerson,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_beyond: Option<ByPerson>,
    #[serde(default, skip_serializing)]
    since_seq: ByPerson,
    #[serde(default, skip_serializing)]
    taken_back_seq: i64,
    #[serde(default)]
    status: ThreadStatus,
    /// Who has archived the thread. A query reads the viewer out of it at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    archived_by: Vec<UserId>,
    #[serde(default)]
    metadata: FreeForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<Group>,
    /// Whose block takes the thread from whom; none in documents of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    apart: Option<Vec<ApartRecord>>,
    created_at: DateTime,
    updated_at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    activity_at: Option<DateTime>,
}

impl ThreadRecord {
    /// The document of a new thread.
    pub(crate) fn new(thread: &Thread, apart: Vec<ApartRecord>) -> Self {
        let is_small = thread.participants.len() <= SMALL_MAX;
        let activity_at = date(thread.last_message_at.unwrap_or(thread.created_at));
        let counted = if is_small { thread.participants.as_slice() } else { &[] };
        Self {
            id: object_id(thread.id),
            participants: thread.participants.clone(),
            participant_count: None,
            last_message_id: thread.last_message_id,
            last_message_at: thread.last_message_at.map(date),
            last_seq: place(thread.last_seq),
            unread_count: counted.iter().map(|person| (person.clone(), 0)).collect(),
            read_seq: ByPerson::default(),
            sent_beyond: Some(ByPerson::default()),
            since_seq: ByPerson::default(),
            taken_back_seq: 0,
            status: thread.status,
            archived_by: Vec::new(),
            metadata: FreeForm(thread.metadata.clone()),
            group: thread.group.clone(),
            apart: Some(apart),
            created_at: date(thread.created_at),
            updated_at: date(thread.updated_at),
            activity_at: is_small.then_some(activity_at),
        }
    }

    /// The counters of the people that the query asked for.
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            id: self.id,
            last_seq: self.last_seq,
            read_seq: self.read_seq.clone(),
            delivered_seq: ByPerson::default(),
            sent_beyond: self.sent_beyond.clone(),
            since_seq: self.since_seq.clone(),
            unread_count: self.unread_count.clone(),
            told_seq: ByPerson::default(),
            unread_at: ByPerson::default(),
            taken_back_seq: self.taken_back_seq,
            taken_back_times: None,
        }
    }

    /// The thread's id.
    pub(crate) fn id(&self) -> ThreadId {
        ThreadId::from_bytes(self.id.bytes())
    }

    /// Whose block takes the thread from whom.
    pub(crate) fn apart(&self) -> Vec<ApartRecord> {
        let named = self.participants.len() as u64;
        let is_whole = self.participant_count.is_none_or(|people| count(people) == named);
        let all = if is_whole { &self.participants[..] } else { &[] };
        apart_in(self.apart.clone(), all, self.group.as_ref())
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
            participant_count: record.participant_count.map_or(record.participants.len() as u64, count),
            participants: record.participants,
            last_message_id: record.last_message_id,
            last_message_at: record.last_message_at.map(moment),
            last_seq: count(record.last_seq),
            status: record.status,
            metadata: record.metadata.0,
            group: record.group,
            created_at: moment(record.created_at),
            updated_at: moment(record.updated_at),
        }
    }
}
