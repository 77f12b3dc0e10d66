//! The documents a client sees: threads and messages, in the field names of the published schema.
//!
//! These are the JSON shapes of REST answers and socket events. Stores keep the same facts in their own form.
//! Clients that prefer `id` to `_id` find both: see [`WithId`].

use crate::{MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most attachments of one message.
pub const ATTACHMENTS_MAX: usize = 10;

/// A reference to a file that the host application stores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// `image`, `video` or `document`.
    #[serde(rename = "type")]
    pub kind: AttachmentKind,
    /// An absolute `https` address, or a path on the same origin.
    pub url: String,
    /// Shown to people; no path, no control characters.
    #[serde(default)]
    pub filename: String,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    /// As in `Content-Type`.
    #[serde(default)]
    pub mime_type: String,
    /// The client's free-form object.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// What a viewer does with an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttachmentKind {
    /// Shown in place.
    Image,
    /// Played.
    Video,
    /// Downloaded.
    Document,
}

/// One person's reaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reaction {
    /// The sign.
    pub emoji: String,
    /// Whose.
    pub user_id: UserId,
    /// Since when.
    pub created_at: Timestamp,
}

/// That somebody has read a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadReceipt {
    /// Who.
    pub user_id: UserId,
    /// When.
    pub read_at: Timestamp,
}

/// That a message was written to a socket of somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryReceipt {
    /// Whose socket.
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
/// `recipientIds` of the stored schema is not among the fields: it is the thread's participants without the sender, it is
/// private in large threads, and it would make each frame grow with the thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The published schema's key.
    #[serde(rename = "_id")]
    pub id: MessageId,
    /// The thread.
    pub thread_id: ThreadId,
    /// Place in the thread: 1, 2, 3 … without gaps. Everything shown is ordered by it, never by a clock.
    pub seq: u64,
    /// Who wrote it.
    pub sender_id: UserId,
    /// Plain text.
    pub content: String,
    /// References to files.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// In the order they came.
    #[serde(default)]
    pub reactions: Vec<Reaction>,
    /// Over all recipients.
    #[serde(default)]
    pub status: MessageStatus,
    /// Per recipient.
    #[serde(default)]
    pub read_by: Vec<ReadReceipt>,
    /// Per recipient.
    #[serde(default)]
    pub delivered_to: Vec<DeliveryReceipt>,
    /// Always false for a message that was sent; kept for the published schema.
    #[serde(default)]
    pub is_draft: bool,
    /// The sender's own key, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    /// When its content was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When its sender took it back. Its place stays; content, attachments and reactions are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// When the ingress accepted it.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Whether a thread takes part in listings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThreadStatus {
    /// Shown.
    #[default]
    Active,
    /// Put away.
    Archived,
    /// Gone for everybody.
    Deleted,
}

/// A conversation as the system keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// The published schema's key.
    #[serde(rename = "_id")]
    pub id: ThreadId,
    /// Everybody in it, sorted.
    pub participants: Vec<UserId>,
    /// Newest message.
    pub last_message_id: Option<MessageId>,
    /// Its time.
    pub last_message_at: Option<Timestamp>,
    /// Place of the newest message that the counters below include.
    #[serde(default)]
    pub last_seq: u64,
    /// Whether it is shown; in a [`ThreadView`] to that viewer, since each person archives for themselves.
    #[serde(default)]
    pub status: ThreadStatus,
    /// The client's free-form object.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A thread as one participant sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadView {
    /// The shared facts.
    #[serde(flatten)]
    pub thread: Thread,
    /// Messages of others that the viewer has not read.
    pub unread_count: u64,
    /// The newest message, for a preview.
    pub last_message: Option<Message>,
}

/// A document as clients get it: `id` repeats `_id`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct WithId<'a, T: Serialize> {
    id: &'a str,
    #[serde(flatten)]
    document: &'a T,
}

/// A document that has an id.
pub trait Identified: Serialize + Sized {
    /// The id as text.
    fn id_text(&self) -> String;

    /// As a JSON object with `id` beside `_id`.
    fn shown(&self) -> Value {
        let id = self.id_text();
        serde_json::to_value(WithId { id: &id, document: self }).unwrap_or_default()
    }

    /// As [`Identified::shown`], as JSON text.
    fn shown_text(&self) -> Result<String, serde_json::Error> {
        let id = self.id_text();
        serde_json::to_string(&WithId { id: &id, document: self })
    }
}

impl Identified for Message {
    fn id_text(&self) -> String {
        self.id.to_string()
    }
}

impl Identified for Thread {
    fn id_text(&self) -> String {
        self.id.to_string()
    }
}
