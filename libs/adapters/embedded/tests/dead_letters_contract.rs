//! `EmbeddedStore` keeps every promise about dead letters. Each check has a file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::{DeadLetters, dead_letters_contract};
use eventflow_protocol::dead_letters::DeadLetterId;
use std::sync::Arc;
use support::File;

#[async_trait]
impl dead_letters_contract::Harness for File {
    async fn open(&self) -> Arc<dyn DeadLetters> {
        Arc::new(self.store().await)
    }

    async fn spoil(&self, id: DeadLetterId) {
        let spoil = "UPDATE dead_letter SET letter = 'of somebody else', cause = 'theirs' WHERE id = ?1";
        let spoilt = self.database().write(move |tx| tx.execute(spoil, [id.to_string()])).await;
        assert_eq!(spoilt.expect("write"), 1);
    }
}

#[tokio::test]
async fn a_letter_is_kept_once_and_joined_when_it_fails_again() {
    dead_letters_contract::a_letter_is_kept_once_and_joined_when_it_fails_again(&File::new()).await;
}

#[tokio::test]
async fn a_large_body_is_kept_whole() {
    dead_letters_contract::a_large_body_is_kept_whole(&File::new()).await;
}

#[tokio::test]
async fn letters_are_listed_counted_and_grouped() {
    dead_letters_contract::letters_are_listed_counted_and_grouped(&File::new()).await;
}

#[tokio::test]
async fn letters_are_counted_by_queue_and_cause() {
    dead_letters_contract::letters_are_counted_by_queue_and_cause(&File::new()).await;
}

#[tokio::test]
async fn what_is_no_letter_is_passed_over() {
    dead_letters_contract::what_is_no_letter_is_passed_over(&File::new()).await;
}

#[tokio::test]
async fn a_letter_changes_once() {
    dead_letters_contract::a_letter_changes_once(&File::new()).await;
}

#[tokio::test]
async fn ended_letters_are_forgotten_and_waiting_ones_are_not() {
    dead_letters_contract::ended_letters_are_forgotten_and_waiting_ones_are_not(&File::new()).await;
}

#[tokio::test]
async fn a_replay_is_resumed_where_it_was() {
    dead_letters_contract::a_replay_is_resumed_where_it_was(&File::new()).await;
}

#[tokio::test]
async fn the_audit_log_only_grows() {
    dead_letters_contract::the_audit_log_only_grows(&File::new()).await;
}
