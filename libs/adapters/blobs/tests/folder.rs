//! `FolderBlobs` keeps every promise about the bytes of files.

use async_trait::async_trait;
use eventflow_blobs::FolderBlobs;
use eventflow_ports::{Blobs, blobs_contract};
use std::sync::Arc;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("make a folder"))
    }
}

#[async_trait]
impl blobs_contract::Harness for Folder {
    async fn open(&self) -> Arc<dyn Blobs> {
        Arc::new(FolderBlobs::open(&self.0.path().join("files")).expect("open the folder"))
    }
}

#[tokio::test]
async fn a_blob_is_what_was_appended() {
    blobs_contract::a_blob_is_what_was_appended(&Folder::new()).await;
}

#[tokio::test]
async fn an_append_that_was_not_stored_is_done_again() {
    blobs_contract::an_append_that_was_not_stored_is_done_again(&Folder::new()).await;
}

#[tokio::test]
async fn ranges_are_read_exactly() {
    blobs_contract::ranges_are_read_exactly(&Folder::new()).await;
}

#[tokio::test]
async fn what_is_removed_is_gone() {
    blobs_contract::what_is_removed_is_gone(&Folder::new()).await;
}
