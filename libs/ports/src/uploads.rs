//! The uploads port: what the system knows of uploaded files. Their bytes are behind [`crate::blobs`].
//!
//! [`Upload`] says how a file changes; a store makes one change at a time for each, by the revision. Every
//! method may be repeated. [`crate::uploads_contract`] checks these promises.

use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::uploads::Upload;
use eventflow_protocol::{AttachmentId, MessageId, Timestamp, UserId};

/// Rounds of a change, while others change the same file: its writer, the stage of its message, a sweeper.
const ROUNDS_MAX: u32 = 32;

/// What a person's files come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileUsage {
    /// Bytes that are there or may still come.
    pub bytes: u64,
    /// Files that no message uses.
    pub waiting: u64,
}

/// Keeps records of uploaded files.
#[async_trait]
pub trait Uploads: Send + Sync + 'static {
    /// Stores a new upload; `false` if its id is taken.
    async fn add_upload(&self, upload: &Upload) -> Result<bool, StoreError>;

    /// Writes an upload over the revision that it was read with, and gives it the next one; `false`, and
    /// nothing is changed, if the store has another revision or none. After `true` it is durable.
    async fn replace_upload(&self, upload: &Upload) -> Result<bool, StoreError>;

    /// Removes an upload of this revision; `false` if the store has another one or none.
    async fn remove_upload(&self, id: AttachmentId, revision: u64) -> Result<bool, StoreError>;

    /// Reads one upload; `None` if there is none.
    async fn upload(&self, id: AttachmentId) -> Result<Option<Upload>, StoreError>;

    /// Reads the uploads that a message uses, in any order.
    async fn uploads_in(&self, message: MessageId) -> Result<Vec<Upload>, StoreError>;

    /// Reads what a person's files come to.
    async fn file_usage(&self, owner: &UserId) -> Result<FileUsage, StoreError>;

    /// Reads up to `limit` uploads that are due by `now` ([`Upload::due_at`]), those that are due longest
    /// first.
    async fn due_uploads(&self, now: Timestamp, limit: u32) -> Result<Vec<Upload>, StoreError>;
}

/// Makes a change to an upload, on what others leave. `change` gives `None` if the upload is to stay as it
/// is; it runs again if somebody else was faster. `None` too if there is no such upload.
pub async fn change_upload<T: Send>(
    uploads: &dyn Uploads,
    id: AttachmentId,
    mut change: impl FnMut(&mut Upload) -> Option<T> + Send,
) -> Result<Option<(Upload, T)>, StoreError> {
    for _ in 0..ROUNDS_MAX {
        let Some(mut upload) = uploads.upload(id).await? else { return Ok(None) };
        let Some(made) = change(&mut upload) else { return Ok(None) };
        if uploads.replace_upload(&upload).await? {
            upload.revision += 1;
            return Ok(Some((upload, made)));
        }
    }
    Err(StoreError::Failed { what: "change an upload", source: "others always were faster".into() })
}
