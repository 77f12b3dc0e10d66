//! Dead letters on a real MongoDB honour their contract.

use crate::support::run_with_dead_letters;
use eventflow_ports::dead_letters_contract;

#[tokio::test]
async fn a_letter_is_kept_once_and_joined_when_it_fails_again() {
    run_with_dead_letters(dead_letters_contract::a_letter_is_kept_once_and_joined_when_it_fails_again).await;
}

#[tokio::test]
async fn a_large_body_is_kept_whole() {
    run_with_dead_letters(dead_letters_contract::a_large_body_is_kept_whole).await;
}

#[tokio::test]
async fn letters_are_listed_counted_and_grouped() {
    run_with_dead_letters(dead_letters_contract::letters_are_listed_counted_and_grouped).await;
}

#[tokio::test]
async fn a_letter_changes_once() {
    run_with_dead_letters(dead_letters_contract::a_letter_changes_once).await;
}

#[tokio::test]
async fn ended_letters_are_forgotten_and_waiting_ones_are_not() {
    run_with_dead_letters(dead_letters_contract::ended_letters_are_forgotten_and_waiting_ones_are_not).await;
}

#[tokio::test]
async fn a_replay_is_resumed_where_it_was() {
    run_with_dead_letters(dead_letters_contract::a_replay_is_resumed_where_it_was).await;
}

#[tokio::test]
async fn the_audit_log_only_grows() {
    run_with_dead_letters(dead_letters_contract::the_audit_log_only_grows).await;
}
