//! `BucketBlobs` keeps every promise about the bytes of files, on the S3 server that
//! `ATTACHMENTS_S3_ENDPOINT` names (tests/services has none: `python3 -m moto.server` does, see `tests/s3`).

use async_trait::async_trait;
use eventflow_blobs::{BucketBlobs, BucketSettings};
use eventflow_ports::{Blobs, blobs_contract};
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
    let endpoint = std::env::var("ATTACHMENTS_S3_ENDPOINT").ok()?;
    Some(BucketSettings {
        url: "s3://eventflow/contract".to_owned(),
        endpoint,
        access_key_id: "test".to_owned(),
        secret_access_key: "test".to_owned(),
        ..BucketSettings::default()
    })
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
