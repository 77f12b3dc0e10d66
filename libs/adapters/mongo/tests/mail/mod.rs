//! The suppression list and the outbox on a real MongoDB honour their contracts.

use crate::support::{run_with_outbox, run_with_suppressions};
use eventflow_ports::{outbox_contract, suppressions_contract};

#[tokio::test]
async fn a_suppressed_address_is_found_in_every_case() {
    run_with_suppressions(suppressions_contract::a_suppressed_address_is_found_in_every_case).await;
}

#[tokio::test]
async fn suppressing_again_changes_nothing() {
    run_with_suppressions(suppressions_contract::suppressing_again_changes_nothing).await;
}

#[tokio::test]
async fn of_two_changes_the_one_that_comes_later_counts() {
    run_with_suppressions(suppressions_contract::of_two_changes_the_one_that_comes_later_counts).await;
}

#[tokio::test]
async fn pages_of_suppressions_show_each_once() {
    run_with_suppressions(suppressions_contract::pages_of_suppressions_show_each_once).await;
}

#[tokio::test]
async fn an_item_comes_back_unchanged_and_once() {
    run_with_outbox(outbox_contract::an_item_comes_back_unchanged_and_once).await;
}

#[tokio::test]
async fn the_oldest_items_go() {
    run_with_outbox(outbox_contract::the_oldest_items_go).await;
}
