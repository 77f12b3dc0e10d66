//! The file cannot take more, or is closed: callers hear that the store is unavailable, and nothing is half
//! stored.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_ports::store_contract::fixtures::{
    Scene, again, append, at, creation, expect_history, fresh_people, present, unread,
};
use eventflow_ports::{Directory, Inbox, NewMessage, Store, StoreError};
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::inbox::{Preferences, SetPreferences};
use eventflow_protocol::preferences::{ChangePreferences, PreferencesChange};
use eventflow_protocol::{CommandId, UserId};

/// Messages in a batch: more than one page of the file.
const BATCH: usize = 200;

/// Lets the file grow to `pages`, or, below its size, no further.
async fn limit_pages(database: &Database, pages: u32) {
    let set = database.write(move |tx| tx.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())));
    set.await.unwrap();
}

fn is_unavailable<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable { .. }))
}

fn preferences(user: &UserId) -> SetPreferences {
    SetPreferences { user_id: user.clone(), preferences: Preferences::default() }
}

#[tokio::test]
async fn a_full_disk_makes_callers_wait_and_a_batch_it_hit_is_stored_once_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_in(folder.path()).unwrap();
    let store = EmbeddedStore::open(database.clone()).await.unwrap();
    let scene = Scene::with_people(&store, 2).await;
    limit_pages(&database, 1).await;

    let mut sent: Vec<NewMessage> = Vec::new();
    let hit = loop {
        let batch = scene.talk(BATCH);
        let answer = store.append_messages(&batch).await;
        if answer.is_err() {
            assert!(is_unavailable(&answer), "{answer:?}");
            break batch;
        }
        sent.extend(batch);
        assert!(sent.len() < 100 * BATCH, "the limit has no effect");
    };
    expect_history(&store, scene.thread, &sent).await;
    assert_eq!(
        unread(&store, &scene).await,
        [sent.len() as u64 / 2; 2],
        "counters are undone with the batch"
    );

    limit_pages(&database, u32::MAX - 1).await;
    let answers = store.append_messages(&again(&hit)).await.unwrap();
    assert_eq!(answers.into_iter().map(present).last().unwrap().seq, (sent.len() + BATCH) as u64);
    sent.extend(hit);
    expect_history(&store, scene.thread, &sent).await;
}

#[tokio::test]
async fn a_closed_file_is_unavailable_for_every_operation_that_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_in(folder.path()).unwrap();
    let store = EmbeddedStore::open(database.clone()).await.unwrap();
    let scene = Scene::with_people(&store, 2).await;
    database.close().await;
    assert!(is_unavailable(&store.append_messages(&scene.talk(1)).await));
    assert!(is_unavailable(&store.create_thread(&creation(&fresh_people(2), 0)).await));
    assert!(is_unavailable(&store.thread(scene.thread).await));
    assert!(is_unavailable(&store.thread_view(scene.thread, &scene.people[0]).await));
    assert!(is_unavailable(&store.participants(&[scene.thread]).await));
    assert!(is_unavailable(&store.change_messages(&[]).await));
    let read = AdvanceCursor {
        thread_id: scene.thread,
        user_id: scene.people[0].clone(),
        cursor: Cursor::Read,
        up_to: Some(1),
        at: at(50),
    };
    assert!(is_unavailable(&store.advance(&[read]).await));
    assert!(is_unavailable(&store.message(CommandId::new().into()).await));
    assert!(is_unavailable(&store.unread_notifications(&scene.people[0]).await));
    assert!(is_unavailable(&store.set_preferences(&preferences(&scene.people[0])).await));
    let change = ChangePreferences {
        user_id: scene.people[0].clone(),
        change: PreferencesChange::StopMails,
        at: at(50),
    };
    assert!(is_unavailable(&store.change_preferences(&change).await));
    assert!(is_unavailable(&store.profiles(&scene.people).await));
    assert!(is_unavailable(&store.revocations(&scene.people[0]).await));
    assert!(is_unavailable(&store.ping().await));
}

#[tokio::test]
async fn what_was_stored_is_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_in(folder.path()).unwrap();
    let store = EmbeddedStore::open(database.clone()).await.unwrap();
    let scene = Scene::with_people(&store, 3).await;
    let batch = scene.talk(9);
    let messages = append(&store, &batch).await;
    database.close().await;

    let store = EmbeddedStore::open(Database::open_in(folder.path()).unwrap()).await.unwrap();
    assert_eq!(expect_history(&store, scene.thread, &batch).await, messages);
    assert_eq!(unread(&store, &scene).await, [6, 6, 6]);
}
