//! `EmbeddedStore` keeps every promise about drafts. Each check has a file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::{Drafts, drafts_contract};
use std::sync::Arc;
use support::File;

#[async_trait]
impl drafts_contract::Harness for File {
    async fn open(&self) -> Arc<dyn Drafts> {
        Arc::new(self.store().await)
    }
}

#[tokio::test]
async fn a_draft_is_stored_as_it_was_saved() {
    drafts_contract::a_draft_is_stored_as_it_was_saved(&File::new()).await;
}

#[tokio::test]
async fn revisions_count_over_deletions() {
    drafts_contract::revisions_count_over_deletions(&File::new()).await;
}

#[tokio::test]
async fn a_save_overwrites_no_newer_draft() {
    drafts_contract::a_save_overwrites_no_newer_draft(&File::new()).await;
}

#[tokio::test]
async fn of_two_saves_at_once_none_is_lost_unseen() {
    drafts_contract::of_two_saves_at_once_none_is_lost_unseen(&File::new()).await;
}

#[tokio::test]
async fn a_repeated_save_changes_nothing() {
    drafts_contract::a_repeated_save_changes_nothing(&File::new()).await;
}

#[tokio::test]
async fn pages_of_drafts_show_each_once() {
    drafts_contract::pages_of_drafts_show_each_once(&File::new()).await;
}

#[tokio::test]
async fn a_person_has_so_many_drafts() {
    drafts_contract::a_person_has_so_many_drafts(&File::new()).await;
}
