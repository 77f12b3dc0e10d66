//! The end of an upload: its bytes become a file, which is looked at.
//!
//! Safe to repeat: completed bytes are recognised, and the record is written once, over the revision of
//! whoever holds the claim.

use crate::files::picture::{self, Picture, SOURCE_MAX_BYTES};
use crate::files::service::Files;
use crate::files::sniff::{self, HEAD_BYTES};
use crate::refusal::Refusal;
use bytes::Bytes;
use eventflow_metrics::UploadRefusal;
use eventflow_ports::{BlobError, BlobKey};
use eventflow_protocol::document::AttachmentKind;
use eventflow_protocol::uploads::{FileFacts, Thumbnail, Upload};
use eventflow_protocol::{AttachmentId, ErrorCode};
use futures_util::TryStreamExt;
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

impl Files {
    /// Makes an upload ready, all of whose bytes are there. `hash` is that of the bytes that came.
    pub(super) async fn finish(&self, mut upload: Upload, hash: Sha256) -> Result<Upload, Refusal> {
        let (id, size) = (upload.id, upload.staged.length);
        self.blobs.complete(id, &upload.staged).await?;
        let sha256 = hex::encode(hash.finalize());
        if upload.was_taken_over && self.hash_of_kept(id, size).await? != sha256 {
            self.discard(upload).await?;
            self.count(UploadRefusal::Damaged);
            return Err(Refusal::new(ErrorCode::Conflict, "the upload is damaged: begin it anew"));
        }
        let mime_type = sniff::mime_type(&self.bytes(id, size.min(HEAD_BYTES)).await?);
        if !self.settings.takes(mime_type) {
            self.discard(upload).await?;
            self.count(UploadRefusal::Type);
            return Err(Refusal::new(
                ErrorCode::WrongType,
                format!("files of type {mime_type} are not taken"),
            ));
        }
        let picture = self.picture(id, mime_type, size).await?;
        let thumbnail = match picture.as_ref().and_then(|picture| picture.small.as_ref()) {
            Some((mime, bytes)) => Some(self.keep_small(id, mime, bytes).await?),
            None => None,
        };
        let file = FileFacts {
            mime_type: mime_type.to_owned(),
            kind: sniff::kind_of(mime_type),
            size,
            sha256,
            pixels: picture.map(|picture| picture.pixels),
            thumbnail,
        };
        upload.finish(file, self.clock.now().plus(self.settings.unsent_kept));
        if !self.uploads.replace_upload(&upload).await? {
            self.count(UploadRefusal::Conflict);
            return Err(Refusal::new(ErrorCode::Conflict, "the upload was deleted meanwhile"));
        }
        upload.revision += 1;
        Ok(upload)
    }

    /// Nobody gets the file; the sweeper removes its bytes.
    async fn discard(&self, mut upload: Upload) -> Result<(), Refusal> {
        upload.delete(self.clock.now());
        // If somebody else changed it meanwhile, its time runs out.
        self.uploads.replace_upload(&upload).await?;
        Ok(())
    }

    /// What a picture is; `None` for other files and for broken pictures.
    async fn picture(&self, id: AttachmentId, mime: &str, size: u64) -> Result<Option<Picture>, Refusal> {
        if sniff::kind_of(mime) != AttachmentKind::Image {
            return Ok(None);
        }
        let mut found = None;
        if size <= SOURCE_MAX_BYTES {
            // The permit comes before the bytes, so that few pictures are in memory.
            let permit = self.pictures.acquire().await.map_err(|_| Refusal::unavailable())?;
            let bytes = self.bytes(id, size).await?;
            // A decoder that panics has found no picture.
            found = spawn_blocking(move || picture::look_at(&bytes)).await.unwrap_or(None);
            drop(permit);
        }
        if found.as_ref().is_none_or(|picture| picture.small.is_none()) {
            self.metrics.without_thumbnail.inc();
        }
        Ok(found)
    }

    async fn keep_small(&self, id: AttachmentId, mime: &str, bytes: &[u8]) -> Result<Thumbnail, Refusal> {
        let sha256 = hex::encode(Sha256::digest(bytes));
        self.blobs.put(BlobKey::Thumbnail(id), Bytes::copy_from_slice(bytes)).await?;
        Ok(Thumbnail { mime_type: mime.to_owned(), size: bytes.len() as u64, sha256 })
    }

    /// The first bytes of a file.
    async fn bytes(&self, id: AttachmentId, length: u64) -> Result<Vec<u8>, BlobError> {
        if length == 0 {
            return Ok(Vec::new());
        }
        let chunks: Vec<Bytes> = self.blobs.read(BlobKey::File(id), 0..length).await?.try_collect().await?;
        Ok(chunks.concat())
    }

    async fn hash_of_kept(&self, id: AttachmentId, size: u64) -> Result<String, BlobError> {
        let mut hash = Sha256::new();
        if size > 0 {
            let mut chunks = self.blobs.read(BlobKey::File(id), 0..size).await?;
            while let Some(chunk) = chunks.try_next().await? {
                hash.update(&chunk);
            }
        }
        Ok(hex::encode(hash.finalize()))
    }
}
