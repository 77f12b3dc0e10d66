//! Blocks between people honour their contract.

use crate::support::run_with_blocks;
use eventflow_ports::blocks_contract;

#[tokio::test]
async fn a_block_holds_until_it_ends() {
    run_with_blocks(blocks_contract::a_block_holds_until_it_ends).await;
}

#[tokio::test]
async fn a_repeated_change_undoes_nothing() {
    run_with_blocks(blocks_contract::a_repeated_change_undoes_nothing).await;
}

#[tokio::test]
async fn a_person_blocks_so_many() {
    run_with_blocks(blocks_contract::a_person_blocks_so_many).await;
}

#[tokio::test]
async fn a_thread_of_two_is_away_for_who_blocks() {
    run_with_blocks(blocks_contract::a_thread_of_two_is_away_for_who_blocks).await;
}

#[tokio::test]
async fn leaving_brings_no_thread_back() {
    run_with_blocks(blocks_contract::leaving_brings_no_thread_back).await;
}

#[tokio::test]
async fn a_group_is_away_for_whom_the_blocked_brings_in() {
    run_with_blocks(blocks_contract::a_group_is_away_for_whom_the_blocked_brings_in).await;
}

#[tokio::test]
async fn pages_skip_threads_that_are_away() {
    run_with_blocks(blocks_contract::pages_skip_threads_that_are_away).await;
}

#[tokio::test]
async fn who_is_blocked_mentions_nobody() {
    run_with_blocks(blocks_contract::who_is_blocked_mentions_nobody).await;
}

#[tokio::test]
async fn whoever_is_blocked_goes_on() {
    run_with_blocks(blocks_contract::whoever_is_blocked_goes_on).await;
}
