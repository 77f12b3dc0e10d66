//! The blobs port: the bytes of files.
//!
//! A blob grows by [`Blobs::append`] and becomes readable by [`Blobs::complete`]. What is needed to go on,
//! also in another process, is in [`Staged`], which the caller stores after each step. Every method may be
//! repeated: an append that was done and not stored is done again over itself. [`crate::blobs_contract`]
//! checks these promises.

use async_trait::async_trait;
use bytes::Bytes;
use eventflow_protocol::AttachmentId;
use eventflow_protocol::uploads::Staged;
use futures_util::stream::BoxStream;
use std::ops::Range;

/// What a caller appends at a time, if it has that much: the smallest part that S3 takes (but of the last).
/// This bounds the memory of an upload; 10,000 parts, as many as S3 takes, are 50 GB.
pub const PART_BYTES: usize = 5 * 1024 * 1024;

/// Names a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlobKey {
    /// The bytes of a file.
    File(AttachmentId),
    /// The small picture of a file.
    Thumbnail(AttachmentId),
}

/// Why the bytes were not written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no such blob: {what}")]
    NotFound {
        /// Operation that was attempted.
        what: &'static str,
    },
    /// The server or the disk did not do it, or did not answer in time. It may be repeated.
    #[error("reach the blobs: {what}")]
    Unavailable {
        /// Operation that was attempted.
        what: &'static str,
        /// Error that was given.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The bytes of a blob as they come.
pub type BlobStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// Keeps bytes.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Appends bytes to a blob that is not complete, behind the `staged` ones. Gives what is staged then.
    /// After `Ok` they are durable.
    async fn append(&self, id: AttachmentId, staged: &Staged, bytes: Bytes) -> Result<Staged, BlobError>;

    /// Makes the staged bytes the blob [`BlobKey::File`], whole or not at all.
    async fn complete(&self, id: AttachmentId, staged: &Staged) -> Result<(), BlobError>;

    /// Writes a small blob, whole or not at all.
    async fn put(&self, key: BlobKey, bytes: Bytes) -> Result<(), BlobError>;

    /// Reads a range of bytes of a blob. The range is within the blob.
    async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<BlobStream, BlobError>;

    /// Removes everything of an upload: what is staged, the file and the small picture. It is no error if
    /// there is nothing.
    async fn remove(&self, id: AttachmentId, staged: &Staged) -> Result<(), BlobError>;
}
