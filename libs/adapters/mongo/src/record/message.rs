//! Messages as the database keeps them: the published schema's field names, an `ObjectId` key, BSON dates.
//!
//! `threadId` is a string there, as the schema says. Places and sizes are 64-bit integers.

use crate::fingerprint::{binary, fingerprint};
use crate::record::values::{count, date, moment, object_id, place};
use eventflow_protocol::change::ChangeMark;
use eventflow_protocol::document::{
    Attachment, AttachmentKind, DeliveryReceipt, Message, MessageStatus, Pinned, Reaction, ReadReceipt,
};
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::free_form::FreeForm;
use eventflow_protocol::mentions::AddedMentions;
use eventflow_protocol::pairing::{Leg, Pairing};
use eventflow_protocol::quote::ReplyTo;
use eventflow_protocol::{AttachmentId, CommandId, MessageId, ThreadId, UserId};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Binary, DateTime};
use serde::{Deserialize, Serialize};

/// Recipients: threads of more people do not repeat them in each message. The list would cost up to 130 bytes
/// a person in every message, which grows with the square of a busy thread, and the thread document has it
/// anyway.
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
    /// For the operators' own queries; this store never reads it.
    #[serde(default, skip_serializing_if = "Option::is_none", skip_deserializing)]
    recipient_ids: Option<Vec<UserId>>,
    content: String,
    #[serde(default)]
    attachments: Vec<AttachmentRecord>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<ObjectId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<UserId>,
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
    /// The fingerprint of what was sent under a key, kept from the first edit or deletion on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_as: Option<Binary>,
    /// Rises with every change. None before the first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pair: Option<PairRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edited_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pinned: Option<PinnedRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<DateTime>,
    created_at: DateTime,
    updated_at: DateTime,
}

/// The commands of the two legs of a message, as text, by transport.
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
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_pin: bool,
    commands: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<AddedRecord>,
}

/// An [`AddedMentions`] with its command as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddedRecord {
    command: String,
    user_ids: Vec<UserId>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PinnedRecord {
    user_id: UserId,
    pinned_at: DateTime,
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
    /// The uploaded file, if this system stores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<ObjectId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    height: Option<i64>,
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
    /// The document of a message in a thread of these people.
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
            reply_to: message.reply_to.as_ref().map(|reply| object_id(reply.message_id)),
            mentions: message.mentions.clone(),
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
            pinned: message.pinned.as_ref().map(PinnedRecord::from),
            deleted_at: message.deleted_at.map(date),
            created_at: date(message.created_at),
            updated_at: date(message.updated_at),
        }
    }

    /// Adds this command as the first leg.
    pub(crate) fn with_leg(mut self, pairing: &Pairing, command: CommandId) -> Self {
        let mut pair = PairRecord { key: pairing.key.clone(), ..PairRecord::default() };
        *pair.leg_mut(pairing.leg) = Some(command.to_string());
        self.pair = Some(pair);
        self
    }

    /// Replaces the marks.
    pub(crate) fn with_marks(mut self, marks: &[ChangeMark]) -> Self {
        self.marks = marks.iter().map(MarkRecord::from).collect();
        self
    }

    /// Sets the fingerprint of what was sent first.
    pub(crate) fn with_sent_as(mut self, sent_as: Option<Fingerprint>) -> Self {
        self.sent_as = sent_as.map(binary);
        self
    }

    /// The fingerprint of what was sent first, if the message was changed since.
    pub(crate) fn sent_as(&self) -> Option<Fingerprint> {
        self.sent_as.as_ref().and_then(fingerprint)
    }

    /// The last commands that changed the message.
    pub(crate) fn marks(&self) -> Vec<ChangeMark> {
        self.marks.iter().map(ChangeMark::from).collect()
    }
}

impl PairRecord {
    /// The command that came over this transport.
    pub(crate) fn leg(&self, leg: Leg) -> Option<&str> {
        match leg {
            Leg::Socket => self.socket.as_deref(),
            Leg::Rest => self.rest.as_deref(),
        }
    }

    /// The place of the command that comes over this transport.
    pub(crate) fn leg_mut(&mut self, leg: Leg) -> &mut Option<String> {
        match leg {
            Leg::Socket => &mut self.socket,
            Leg::Rest => &mut self.rest,
        }
    }
}

impl From<&ChangeMark> for MarkRecord {
    fn from(mark: &ChangeMark) -> Self {
        Self {
            user_id: mark.user_id.clone(),
            emoji: mark.emoji.clone(),
            is_pin: mark.is_pin,
            commands: mark.commands.iter().map(CommandId::to_string).collect(),
            mentions: mark.mentions.iter().map(AddedRecord::from).collect(),
        }
    }
}

impl From<&MarkRecord> for ChangeMark {
    fn from(record: &MarkRecord) -> Self {
        Self {
            user_id: record.user_id.clone(),
            emoji: record.emoji.clone(),
            is_pin: record.is_pin,
            commands: record.commands.iter().filter_map(|text| command(text)).collect(),
            mentions: record.mentions.iter().filter_map(AddedRecord::added).collect(),
        }
    }
}

impl From<&AddedMentions> for AddedRecord {
    fn from(added: &AddedMentions) -> Self {
        Self { command: added.command.to_string(), user_ids: added.user_ids.clone() }
    }
}

impl AddedRecord {
    fn added(&self) -> Option<AddedMentions> {
        Some(AddedMentions { command: command(&self.command)?, user_ids: self.user_ids.clone() })
    }
}

fn command(text: &str) -> Option<CommandId> {
    text.parse().ok().map(CommandId)
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
            reply_to: record.reply_to.map(|id| ReplyTo::to(MessageId::from_bytes(id.bytes()))),
            mentions: record.mentions,
            reactions: record.reactions.into_iter().map(Reaction::from).collect(),
            status: record.status,
            read_by: record.read_by.into_iter().map(ReadReceipt::from).collect(),
            delivered_to: record.delivered_to.into_iter().map(DeliveryReceipt::from).collect(),
            is_draft: record.is_draft,
            client_message_id: record.client_message_id,
            edited_at: record.edited_at.map(moment),
            pinned: record.pinned.map(Pinned::from),
            deleted_at: record.deleted_at.map(moment),
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
            id: attachment.id.map(object_id),
            thumbnail_url: attachment.thumbnail_url.clone(),
            width: attachment.width.map(i64::from),
            height: attachment.height.map(i64::from),
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
            id: record.id.map(|id| AttachmentId::from_bytes(id.bytes())),
            thumbnail_url: record.thumbnail_url,
            width: record.width.and_then(|width| u32::try_from(width).ok()),
            height: record.height.and_then(|height| u32::try_from(height).ok()),
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

impl From<&Pinned> for PinnedRecord {
    fn from(pinned: &Pinned) -> Self {
        Self { user_id: pinned.user_id.clone(), pinned_at: date(pinned.pinned_at) }
    }
}

impl From<PinnedRecord> for Pinned {
    fn from(record: PinnedRecord) -> Self {
        Self { pinned_at: moment(record.pinned_at), user_id: record.user_id }
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
