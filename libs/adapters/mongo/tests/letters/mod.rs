//! Dead letters on a real MongoDB honour their contract.

use crate::support::{run_with_dead_letters, run_with_uri};
use eventflow_mongo::MongoStore;
use eventflow_ports::{DeadLetters, Kept, StoreError, dead_letters_contract};
use eventflow_protocol::Timestamp;
use eventflow_protocol::dead_letters::{Arrival, Carried, Cause, DeadLetterId};
use mongodb::Client;
use mongodb::bson::{Document, doc};
use uuid::Uuid;

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
async fn what_is_no_letter_is_passed_over() {
    run_with_dead_letters(dead_letters_contract::what_is_no_letter_is_passed_over).await;
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

#[tokio::test]
async fn a_letter_that_nobody_can_read_is_refused_alone() {
    run_with_uri(async |uri| {
        let store = MongoStore::connect(uri).await.unwrap();
        let (spoilt, whole) = (arrival(1, 1), arrival(2, 1));
        store.keep_letters(std::slice::from_ref(&spoilt)).await.unwrap();
        let client = Client::with_uri_str(uri).await.unwrap();
        let letters = client.default_database().unwrap().collection::<Document>("deadLetters");
        let of_somebody_else = doc! { "$set": { "letter": "{}" } };
        letters.update_one(doc! { "_id": spoilt.id.to_string() }, of_somebody_else).await.unwrap();
        let again = store.keep_letters(&[arrival(1, 2)]).await;
        // An outage would stop the queue of the letter until somebody mends the document.
        assert!(matches!(again, Err(StoreError::Refused { .. })), "{again:?}");
        assert_eq!(store.keep_letters(&[whole]).await.unwrap(), [Kept::New]);
    })
    .await;
}

fn arrival(number: u128, at: i64) -> Arrival {
    Arrival {
        id: DeadLetterId::of_envelope(Carried::WindowJob, Uuid::from_u128(number)),
        queue: "email".to_owned(),
        origin: "email".to_owned(),
        kind: None,
        cause: Cause::Refused,
        reason: "no".to_owned(),
        attempts: 1,
        body: "{}".into(),
        at: Timestamp(at),
    }
}
