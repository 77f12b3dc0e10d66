//! `EmbeddedStore` keeps every promise about search. Each check has a file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::{SearchIndex, Store, search_contract};
use std::sync::Arc;
use support::File;

#[async_trait]
impl search_contract::Harness for File {
    async fn open(&self) -> (Arc<dyn Store>, Arc<dyn SearchIndex>) {
        let store = Arc::new(self.store().await);
        (Arc::clone(&store) as _, store)
    }
}

#[tokio::test]
async fn a_message_is_found_with_a_block_and_without() {
    search_contract::a_message_is_found_with_a_block_and_without(&File::new()).await;
}

#[tokio::test]
async fn only_the_people_of_a_thread_find_its_messages() {
    search_contract::only_the_people_of_a_thread_find_its_messages(&File::new()).await;
}

#[tokio::test]
async fn edits_and_deletions_count_at_once() {
    search_contract::edits_and_deletions_count_at_once(&File::new()).await;
}

#[tokio::test]
async fn what_is_found_is_what_reading_everything_finds() {
    search_contract::what_is_found_is_what_reading_everything_finds(&File::new()).await;
}

#[tokio::test]
async fn pages_stay_where_they_were() {
    search_contract::pages_stay_where_they_were(&File::new()).await;
}

#[tokio::test]
async fn an_older_store_is_indexed_step_by_step() {
    search_contract::an_older_store_is_indexed_step_by_step(&File::new()).await;
}

#[tokio::test]
async fn a_late_block_takes_nothing_away() {
    search_contract::a_late_block_takes_nothing_away(&File::new()).await;
}
