//! Records of uploaded files on a real MongoDB honour their contract.

use crate::support::run_with_uploads;
use eventflow_ports::uploads_contract;

#[tokio::test]
async fn an_upload_is_stored_as_it_was_given() {
    run_with_uploads(uploads_contract::an_upload_is_stored_as_it_was_given).await;
}

#[tokio::test]
async fn a_write_overwrites_no_newer_one() {
    run_with_uploads(uploads_contract::a_write_overwrites_no_newer_one).await;
}

#[tokio::test]
async fn changes_at_once_are_all_made() {
    run_with_uploads(uploads_contract::changes_at_once_are_all_made).await;
}

#[tokio::test]
async fn a_message_finds_its_files() {
    run_with_uploads(uploads_contract::a_message_finds_its_files).await;
}

#[tokio::test]
async fn usage_counts_what_is_there() {
    run_with_uploads(uploads_contract::usage_counts_what_is_there).await;
}

#[tokio::test]
async fn what_is_due_comes_in_order() {
    run_with_uploads(uploads_contract::what_is_due_comes_in_order).await;
}
