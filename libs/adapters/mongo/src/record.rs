//! Messages and threads as the database keeps them: the published schema's field names, `ObjectId` keys, BSON dates.
//!
//! `threadId` and `lastMessageId` are strings there, as the schema says. Places and counts are 64-bit integers.

use crate::fingerprint::{binary, fingerprint};
use crate::free_form::FreeForm;
use eventflow_protocol::change::ChangeMark;
use eventflow_protocol::document::{
    Attachment, AttachmentKind, DeliveryReceipt, Message, MessageStatus, Reaction, ReadReceipt, Thread,
    ThreadStatus,
};
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::id::DocumentId;
use eventflow_protocol::pairing::{Leg, Pairing};
use eventflow_protocol::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Binary, DateTime};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Threads of more people do not repeat them in each message: the list would cost up to 130 bytes a person in every message,
/// which grows with the square of a busy thread, and the thread document has it anyway.
const RECIPIENTS_STORED_MAX: usize = 100;

/// A document of `messages`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageRecord {
    #[serde(rename = "_id")]
    id: ObjectId,
    thread_id: ThreadId,
    seq: i64,
    sender_id: UserId,
    /// Nothing reads it here; it is for the operators' own queries.
    #[serde(default, skip_serializing_if = "Option::is_none", skip_deserializing)]
    recipient_ids: Option<Vec<UserId>>,
    content: String,
    #[serde(default)]
    attachments: Vec<AttachmentRecord>,
    #[serde(default)]
    reactions: Vec<ReactionRecord>,
    #[serde(default)]
    status: MessageStatus,
    #[serde(default)]
    read_by: Vec<ReadRecord>,
    #[serde(default)]
    delivered_to: Vec<DeliveryRecord>,
    #[serde(default)]
    is_draft: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_message_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    marks: Vec<MarkRecord>,
    /// What was sent under a key, as a fingerprint, from the first edit or deletion on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_as: Option<Binary>,
    /// Rises with every change; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pair: Option<PairRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edited_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<DateTime>,
    created_at: DateTime,
    updated_at: DateTime,
}

/// The commands that are the legs of a message, by the way they came, as text.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PairRecord {
    pub(crate) key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) socket: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rest: Option<String>,
}

/// A [`ChangeMark`] with its commands as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MarkRecord {
    user_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emoji: Option<String>,
    commands: Vec<String>,
}

/// A document of `threads`. `activityAt` is `lastMessageAt`, or `createdAt` before the first message: what listings sort by.
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
    /// Who has put it away; read with the viewer at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    archived_by: Vec<UserId>,
    #[serde(default)]
    metadata: FreeForm,
    created_at: DateTime,
    updated_at: DateTime,
    activity_at: DateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentRecord {
    #[serde(rename = "type")]
    kind: AttachmentKind,
    url: String,
    filename: String,
    size: i64,
    mime_type: String,
    #[serde(default)]
    metadata: FreeForm,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReactionRecord {
    emoji: String,
    user_id: UserId,
    created_at: DateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadRecord {
    user_id: UserId,
    read_at: DateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryRecord {
    user_id: UserId,
    delivered_at: DateTime,
}

impl MessageRecord {
    /// As it is stored, in a thread of these people.
    pub(crate) fn new(message: &Message, participants: &[UserId]) -> Self {
        let recipients =
            || participants.iter().filter(|person| **person != message.sender_id).cloned().collect();
        Self {
            id: object_id(message.id),
            thread_id: message.thread_id,
            seq: place(message.seq),
            sender_id: message.sender_id.clone(),
            recipient_ids: (participants.len() <= RECIPIENTS_STORED_MAX).then(recipients),
            content: message.content.clone(),
            attachments: message.attachments.iter().map(AttachmentRecord::from).collect(),
            reactions: message.reactions.iter().map(ReactionRecord::from).collect(),
            status: message.status,
            read_by: message.read_by.iter().map(ReadRecord::from).collect(),
            delivered_to: message.delivered_to.iter().map(DeliveryRecord::from).collect(),
            is_draft: message.is_draft,
            client_message_id: message.client_message_id.clone(),
            marks: Vec::new(),
            sent_as: None,
            revision: None,
            pair: None,
            edited_at: message.edited_at.map(date),
            deleted_at: message.deleted_at.map(date),
            created_at: date(message.created_at),
            updated_at: date(message.updated_at),
        }
    }

    /// As it is stored if this command was its first leg.
    pub(crate) fn with_leg(mut self, pairing: &Pairing, command: CommandId) -> Self {
        let mut pair = PairRecord { key: pairing.key.clone(), ..PairRecord::default() };
        *pair.leg_mut(pairing.leg) = Some(command.to_string());
        self.pair = Some(pair);
        self
    }

    /// As it is stored with these marks.
    pub(crate) fn with_marks(mut self, marks: &[ChangeMark]) -> Self {
        self.marks = marks.iter().map(MarkRecord::from).collect();
        self
    }

    /// As it is stored with what was sent first.
    pub(crate) fn with_sent_as(mut self, sent_as: Option<Fingerprint>) -> Self {
        self.sent_as = sent_as.map(binary);
        self
    }

    /// What was sent first, if it was changed.
    pub(crate) fn sent_as(&self) -> Option<Fingerprint> {
        self.sent_as.as_ref().and_then(fingerprint)
    }

    /// The last commands that changed it.
    pub(crate) fn marks(&self) -> Vec<ChangeMark> {
        self.marks.iter().map(ChangeMark::from).collect()
    }
}

impl PairRecord {
    /// The command that came this way.
    pub(crate) fn leg(&self, leg: Leg) -> Option<&str> {
        match leg {
            Leg::Socket => self.socket.as_deref(),
            Leg::Rest => self.rest.as_deref(),
        }
    }

    /// Where the command is kept that comes this way.
    pub(crate) fn leg_mut(&mut self, leg: Leg) -> &mut Option<String> {
        match leg {
            Leg::Socket => &mut self.socket,
            Leg::Rest => &mut self.rest,
        }
    }
}

impl From<&ChangeMark> for MarkRecord {
    fn from(mark: &ChangeMark) -> Self {
        let commands = mark.commands.iter().map(CommandId::to_string).collect();
        Self { user_id: mark.user_id.clone(), emoji: mark.emoji.clone(), commands }
    }
}

impl From<&MarkRecord> for ChangeMark {
    fn from(record: &MarkRecord) -> Self {
        let commands = record.commands.iter().filter_map(|text| text.parse().ok().map(CommandId)).collect();
        Self { user_id: record.user_id.clone(), emoji: record.emoji.clone(), commands }
    }
}

impl From<MessageRecord> for Message {
    fn from(record: MessageRecord) -> Self {
        Self {
            id: MessageId::from_bytes(record.id.bytes()),
            thread_id: record.thread_id,
            seq: count(record.seq),
            sender_id: record.sender_id,
            content: record.content,
            attachments: record.attachments.into_iter().map(Attachment::from).collect(),
            reactions: record.reactions.into_iter().map(Reaction::from).collect(),
            status: record.status,
            read_by: record.read_by.into_iter().map(ReadReceipt::from).collect(),
            delivered_to: record.delivered_to.into_iter().map(DeliveryReceipt::from).collect(),
            is_draft: record.is_draft,
            client_message_id: record.client_message_id,
            edited_at: record.edited_at.map(moment),
            deleted_at: record.deleted_at.map(moment),
            created_at: moment(record.created_at),
            updated_at: moment(record.updated_at),
        }
    }
}

impl ThreadRecord {
    /// As a thread is stored when it is created.
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

impl From<&Attachment> for AttachmentRecord {
    fn from(attachment: &Attachment) -> Self {
        Self {
            kind: attachment.kind,
            url: attachment.url.clone(),
            filename: attachment.filename.clone(),
            size: place(attachment.size),
            mime_type: attachment.mime_type.clone(),
            metadata: FreeForm(attachment.metadata.clone()),
        }
    }
}

impl From<AttachmentRecord> for Attachment {
    fn from(record: AttachmentRecord) -> Self {
        Self {
            kind: record.kind,
            url: record.url,
            filename: record.filename,
            size: count(record.size),
            mime_type: record.mime_type,
            metadata: record.metadata.0,
        }
    }
}

impl From<&Reaction> for ReactionRecord {
    fn from(reaction: &Reaction) -> Self {
        Self {
            emoji: reaction.emoji.clone(),
            user_id: reaction.user_id.clone(),
            created_at: date(reaction.created_at),
        }
    }
}

impl From<ReactionRecord> for Reaction {
    fn from(record: ReactionRecord) -> Self {
        Self { emoji: record.emoji, user_id: record.user_id, created_at: moment(record.created_at) }
    }
}

impl From<&ReadReceipt> for ReadRecord {
    fn from(receipt: &ReadReceipt) -> Self {
        Self { user_id: receipt.user_id.clone(), read_at: date(receipt.read_at) }
    }
}

impl From<ReadRecord> for ReadReceipt {
    fn from(record: ReadRecord) -> Self {
        Self { user_id: record.user_id, read_at: moment(record.read_at) }
    }
}

impl From<&DeliveryReceipt> for DeliveryRecord {
    fn from(receipt: &DeliveryReceipt) -> Self {
        Self { user_id: receipt.user_id.clone(), delivered_at: date(receipt.delivered_at) }
    }
}

impl From<DeliveryRecord> for DeliveryReceipt {
    fn from(record: DeliveryRecord) -> Self {
        Self { user_id: record.user_id, delivered_at: moment(record.delivered_at) }
    }
}

/// A document id as the database's own type.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the id is `Copy`, which the lint does not see for a generic kind"
)]
pub(crate) fn object_id<Kind>(id: DocumentId<Kind>) -> ObjectId {
    ObjectId::from_bytes(id.bytes())
}

/// A moment as the database's own type.
pub(crate) fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.0)
}

/// A place or size as the database's integer. Nothing real is beyond its range; what is, sorts last.
pub(crate) fn place(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The database's integer as a place or count; the database holds no negative ones.
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The database's own type as a moment.
pub(crate) fn moment(date: DateTime) -> Timestamp {
    Timestamp(date.timestamp_millis())
}
