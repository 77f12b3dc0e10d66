//! `BucketBlobs` keeps every promise about the bytes of files, on the S3 server that
//! `ATTACHMENTS_S3_ENDPOINT` names (tests/services has none: `python3 -m moto.server` does, see `tests/s3`).

use async_trait::async_trait;
use bytes::Bytes;
use eventflow_blobs::{BucketBlobs, BucketSettings};
use eventflow_ports::{BlobError, BlobKey, Blobs, blobs_contract};
use eventflow_protocol::AttachmentId;
use eventflow_protocol::uploads::Staged;
use std::sync::Arc;

struct Bucket;

#[async_trait]
impl blobs_contract::Harness for Bucket {
    async fn open(&self) -> Arc<dyn Blobs> {
        Arc::new(BucketBlobs::open(&settings().expect("a server is named")).expect("open the bucket"))
    }
}

#[allow(clippy::disallowed_methods, reason = "tests are told by the environment what to test")]
fn settings() -> Option<BucketSettings> {
    let named = |name| std::env::var(name).ok();
    Some(BucketSettings {
        url: "s3://eventflow/contract".to_owned(),
        endpoint: named("ATTACHMENTS_S3_ENDPOINT")?,
        access_key_id: named("AWS_ACCESS_KEY_ID")?,
        secret_access_key: named("AWS_SECRET_ACCESS_KEY")?,
        ..BucketSettings::default()
    })
}

/// What was kept apart until the file was whole is gone with that, or the file would be there twice.
#[tokio::test]
async fn a_file_in_a_bucket_is_there_once() {
    let Some(settings) = settings() else { return };
    let blobs = BucketBlobs::open(&settings).unwrap();
    let id = AttachmentId::fresh();
    let staged = blobs.append(id, &Staged::default(), Bytes::from_static(b"a few bytes")).await.unwrap();
    blobs.complete(id, &staged).await.unwrap();
    blobs.complete(id, &staged).await.expect("complete again");
    let more = blobs.append(id, &staged, Bytes::from_static(b"and more")).await;
    assert!(matches!(more, Err(BlobError::NotFound { .. })), "{more:?}");
}

/// The server checks signatures, so that the test above says something about ours.
#[tokio::test]
async fn a_bucket_takes_nothing_that_another_key_has_signed() {
    let Some(settings) = settings() else { return };
    let forged = BucketSettings { secret_access_key: "another".to_owned(), ..settings };
    let bucket = BucketBlobs::open(&forged).unwrap();
    let refused = bucket.put(BlobKey::Thumbnail(AttachmentId::fresh()), Bytes::from_static(b"x")).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_blob_in_a_bucket_keeps_every_promise() {
    if settings().is_none() {
        // Without a server there is nothing to ask.
        return;
    }
    blobs_contract::a_blob_is_what_was_appended(&Bucket).await;
    blobs_contract::an_append_that_was_not_stored_is_done_again(&Bucket).await;
    blobs_contract::ranges_are_read_exactly(&Bucket).await;
    blobs_contract::what_is_removed_is_gone(&Bucket).await;
}
