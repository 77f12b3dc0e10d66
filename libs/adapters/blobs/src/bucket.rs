//! Blobs in a bucket of S3, or of a server that speaks like it.
//!
//! Bytes that come become parts of a multipart upload. Fewer than a part may have are put beside it as an
//! object of their own, and begin the next part. Safe to repeat because a part replaces the one with its
//! number, and a completed upload is recognised by its object.

use crate::https::HyperConnector;
use crate::layout::{incoming, place};
use crate::{OpenError, failed, if_there};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use eventflow_ports::blobs::PART_BYTES;
use eventflow_ports::{BlobError, BlobKey, BlobStream, Blobs};
use eventflow_protocol::AttachmentId;
use eventflow_protocol::uploads::Staged;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{BackoffConfig, Error, GetOptions, ObjectStore as _, ObjectStoreExt as _, RetryConfig};
use std::ops::Range;
use std::time::Duration;

/// Retries of a request: what a server that is restarted needs, and less than a client waits.
const RETRIES_MAX: usize = 3;
/// Retry limit: no further try begins after this.
const RETRY_LIMIT: Duration = Duration::from_secs(8);

/// Which bucket, and how it is reached.
#[derive(Clone, Default)]
pub struct BucketSettings {
    /// `s3://bucket` or `s3://bucket/prefix`.
    pub url: String,
    /// The address of a server other than AWS, e.g. `http://minio:9000`; empty: AWS.
    pub endpoint: String,
    /// The region; empty: `us-east-1`.
    pub region: String,
    /// The key's id; empty: credentials of the instance.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: String,
    /// The token of temporary credentials; empty: none.
    pub session_token: String,
}

/// Blobs in a bucket.
#[derive(Debug)]
pub struct BucketBlobs {
    bucket: AmazonS3,
    prefix: String,
}

impl BucketBlobs {
    /// Opens the bucket, without asking the server.
    pub fn open(settings: &BucketSettings) -> Result<Self, OpenError> {
        let path = settings.url.strip_prefix("s3://").unwrap_or(&settings.url);
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let backoff = BackoffConfig { max_backoff: Duration::from_secs(2), ..BackoffConfig::default() };
        let retry = RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRY_LIMIT };
        let mut builder = AmazonS3Builder::new()
            .with_http_connector(HyperConnector)
            .with_retry(retry)
            .with_bucket_name(bucket)
            .with_allow_http(settings.endpoint.starts_with("http://"));
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        if let Some(endpoint) = given(&settings.endpoint) {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = given(&settings.region) {
            builder = builder.with_region(region);
        }
        if let (Some(id), Some(key)) = (given(&settings.access_key_id), given(&settings.secret_access_key)) {
            builder = builder.with_access_key_id(id).with_secret_access_key(key);
        }
        if let Some(token) = given(&settings.session_token) {
            builder = builder.with_token(token);
        }
        let bucket = builder.build().map_err(|error| OpenError(Box::new(error)))?;
        Ok(Self { bucket, prefix: prefix.trim_matches('/').to_owned() })
    }

    fn file(&self, id: AttachmentId) -> Path {
        place(&self.prefix, BlobKey::File(id))
    }

    fn tail(&self, id: AttachmentId) -> Path {
        incoming(&self.prefix, id)
    }

    /// The bytes that are kept apart, of which an append that nobody stored may have left more.
    async fn read_tail(&self, id: AttachmentId, staged: &Staged) -> Result<BytesMut, Error> {
        let mut tail = BytesMut::new();
        if staged.tail > 0 {
            let bytes = self.bucket.get_range(&self.tail(id), 0..staged.tail).await?;
            tail.extend_from_slice(&bytes);
        }
        Ok(tail)
    }

    async fn add_part(&self, id: AttachmentId, staged: &mut Staged, bytes: Bytes) -> Result<(), Error> {
        let path = self.file(id);
        let session = match staged.session.clone() {
            Some(session) => session,
            None => self.bucket.create_multipart(&path).await?,
        };
        let part = self.bucket.put_part(&path, &session, staged.parts.len(), bytes.into()).await?;
        staged.session = Some(session);
        staged.parts.push(part.content_id);
        staged.tail = 0;
        Ok(())
    }

    async fn append_to(&self, id: AttachmentId, staged: &Staged, bytes: Bytes) -> Result<Staged, Error> {
        let mut next = Staged { length: staged.length + bytes.len() as u64, ..staged.clone() };
        let bytes = if staged.tail == 0 {
            bytes
        } else {
            let mut whole = self.read_tail(id, staged).await?;
            whole.extend_from_slice(&bytes);
            whole.freeze()
        };
        if bytes.len() >= PART_BYTES {
            self.add_part(id, &mut next, bytes).await?;
        } else {
            next.tail = bytes.len() as u64;
            self.bucket.put(&self.tail(id), bytes.into()).await?;
        }
        Ok(next)
    }

    async fn publish(&self, id: AttachmentId, staged: &Staged) -> Result<(), Error> {
        let path = self.file(id);
        let tail = self.read_tail(id, staged).await?.freeze();
        if staged.session.is_none() {
            self.bucket.put(&path, tail.into()).await?;
            return Ok(());
        }
        let mut staged = staged.clone();
        if !tail.is_empty() {
            self.add_part(id, &mut staged, tail).await?;
        }
        let session = staged.session.unwrap_or_default();
        let parts = staged.parts.into_iter().map(|content_id| PartId { content_id }).collect();
        self.bucket.complete_multipart(&path, &session, parts).await.map(drop)
    }
}

#[async_trait]
impl Blobs for BucketBlobs {
    async fn append(&self, id: AttachmentId, staged: &Staged, bytes: Bytes) -> Result<Staged, BlobError> {
        self.append_to(id, staged, bytes).await.map_err(|error| failed("append to an object", error))
    }

    async fn complete(&self, id: AttachmentId, staged: &Staged) -> Result<(), BlobError> {
        let Err(error) = self.publish(id, staged).await else {
            // What an append that nobody stored has left goes, too.
            let removed = if_there("remove what was kept apart", self.bucket.delete(&self.tail(id)).await);
            if let Err(error) = removed {
                tracing::debug!(error = &error as &dyn std::error::Error, file = %id, "bytes stay twice");
            }
            return Ok(());
        };
        // The upload is not there any more after it was completed, nor is what was kept apart: a 404 of S3,
        // and a 500 of some servers that speak like it. Nothing but a completion makes the object.
        match self.bucket.head(&self.file(id)).await {
            Ok(object) if object.size == staged.length => Ok(()),
            Ok(_) | Err(_) => Err(failed("complete an object", error)),
        }
    }

    async fn put(&self, key: BlobKey, bytes: Bytes) -> Result<(), BlobError> {
        let written = self.bucket.put(&place(&self.prefix, key), bytes.into()).await;
        written.map(drop).map_err(|error| failed("write an object", error))
    }

    async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<BlobStream, BlobError> {
        const WHAT: &str = "read an object";
        let options = GetOptions::default().with_range(Some(range));
        let found = self.bucket.get_opts(&place(&self.prefix, key), options).await;
        let found = found.map_err(|error| failed(WHAT, error))?;
        Ok(found.into_stream().map_err(|error| failed(WHAT, error)).boxed())
    }

    async fn remove(&self, id: AttachmentId, staged: &Staged) -> Result<(), BlobError> {
        const WHAT: &str = "remove an object";
        if let Some(session) = &staged.session {
            if_there(WHAT, self.bucket.abort_multipart(&self.file(id), session).await)?;
        }
        for path in [self.tail(id), place(&self.prefix, BlobKey::Thumbnail(id)), self.file(id)] {
            if_there(WHAT, self.bucket.delete(&path).await)?;
        }
        Ok(())
    }
}
