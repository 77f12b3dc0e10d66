//! Answers about what is erased of a person, and the records of what is kept of one.

use super::{ListedDelivery, ShownDevice, ShownDraft, ShownScheduled, SuppressedAddress};
use crate::client::shape::Success;
use crate::document::{Attachment, Message};
use crate::erasure::{ErasedCounts, Erasure, ErasureState};
use crate::group::{Group, Role};
use crate::inbox::{Notification, Preferences};
use crate::person::Profile;
use crate::reports::{Report, ReportId, ReportReason};
use crate::uploads::{Upload, UploadState};
use crate::{AttachmentId, MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The version of the records of an export. It rises when a record means something else than before; fields
/// and kinds may come in addition.
pub const EXPORT_VERSION: u32 = 1;

/// An erasure: `POST /users/{id}/erase`, `GET /users/{id}/erase`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErasureAnswer {
    /// The person was to be erased before; that erasure goes on, or is done. Absent otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deduplicated: bool,
    /// The erasure.
    pub erasure: ShownErasure,
    /// Always true.
    pub success: Success,
}

/// What is erased of a person, and how far that has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownErasure {
    /// The administrator who asked for it first.
    pub by: UserId,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done; `null` before.
    pub ended_at: Option<Timestamp>,
    /// What was erased so far.
    pub erased: ErasedCounts,
    /// Everything is gone through twice; the pass that is being made, from 1.
    pub pass: u32,
    /// How far it has come.
    pub state: ErasureState,
    /// The person.
    pub user_id: UserId,
    /// What the pass is at: `own`, `threads`, `reports`, `dead_letters` or `files`.
    pub working_on: String,
    /// Why it was asked for.
    pub why: String,
}

impl From<Erasure> for ShownErasure {
    fn from(erasure: Erasure) -> Self {
        Self {
            working_on: erasure.place.name().to_owned(),
            by: erasure.by,
            created_at: erasure.marked_at,
            ended_at: erasure.ended_at,
            erased: erasure.counts,
            pass: erasure.pass,
            state: erasure.state,
            user_id: erasure.user_id,
            why: erasure.why,
        }
    }
}

/// One line of `GET /users/{id}/export`. The first is an `export`, the last an `end`; a file without its end
/// was cut off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ExportRecord {
    /// The beginning.
    Export {
        /// When the export was begun.
        exported_at: Timestamp,
        /// The person.
        user_id: UserId,
        /// [`EXPORT_VERSION`].
        version: u32,
    },
    /// What the directory says of the person.
    Person {
        /// Name, picture, address and role; `null` if it says nothing.
        profile: Option<Profile>,
    },
    /// Logins of the person were ended.
    Revocation {
        /// When.
        at: Timestamp,
        /// The login; `null` for all.
        session: Option<String>,
    },
    /// How the person wants to be told of things, and which threads they have muted.
    Preferences {
        /// As they are stored.
        preferences: Preferences,
    },
    /// The address of the person gets no mail.
    Suppression {
        /// The entry.
        suppression: SuppressedAddress,
    },
    /// The person blocks somebody.
    Block {
        /// Since when.
        at: Timestamp,
        /// Whom.
        user_id: UserId,
    },
    /// A device of the person, without its address and keys.
    Device {
        /// The device.
        device: ShownDevice,
    },
    /// A draft of the person.
    Draft {
        /// The draft.
        draft: ShownDraft,
    },
    /// A message that the person has scheduled.
    Scheduled {
        /// The message.
        scheduled: ShownScheduled,
    },
    /// A notification of the person.
    Notification {
        /// The notification.
        notification: Notification,
    },
    /// A row of the log of mails and pushes to the person.
    Delivery {
        /// The row.
        delivery: ListedDelivery,
    },
    /// A report that the person has made, without what the message said.
    Report {
        /// When.
        created_at: Timestamp,
        /// The report.
        id: ReportId,
        /// The message.
        message_id: MessageId,
        /// What is wrong with it.
        reason: ReportReason,
        /// What the person said about it.
        text: String,
    },
    /// A file that the person has uploaded.
    File(ExportedFile),
    /// A thread in which the person is or was.
    Thread(ExportedThread),
    /// A message of the person.
    Message(ExportedMessage),
    /// What a message of the person said before they edited it.
    Wording {
        /// What it said.
        content: String,
        /// The message.
        message_id: MessageId,
        /// When that was written.
        written_at: Timestamp,
    },
    /// A reaction of the person to a message of somebody else.
    Reaction {
        /// When.
        created_at: Timestamp,
        /// The sign.
        emoji: String,
        /// The message.
        message_id: MessageId,
        /// Its thread.
        thread_id: ThreadId,
    },
    /// A message that the person has pinned.
    Pin {
        /// The message.
        message_id: MessageId,
        /// When.
        pinned_at: Timestamp,
        /// Its thread.
        thread_id: ThreadId,
    },
    /// A message of somebody else that mentions the person.
    Mention {
        /// When it was sent.
        created_at: Timestamp,
        /// The message.
        message_id: MessageId,
        /// Its thread.
        thread_id: ThreadId,
    },
    /// The end: everything is there.
    End {
        /// How many records there are of each other kind.
        counts: BTreeMap<String, u64>,
    },
}

/// A file as an export has it. Its bytes are got from the address, by whoever may see the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedFile {
    /// When the upload was begun.
    pub created_at: Timestamp,
    /// The id.
    pub id: AttachmentId,
    /// The messages that use it.
    pub message_ids: Vec<MessageId>,
    /// The type of its bytes; `null` before they are all there.
    pub mime_type: Option<String>,
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// How far it is.
    pub state: String,
    /// Where its bytes are.
    pub url: String,
}

impl From<Upload> for ExportedFile {
    fn from(upload: Upload) -> Self {
        let state = match upload.state {
            UploadState::Uploading => "uploading",
            UploadState::Ready => "ready",
            UploadState::Deleted => "deleted",
        };
        let (url, file) = (upload.url(), upload.file);
        Self {
            created_at: upload.created_at,
            id: upload.id,
            message_ids: upload.uses.iter().map(|used| used.message_id).collect(),
            mime_type: file.as_ref().map(|file| file.mime_type.clone()),
            name: upload.name,
            sha256: file.as_ref().map(|file| file.sha256.clone()),
            size: file.as_ref().map(|file| file.size),
            state: state.to_owned(),
            url,
        }
    }
}

/// A thread as an export has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedThread {
    /// When the thread was started.
    pub created_at: Timestamp,
    /// Up to which message it was delivered to the person.
    pub delivered_seq: u64,
    /// What the thread is called and looks like, if it is a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// The id.
    pub id: ThreadId,
    /// Whether the person has put it away.
    pub is_archived: bool,
    /// Whether the person is in it now.
    pub is_member: bool,
    /// When the person was added; `null` for whoever was there from the beginning.
    pub joined_at: Option<Timestamp>,
    /// The client's object.
    #[serde(default, with = "crate::free_form")]
    #[schemars(with = "Map<String, Value>")]
    pub metadata: Map<String, Value>,
    /// Up to which message the person has read it.
    pub read_seq: u64,
    /// What the person may do in it.
    pub role: Role,
}

/// A message as an export has it: what its sender has made, and nothing of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedMessage {
    /// References to files.
    pub attachments: Vec<Attachment>,
    /// The client's own key, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    /// What the message says; empty if it was taken back.
    pub content: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// When it was edited last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// The id.
    pub id: MessageId,
    /// The people whom it mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Its place in the thread.
    pub seq: u64,
    /// The thread.
    pub thread_id: ThreadId,
}

impl From<Message> for ExportedMessage {
    fn from(message: Message) -> Self {
        Self {
            attachments: message.attachments,
            client_message_id: message.client_message_id,
            content: message.content,
            created_at: message.created_at,
            deleted_at: message.deleted_at,
            edited_at: message.edited_at,
            id: message.id,
            mentions: message.mentions,
            reply_to: message.reply_to.map(|reply| reply.message_id),
            seq: message.seq,
            thread_id: message.thread_id,
        }
    }
}

impl ExportRecord {
    /// A report, of which its author gets what they have said.
    pub fn of_report(report: Report) -> Self {
        let Report { id, reason, text, message, created_at, .. } = report;
        Self::Report { created_at, id, message_id: message.message_id, reason, text }
    }

    /// Its word, by which the end counts it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Export { .. } => "export",
            Self::Person { .. } => "person",
            Self::Revocation { .. } => "revocation",
            Self::Preferences { .. } => "preferences",
            Self::Suppression { .. } => "suppression",
            Self::Block { .. } => "block",
            Self::Device { .. } => "device",
            Self::Draft { .. } => "draft",
            Self::Scheduled { .. } => "scheduled",
            Self::Notification { .. } => "notification",
            Self::Delivery { .. } => "delivery",
            Self::Report { .. } => "report",
            Self::File(_) => "file",
            Self::Thread(_) => "thread",
            Self::Message(_) => "message",
            Self::Wording { .. } => "wording",
            Self::Reaction { .. } => "reaction",
            Self::Pin { .. } => "pin",
            Self::Mention { .. } => "mention",
            Self::End { .. } => "end",
        }
    }
}
