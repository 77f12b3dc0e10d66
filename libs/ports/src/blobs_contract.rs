//! The contract of every [`Blobs`], as checks that an adapter's tests call.

use crate::blobs::{BlobError, BlobKey, Blobs, PART_BYTES};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_protocol::AttachmentId;
use eventflow_protocol::uploads::Staged;
use futures_util::TryStreamExt;
use std::sync::Arc;

/// Gives the suite access to the blobs under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens the same blobs once more, as another process would.
    async fn open(&self) -> Arc<dyn Blobs>;
}

/// A blob is what was appended, in pieces of any size, by several processes in turn.
pub async fn a_blob_is_what_was_appended(harness: &dyn Harness) {
    for sizes in [
        &[][..],
        &[1],
        &[PART_BYTES],
        &[3, 5, 7],
        &[PART_BYTES, 1],
        &[PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 10],
        &[10, PART_BYTES, 20, PART_BYTES, PART_BYTES],
    ] {
        let id = AttachmentId::fresh();
        let (staged, expected) = append_all(harness, id, sizes).await;
        let blobs = harness.open().await;
        assert_eq!(staged.length, expected.len() as u64);
        assert!(is_none(&*blobs, BlobKey::File(id)).await, "it is not whole yet");
        blobs.complete(id, &staged).await.expect("complete");
        assert!(whole(&*harness.open().await, id, expected.len()).await == expected, "{sizes:?}");
        harness.open().await.complete(id, &staged).await.expect("complete again");
        assert!(whole(&*blobs, id, expected.len()).await == expected, "{sizes:?} again");
        blobs.remove(id, &staged).await.expect("remove");
    }
}

/// An append whose outcome was lost is done again over itself, also with other lengths.
pub async fn an_append_that_was_not_stored_is_done_again(harness: &dyn Harness) {
    let (id, blobs) = (AttachmentId::fresh(), harness.open().await);
    let mut staged = Staged::default();
    let mut expected = Vec::new();
    for (lost, kept) in [(7, 5), (PART_BYTES, 3), (PART_BYTES + 9, PART_BYTES), (4, PART_BYTES)] {
        blobs.append(id, &staged, pattern(0xEE, lost)).await.expect("append");
        let bytes = pattern(expected.len(), kept);
        staged = harness.open().await.append(id, &staged, bytes.clone()).await.expect("append");
        expected.extend_from_slice(&bytes);
    }
    blobs.append(id, &staged, pattern(0xEE, 100)).await.expect("append");
    blobs.complete(id, &staged).await.expect("complete");
    assert!(whole(&*blobs, id, expected.len()).await == expected);
    blobs.remove(id, &staged).await.expect("remove");
}

/// Ranges are read exactly.
pub async fn ranges_are_read_exactly(harness: &dyn Harness) {
    let id = AttachmentId::fresh();
    let (staged, expected) = append_all(harness, id, &[PART_BYTES, 1_000]).await;
    let blobs = harness.open().await;
    blobs.complete(id, &staged).await.expect("complete");
    let length = expected.len();
    for range in [0..1, 0..length, 5..10, length - 1..length, PART_BYTES - 3..PART_BYTES + 3] {
        let read = blobs.read(BlobKey::File(id), range.start as u64..range.end as u64).await.expect("read");
        let bytes: Vec<Bytes> = read.try_collect().await.expect("read on");
        assert!(bytes.concat() == expected[range.clone()], "{range:?}");
    }
    blobs.remove(id, &staged).await.expect("remove");
}

/// What is removed is gone with its small picture, complete or not, and removing it again is no error.
pub async fn what_is_removed_is_gone(harness: &dyn Harness) {
    let blobs = harness.open().await;
    for is_complete in [false, true] {
        let id = AttachmentId::fresh();
        let (staged, _) = append_all(harness, id, &[PART_BYTES, 10]).await;
        if is_complete {
            blobs.complete(id, &staged).await.expect("complete");
        }
        blobs.put(BlobKey::Thumbnail(id), Bytes::from_static(b"small")).await.expect("put");
        let small = blobs.read(BlobKey::Thumbnail(id), 0..5).await.expect("read");
        assert_eq!(small.try_collect::<Vec<Bytes>>().await.expect("read on").concat(), b"small");
        for _ in 0..2 {
            harness.open().await.remove(id, &staged).await.expect("remove");
            assert!(is_none(&*blobs, BlobKey::File(id)).await);
            assert!(is_none(&*blobs, BlobKey::Thumbnail(id)).await);
        }
    }
    blobs.remove(AttachmentId::fresh(), &Staged::default()).await.expect("remove nothing");
}

async fn append_all(harness: &dyn Harness, id: AttachmentId, sizes: &[usize]) -> (Staged, Vec<u8>) {
    let (mut staged, mut expected) = (Staged::default(), Vec::new());
    for size in sizes {
        let bytes = pattern(expected.len(), *size);
        staged = harness.open().await.append(id, &staged, bytes.clone()).await.expect("append");
        expected.extend_from_slice(&bytes);
    }
    (staged, expected)
}

/// Bytes that say where they are.
fn pattern(from: usize, length: usize) -> Bytes {
    (from..from + length).map(|at| u8::try_from(at % 251).expect("it is below 251")).collect()
}

async fn whole(blobs: &dyn Blobs, id: AttachmentId, length: usize) -> Vec<u8> {
    if length == 0 {
        return Vec::new();
    }
    let read = blobs.read(BlobKey::File(id), 0..length as u64).await.expect("read");
    read.try_collect::<Vec<Bytes>>().await.expect("read on").concat()
}

async fn is_none(blobs: &dyn Blobs, key: BlobKey) -> bool {
    match blobs.read(key, 0..1).await {
        Err(BlobError::NotFound { .. }) => true,
        Ok(_) | Err(BlobError::Unavailable { .. }) => false,
    }
}
