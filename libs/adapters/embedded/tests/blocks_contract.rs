//! `EmbeddedStore` keeps every promise about blocks between people. Each check has a file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::blocks_contract::{self, BlockStore};
use std::sync::Arc;
use support::File;

#[async_trait]
impl blocks_contract::Harness for File {
    async fn open(&self) -> Arc<dyn BlockStore> {
        Arc::new(self.store().await)
    }
}

#[tokio::test]
async fn a_block_holds_until_it_ends() {
    blocks_contract::a_block_holds_until_it_ends(&File::new()).await;
}

#[tokio::test]
async fn a_repeated_change_undoes_nothing() {
    blocks_contract::a_repeated_change_undoes_nothing(&File::new()).await;
}

#[tokio::test]
async fn a_person_blocks_so_many() {
    blocks_contract::a_person_blocks_so_many(&File::new()).await;
}

#[tokio::test]
async fn a_thread_of_two_is_away_for_who_blocks() {
    blocks_contract::a_thread_of_two_is_away_for_who_blocks(&File::new()).await;
}

#[tokio::test]
async fn leaving_brings_no_thread_back() {
    blocks_contract::leaving_brings_no_thread_back(&File::new()).await;
}

#[tokio::test]
async fn a_group_is_away_for_whom_the_blocked_brings_in() {
    blocks_contract::a_group_is_away_for_whom_the_blocked_brings_in(&File::new()).await;
}

#[tokio::test]
async fn pages_skip_threads_that_are_away() {
    blocks_contract::pages_skip_threads_that_are_away(&File::new()).await;
}

#[tokio::test]
async fn who_is_blocked_mentions_nobody() {
    blocks_contract::who_is_blocked_mentions_nobody(&File::new()).await;
}

#[tokio::test]
async fn whoever_is_blocked_goes_on() {
    blocks_contract::whoever_is_blocked_goes_on(&File::new()).await;
}
