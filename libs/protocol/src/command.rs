//! What a client asks for, after the ingress has authenticated, authorised and validated it.
//!
//! Read first: it is the top of a message's way through the system. A command is routed by its thread (or user), carried in
//! an [`crate::frame::Envelope`] under its [`CommandId`], and done once however often it arrives.

use crate::content::Content;
use crate::document::{Attachment, Message, MessageStatus};
use crate::{CommandId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Longest explicit idempotency key (`clientMessageId`, `Idempotency-Key`) in bytes. It is an index entry.
pub const CLIENT_KEY_MAX_BYTES: usize = 128;

/// A change somebody asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Command {
    /// Start a conversation.
    CreateThread(CreateThread),
    /// Say something in one.
    SendMessage(SendMessage),
}

/// Start a conversation, or find the one that the same people have about the same thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateThread {
    /// [`ThreadId::derive`] of the participants and metadata.
    pub thread_id: ThreadId,
    /// Everybody in it, the creator too; sorted, without repeats.
    pub participants: Vec<UserId>,
    /// The client's free-form object.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Who asked.
    pub created_by: UserId,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// Say something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendMessage {
    /// Where.
    pub thread_id: ThreadId,
    /// Who; a participant, as the ingress checked. The store checks again.
    pub sender_id: UserId,
    /// What, already clean.
    pub content: Content,
    /// References to files, validated.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The client's own key for this message: the same key of the same sender is the same message.
    #[serde(default)]
    pub client_message_id: Option<String>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

impl Command {
    /// The thread whose shard does it.
    pub fn thread_id(&self) -> ThreadId {
        match self {
            Self::CreateThread(create) => create.thread_id,
            Self::SendMessage(send) => send.thread_id,
        }
    }
}

impl SendMessage {
    /// The message as it is stored under this command's id, at this place of its thread.
    pub fn into_message(self, id: CommandId, seq: u64) -> Message {
        Message {
            id: id.into(),
            thread_id: self.thread_id,
            seq,
            sender_id: self.sender_id,
            content: self.content.into_string(),
            attachments: self.attachments,
            reactions: Vec::new(),
            status: MessageStatus::Sent,
            read_by: Vec::new(),
            delivered_to: Vec::new(),
            is_draft: false,
            client_message_id: self.client_message_id,
            created_at: self.at,
            updated_at: self.at,
        }
    }
}
