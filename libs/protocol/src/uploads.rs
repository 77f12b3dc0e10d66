//! Uploaded files: what the system keeps of one, and how that changes.
//!
//! An [`Upload`] begins without bytes, receives them in any number of requests, and is ready when all are
//! there and were looked at. A message of its owner then uses it. When the last message that uses it is taken
//! back, or nobody has used it for a time, it is deleted: first the record says so, then the bytes go, then
//! the record. Every change may be repeated. A store makes one change at a time, by the revision.

mod name;
mod staged;

pub use name::{FILE_NAME_MAX_BYTES, file_name};
pub use staged::Staged;

use crate::document::{Attachment, AttachmentKind};
use crate::{AttachmentId, MessageId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::time::Duration;

/// Where clients get files from; the id of one follows.
pub const PATH: &str = "/api/v2/attachments/";
/// What follows the id where a client gets the thumbnail.
pub const THUMBNAIL: &str = "/thumbnail";
/// Most messages that use one file: somebody sends it to several conversations, and a stranger who asks for
/// it has each of them looked at.
pub const USES_MAX: usize = 20;
/// Most files of one person that no message uses: what somebody writes at a time, on all devices, some times
/// over.
pub const WAITING_MAX: u64 = 100;
/// How long a request that writes an upload holds it without a sign of life: a gateway that was killed keeps
/// others out for so long.
pub const LEASE: Duration = Duration::from_secs(15);

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Bytes are missing, or nobody has looked at them yet.
    Uploading,
    /// The file is whole and known.
    Ready,
    /// Nobody gets the file any more; its bytes are to be removed.
    Deleted,
}

/// What a finished file is. It is read from the bytes, not from what the client says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// The type of the bytes, as in `Content-Type`.
    pub mime_type: String,
    /// What a client does with it.
    pub kind: AttachmentKind,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub sha256: String,
    /// Width and height of a picture, in pixels, as it is shown.
    pub pixels: Option<(u32, u32)>,
    /// The small picture, if there is one.
    pub thumbnail: Option<Thumbnail>,
}

/// The small picture of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// Its type.
    pub mime_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// A message that uses a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileUse {
    /// The message.
    pub message_id: MessageId,
    /// The message's thread.
    pub thread_id: ThreadId,
}

/// The request that writes an upload now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// A number that the request has made up.
    pub id: u64,
    /// When others may take over, if no sign of life comes before.
    pub until: Timestamp,
}

/// What the system keeps of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The id.
    pub id: AttachmentId,
    /// Who uploads it.
    pub owner_id: UserId,
    /// The name as it is shown; see [`file_name`].
    pub name: String,
    /// How far it is.
    pub state: UploadState,
    /// The length that the client has announced; none if the end of the request tells it.
    pub length: Option<u64>,
    /// Bytes that count as the owner's: what was announced or may come, then what is there.
    pub reserved: u64,
    /// The bytes that have come, as the blob store keeps them until they are all there.
    pub staged: Staged,
    /// The state of SHA-256 over the bytes that have come; empty before the first.
    #[serde(with = "serde_bytes")]
    pub hash: Vec<u8>,
    /// The request that writes it.
    pub writer: Option<Writer>,
    /// A request took over from one that showed no life. Both may have written, so the bytes are compared
    /// with their hash at the end.
    pub was_taken_over: bool,
    /// What it is, once it is ready.
    pub file: Option<FileFacts>,
    /// The messages that use it.
    pub uses: Vec<FileUse>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it is deleted, if no message uses it by then. Of a deleted one: when its bytes are due.
    pub expires_at: Timestamp,
    /// Rises with each change, in the store.
    pub revision: u64,
}

/// Why an upload cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWritable {
    /// There is no such upload any more, or it is whole.
    Over,
    /// Another request writes it until then.
    Held(Timestamp),
}

/// What becomes of a file when a message uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attached {
    /// The message is among its uses now, or was before.
    Done,
    /// The file is not there, or not whole.
    Gone,
    /// [`USES_MAX`] messages use it.
    TooOften,
}

impl Upload {
    /// A new upload of a person, which reserves so many bytes.
    pub fn begin(owner_id: UserId, name: String, length: Option<u64>, reserved: u64, at: Timestamp) -> Self {
        Self {
            id: AttachmentId::fresh(),
            owner_id,
            name,
            state: UploadState::Uploading,
            length,
            reserved,
            staged: Staged::default(),
            hash: Vec::new(),
            writer: None,
            was_taken_over: false,
            file: None,
            uses: Vec::new(),
            created_at: at,
            expires_at: at,
            revision: 0,
        }
    }

    /// Whether its owner alone sees it: no message uses it.
    pub fn is_waiting(&self) -> bool {
        self.state != UploadState::Deleted && self.uses.is_empty()
    }

    /// Whether all announced bytes are there.
    pub fn is_whole(&self) -> bool {
        self.length == Some(self.staged.length)
    }

    /// When somebody has to look whether it is to be deleted; none while messages use it.
    pub fn due_at(&self) -> Option<Timestamp> {
        let is_used = self.state == UploadState::Ready && !self.uses.is_empty();
        (!is_used).then_some(self.expires_at)
    }

    /// Lets the request `id` write it, if nobody else does.
    pub fn claim(&mut self, id: u64, now: Timestamp) -> Result<(), NotWritable> {
        if self.state != UploadState::Uploading || self.expires_at <= now {
            return Err(NotWritable::Over);
        }
        if let Some(other) = self.writer.filter(|writer| writer.id != id) {
            if other.until > now {
                return Err(NotWritable::Held(other.until));
            }
            self.was_taken_over = true;
        }
        self.writer = Some(Writer { id, until: now.plus(LEASE) });
        Ok(())
    }

    /// Ends the claim of the request `id`; `false` if it has none.
    pub fn release(&mut self, id: u64) -> bool {
        self.writer.take_if(|writer| writer.id == id).is_some()
    }

    /// The bytes are there and this is what they are. Without a message it is kept until then.
    pub fn finish(&mut self, file: FileFacts, until: Timestamp) {
        self.state = UploadState::Ready;
        self.reserved = file.size + file.thumbnail.as_ref().map_or(0, |thumbnail| thumbnail.size);
        self.staged = Staged::default();
        self.hash = Vec::new();
        self.writer = None;
        self.file = Some(file);
        self.expires_at = until;
    }

    /// A message of its owner uses it.
    pub fn attach(&mut self, used: FileUse) -> Attached {
        if self.state != UploadState::Ready {
            return Attached::Gone;
        }
        if self.uses.iter().any(|one| one.message_id == used.message_id) {
            return Attached::Done;
        }
        if self.uses.len() >= USES_MAX {
            return Attached::TooOften;
        }
        self.uses.push(used);
        Attached::Done
    }

    /// A message that used it was taken back: without any other it is deleted. `false` if that message did
    /// not use it.
    pub fn detach(&mut self, message: MessageId, at: Timestamp) -> bool {
        let before = self.uses.len();
        self.uses.retain(|used| used.message_id != message);
        if self.uses.len() == before {
            return false;
        }
        if self.uses.is_empty() {
            self.delete(at);
        }
        true
    }

    /// Nobody gets it any more.
    pub fn delete(&mut self, at: Timestamp) {
        self.state = UploadState::Deleted;
        self.reserved = 0;
        self.writer = None;
        self.expires_at = at;
    }

    /// Deletes it if its time is over, nobody uses it and nobody writes it. `false` if it stays.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        let is_written = self.writer.is_some_and(|writer| writer.until > now);
        let is_over = self.is_waiting() && self.expires_at <= now && !is_written;
        if is_over {
            self.delete(now);
        }
        is_over
    }

    /// Where clients get it.
    pub fn url(&self) -> String {
        format!("{PATH}{}", self.id)
    }

    /// As a message shows it; none before it is ready.
    pub fn to_attachment(&self) -> Option<Attachment> {
        let file = self.file.as_ref()?;
        let url = self.url();
        Some(Attachment {
            kind: file.kind,
            thumbnail_url: file.thumbnail.is_some().then(|| format!("{url}{THUMBNAIL}")),
            url,
            filename: self.name.clone(),
            size: file.size,
            mime_type: file.mime_type.clone(),
            metadata: Map::new(),
            id: Some(self.id),
            width: file.pixels.map(|(width, _)| width),
            height: file.pixels.map(|(_, height)| height),
        })
    }
}

#[cfg(test)]
#[path = "uploads/tests.rs"]
mod tests;
