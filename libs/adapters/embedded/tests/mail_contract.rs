//! `EmbeddedStore` keeps every promise of the suppression list and of the outbox. Each check has a file of
//! its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::{Outbox, Suppressions, outbox_contract, suppressions_contract};
use std::sync::Arc;
use support::File;

#[async_trait]
impl suppressions_contract::Harness for File {
    async fn open(&self) -> Arc<dyn Suppressions> {
        Arc::new(self.store().await)
    }
}

#[async_trait]
impl outbox_contract::Harness for File {
    async fn open(&self) -> Arc<dyn Outbox> {
        Arc::new(self.store().await)
    }
}

#[tokio::test]
async fn a_suppressed_address_is_found_in_every_case() {
    suppressions_contract::a_suppressed_address_is_found_in_every_case(&File::new()).await;
}

#[tokio::test]
async fn suppressing_again_changes_nothing() {
    suppressions_contract::suppressing_again_changes_nothing(&File::new()).await;
}

#[tokio::test]
async fn of_two_changes_the_one_that_comes_later_counts() {
    suppressions_contract::of_two_changes_the_one_that_comes_later_counts(&File::new()).await;
}

#[tokio::test]
async fn pages_of_suppressions_show_each_once() {
    suppressions_contract::pages_of_suppressions_show_each_once(&File::new()).await;
}

#[tokio::test]
async fn an_item_comes_back_unchanged_and_once() {
    outbox_contract::an_item_comes_back_unchanged_and_once(&File::new()).await;
}

#[tokio::test]
async fn the_oldest_items_go() {
    outbox_contract::the_oldest_items_go(&File::new()).await;
}
