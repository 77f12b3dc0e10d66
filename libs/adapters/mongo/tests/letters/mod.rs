//! Dead letters on a real MongoDB honour their contract.

use crate::support::{run_with_dead_letters, run_with_uri};
use eventflow_mongo::MongoStore;
use eventflow_ports::{DeadLetters, Kept, StoreError, dead_letters_contract};
use eventflow_protocol::Timestamp;
use eventflow_protocol::dead_letters::{
    Arrival, AuditEntry, Carried, Cause, DeadLetterId, LetterState, ReplayId,
};
use futures_util::TryStreamExt;
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
async fn letters_are_counted_by_queue_and_cause() {
    run_with_dead_letters(dead_letters_contract::letters_are_counted_by_queue_and_cause).await;
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

/// The server says itself what each count has read.
#[tokio::test]
async fn counts_that_are_asked_for_again_and_again_read_no_document() {
    run_with_uri(async |uri| {
        let store = MongoStore::connect(uri).await.unwrap();
        store.keep_letters(&(1..=20).map(|number| arrival(number, 1)).collect::<Vec<_>>()).await.unwrap();
        let replay = ReplayId::new();
        let by = || ("root".parse().unwrap(), "mended".to_owned());
        let sent = |number| AuditEntry::of_replayed(replay, arrival(number, 1).id, by(), None, Timestamp(2));
        store.record_audit(&(1..=20).map(sent).collect::<Vec<_>>()).await.unwrap();
        let client = Client::with_uri_str(uri).await.unwrap();
        let database = client.default_database().unwrap();
        database.run_command(doc! { "profile": 2 }).await.unwrap();
        assert_eq!(store.letter_counts(LetterState::Waiting).await.unwrap()[0].count, 20);
        assert_eq!(store.replay_counts(replay).await.unwrap().replayed, 20);
        database.run_command(doc! { "profile": 0 }).await.unwrap();
        let counts = doc! { "command.aggregate": { "$in": ["deadLetters", "audit"] } };
        let done = database.collection::<Document>("system.profile").find(counts).await.unwrap();
        let done: Vec<Document> = done.try_collect().await.unwrap();
        assert_eq!(done.len(), 2, "{done:?}");
        for count in done {
            let examined = ["keysExamined", "docsExamined"].map(|field| count.get_i32(field).unwrap());
            assert!(examined[0] >= 20 && examined[1] == 0, "{examined:?} in {count}");
        }
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
