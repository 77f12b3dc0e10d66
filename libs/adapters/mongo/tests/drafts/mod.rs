//! Drafts on a real MongoDB honour their contract.

use crate::support::run_with_drafts;
use eventflow_ports::drafts_contract;

#[tokio::test]
async fn a_draft_is_stored_as_it_was_saved() {
    run_with_drafts(drafts_contract::a_draft_is_stored_as_it_was_saved).await;
}

#[tokio::test]
async fn revisions_count_over_deletions() {
    run_with_drafts(drafts_contract::revisions_count_over_deletions).await;
}

#[tokio::test]
async fn a_save_overwrites_no_newer_draft() {
    run_with_drafts(drafts_contract::a_save_overwrites_no_newer_draft).await;
}

#[tokio::test]
async fn of_two_saves_at_once_none_is_lost_unseen() {
    run_with_drafts(drafts_contract::of_two_saves_at_once_none_is_lost_unseen).await;
}

#[tokio::test]
async fn a_repeated_save_changes_nothing() {
    run_with_drafts(drafts_contract::a_repeated_save_changes_nothing).await;
}

#[tokio::test]
async fn pages_of_drafts_show_each_once() {
    run_with_drafts(drafts_contract::pages_of_drafts_show_each_once).await;
}

#[tokio::test]
async fn a_person_has_so_many_drafts() {
    run_with_drafts(drafts_contract::a_person_has_so_many_drafts).await;
}
