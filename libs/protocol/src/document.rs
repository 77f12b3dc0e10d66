//! Documents: threads and messages, in the field names of the published schema.
//!
//! REST answers and socket events carry them as JSON; [`crate::client`] adds what only clients need. Stores
//! keep the same facts in a form of their own. Clients that prefer `id` to `_id` find both: see
//! [`crate::client::WithId`].

use crate::content::beginning;
use crate::group::{Group, Role};
use crate::quote::{QUOTE_MAX_CHARS, Quote, ReplyTo};
use crate::{AttachmentId, MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most people of a thread in a document that a client gets; the rest come in pages. What a list shows of a
/// thread needs few of them, and a thread of thousands would make every answer grow with it.
pub const PARTICIPANTS_SHOWN_MAX: usize = 50;
/// Most people of a thread whose names and pictures come with it: as many as a list or a header shows. The
/// others are asked for in pages.
pub const MEMBERS_SHOWN_MAX: usize = 10;
/// Most attachments of one message.
pub const ATTACHMENTS_MAX: usize = 10;

/// A file of a message: one that was uploaded to this system, or a reference to one that the host application
/// stores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// `image`, `video` or `document`.
    #[serde(rename = "type")]
    pub kind: AttachmentKind,
    /// An absolute `https` address, or a path on the same origin.
    pub url: String,
    /// The file's name as people see it; it has no path and no control characters.
    #[serde(default)]
    pub filename: String,
    /// The file's size in bytes.
    #[serde(default)]
    pub size: u64,
    /// The file's type, as in `Content-Type`.
    #[serde(default)]
    pub mime_type: String,
    /// The client's free-form object.
    #[serde(default, with = "crate::free_form")]
    #[schemars(with = "Map<String, Value>")]
    pub metadata: Map<String, Value>,
    /// The id of the uploaded file, if this system stores it; absent for a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AttachmentId>,
    /// Where a small picture of an uploaded image is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// The width of an uploaded image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// The height of an uploaded image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// What a client does with an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttachmentKind {
    /// The client shows it in place.
    Image,
    /// The client plays it.
    Video,
    /// The client offers it as a download.
    Document,
}

/// One person's reaction to a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Who reacted.
    pub user_id: UserId,
    /// When they reacted.
    pub created_at: Timestamp,
}

/// A message is pinned to its thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pinned {
    /// When it was pinned.
    pub pinned_at: Timestamp,
    /// Who pinned it.
    pub user_id: UserId,
}

/// Receipt: a person has read a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadReceipt {
    /// The reader.
    pub user_id: UserId,
    /// When they read it.
    pub read_at: Timestamp,
}

/// Receipt: a message was written to a socket of a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryReceipt {
    /// The person.
    pub user_id: UserId,
    /// When.
    pub delivered_at: Timestamp,
}

/// How far a message has come with all its recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageStatus {
    /// Stored.
    #[default]
    Sent,
    /// Written to a socket of every recipient.
    Delivered,
    /// Read by every recipient.
    Read,
}

/// A stored message.
///
/// `recipientIds` of the stored schema is not among the fields. It is the thread's participants without the
/// sender, it is private in large threads, and it would make each frame grow with the thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The id, under the published schema's name.
    #[serde(rename = "_id")]
    pub id: MessageId,
    /// The thread that the message belongs to.
    pub thread_id: ThreadId,
    /// The message's place in its thread: 1, 2, 3 … without gaps. Clients order messages by it, never by a
    /// clock.
    pub seq: u64,
    /// The sender.
    pub sender_id: UserId,
    /// What the message says, as plain text.
    pub content: String,
    /// References to files.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The message that this one answers, if it is a reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyTo>,
    /// The people of the thread whom the message mentions, sorted; absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Reactions in the order in which they came.
    #[serde(default)]
    pub reactions: Vec<Reaction>,
    /// How far the message has got with all recipients.
    #[serde(default)]
    pub status: MessageStatus,
    /// One receipt for each recipient who has read the message.
    #[serde(default)]
    pub read_by: Vec<ReadReceipt>,
    /// One receipt for each recipient whose socket has got the message.
    #[serde(default)]
    pub delivered_to: Vec<DeliveryReceipt>,
    /// Always false, because drafts are not sent. The published schema has the field.
    #[serde(default)]
    pub is_draft: bool,
    /// The sender's own key, if the sender gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    /// When its sender last edited it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// Who has pinned it to its thread, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Pinned>,
    /// When its sender took it back. The message keeps its place; content, attachments, mentions, reactions
    /// and the pin are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// When the ingress accepted it.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Message {
    /// The beginning of the message, as a reply quotes it.
    pub fn quote(&self) -> Quote {
        Quote {
            seq: self.seq,
            sender_id: self.sender_id.clone(),
            content: beginning(&self.content, QUOTE_MAX_CHARS).to_owned(),
            filename: self.attachments.first().map(|file| file.filename.clone()),
            deleted_at: self.deleted_at,
        }
    }

    /// Whether the message mentions this person. Nobody mentions themselves.
    pub fn mentions(&self, user: &UserId) -> bool {
        self.sender_id != *user && self.mentions.contains(user)
    }

    /// Whether the message still is what was sent: nobody has edited it or taken it back.
    pub fn is_as_sent(&self) -> bool {
        self.edited_at.is_none() && self.deleted_at.is_none()
    }
}

/// Whether listings show a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThreadStatus {
    /// Listings show it.
    #[default]
    Active,
    /// The person has put it away.
    Archived,
    /// It is gone for everybody.
    Deleted,
}

/// A conversation as the system keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// The id, under the published schema's name.
    #[serde(rename = "_id")]
    pub id: ThreadId,
    /// The people in the thread, sorted. What a client gets holds the first 50 of them.
    pub participants: Vec<UserId>,
    /// How many people are in the thread.
    #[serde(default)]
    pub participant_count: u64,
    /// The newest message.
    pub last_message_id: Option<MessageId>,
    /// When the newest message was accepted.
    pub last_message_at: Option<Timestamp>,
    /// The `seq` of the newest message that the counters include.
    #[serde(default)]
    pub last_seq: u64,
    /// Whether listings show the thread: the caller's own, since each person archives for themselves.
    #[serde(default)]
    pub status: ThreadStatus,
    /// The client's free-form object.
    #[serde(default, with = "crate::free_form")]
    #[schemars(with = "Map<String, Value>")]
    pub metadata: Map<String, Value>,
    /// Name, picture and owners, if the thread was started as a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Thread {
    /// What this person, who is in the thread, may do in it.
    pub fn role(&self, user: &UserId) -> Role {
        self.group.as_ref().map_or(Role::Member, |group| group.role(user))
    }

    /// The people whose names and pictures come with the thread.
    pub fn members(&self) -> &[UserId] {
        &self.participants[..self.participants.len().min(MEMBERS_SHOWN_MAX)]
    }

    /// The thread as a client gets it, with the first of its people.
    #[must_use]
    pub fn shown(mut self) -> Self {
        // A process of an earlier version has not counted them.
        self.participant_count = self.participant_count.max(self.participants.len() as u64);
        self.participants.truncate(PARTICIPANTS_SHOWN_MAX);
        self
    }
}

/// A thread as one participant sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadView {
    /// What everybody in the thread sees.
    #[serde(flatten)]
    pub thread: Thread,
    /// How many messages of others the viewer has not read.
    pub unread_count: u64,
    /// How many of them mention the viewer.
    #[serde(default)]
    pub unread_mentions: u64,
    /// The newest message, for a preview.
    pub last_message: Option<Message>,
}
