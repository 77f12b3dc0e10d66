//! `EmbeddedStore` keeps every promise about records of uploaded files. Each check has a file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::{Uploads, uploads_contract};
use std::sync::Arc;
use support::File;

#[async_trait]
impl uploads_contract::Harness for File {
    async fn open(&self) -> Arc<dyn Uploads> {
        Arc::new(self.store().await)
    }
}

#[tokio::test]
async fn an_upload_is_stored_as_it_was_given() {
    uploads_contract::an_upload_is_stored_as_it_was_given(&File::new()).await;
}

#[tokio::test]
async fn a_write_overwrites_no_newer_one() {
    uploads_contract::a_write_overwrites_no_newer_one(&File::new()).await;
}

#[tokio::test]
async fn changes_at_once_are_all_made() {
    uploads_contract::changes_at_once_are_all_made(&File::new()).await;
}

#[tokio::test]
async fn a_message_finds_its_files() {
    uploads_contract::a_message_finds_its_files(&File::new()).await;
}

#[tokio::test]
async fn usage_counts_what_is_there() {
    uploads_contract::usage_counts_what_is_there(&File::new()).await;
}

#[tokio::test]
async fn what_is_due_comes_in_order() {
    uploads_contract::what_is_due_comes_in_order(&File::new()).await;
}
