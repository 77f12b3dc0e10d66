//! Search on a real MongoDB honours its contract.

use crate::support::run_with_search;
use eventflow_ports::search_contract;

#[tokio::test]
async fn a_message_is_found_with_a_block_and_without() {
    run_with_search(search_contract::a_message_is_found_with_a_block_and_without).await;
}

#[tokio::test]
async fn only_the_people_of_a_thread_find_its_messages() {
    run_with_search(search_contract::only_the_people_of_a_thread_find_its_messages).await;
}

#[tokio::test]
async fn edits_and_deletions_count_at_once() {
    run_with_search(search_contract::edits_and_deletions_count_at_once).await;
}

#[tokio::test]
async fn what_is_found_is_what_reading_everything_finds() {
    run_with_search(search_contract::what_is_found_is_what_reading_everything_finds).await;
}

#[tokio::test]
async fn pages_stay_where_they_were() {
    run_with_search(search_contract::pages_stay_where_they_were).await;
}

#[tokio::test]
async fn an_older_store_is_indexed_step_by_step() {
    run_with_search(search_contract::an_older_store_is_indexed_step_by_step).await;
}

#[tokio::test]
async fn a_late_block_takes_nothing_away() {
    run_with_search(search_contract::a_late_block_takes_nothing_away).await;
}
