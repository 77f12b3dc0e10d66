//! Concurrent writers: two writers on the same threads store every message once, without gaps, each in its
//! own order.

use super::Harness;
use super::fixtures::{Scene, again, history, ids, present};
use crate::store::{Appended, NewMessage, Store};
use eventflow_protocol::MessageId;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::JoinSet;

const WRITERS: usize = 2;
const BATCHES: usize = 12;
const BATCH: usize = 25;
const THREADS: usize = 3;

/// Each writer has messages of its own, and the threads interleave them.
pub async fn two_writers_leave_no_gap_and_keep_their_order(harness: &dyn Harness) {
    let setup = harness.open().await;
    let scenes = scenes(&*setup).await;
    let mut writing = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, batches) = (harness.open().await, batches(&scenes));
        writing.spawn(async move { (write(store, &batches).await, batches) });
    }
    let mut expected: HashMap<_, usize> = HashMap::new();
    let done = writing.join_all().await;
    for (answers, batches) in &done {
        for (answer, new) in answers.iter().zip(batches.iter().flatten()) {
            assert!(matches!(answer, Appended::Stored(_)), "nobody else had this message: {answer:?}");
            *expected.entry(new.send.thread_id).or_default() += 1;
        }
    }
    for scene in &scenes {
        let order: Vec<MessageId> =
            history(&*setup, scene.thread).await.iter().map(|message| message.id).collect();
        assert_eq!(order.len(), expected[&scene.thread], "every message is there once");
        for (_, batches) in &done {
            expect_in_order(&order, &of_thread(batches, scene));
        }
    }
}

/// Both writers get the same batches, as when a consumer is believed dead and is not.
pub async fn two_writers_with_the_same_batches_store_them_once(harness: &dyn Harness) {
    let setup = harness.open().await;
    let scenes = scenes(&*setup).await;
    let first = batches(&scenes);
    let mut writing = JoinSet::new();
    for batches in [first.clone(), first.iter().map(|batch| again(batch)).collect()] {
        let store = harness.open().await;
        writing.spawn(async move { write(store, &batches).await });
    }
    let done = writing.join_all().await;
    for (one, other) in done[0].iter().zip(&done[1]) {
        let stored = [one, other].iter().filter(|answer| matches!(answer, Appended::Stored(_))).count();
        assert_eq!(stored, 1, "exactly one of them stored it: {one:?} {other:?}");
        assert_eq!(present(one.clone()), present(other.clone()));
    }
    for scene in &scenes {
        let order: Vec<MessageId> =
            history(&*setup, scene.thread).await.iter().map(|message| message.id).collect();
        assert_eq!(order, ids(&of_thread(&first, scene)));
    }
}

async fn scenes(store: &dyn Store) -> Vec<Scene> {
    let mut scenes = Vec::new();
    for _ in 0..THREADS {
        scenes.push(Scene::with_people(store, 2).await);
    }
    scenes
}

fn batches(scenes: &[Scene]) -> Vec<Vec<NewMessage>> {
    let batch = |b: usize| {
        (0..BATCH).map(|i| scenes[(b + i * i) % scenes.len()].say(i % 2, &format!("{b}/{i}"))).collect()
    };
    (0..BATCHES).map(batch).collect()
}

async fn write(store: Arc<dyn Store>, batches: &[Vec<NewMessage>]) -> Vec<Appended> {
    let mut answers = Vec::new();
    for batch in batches {
        answers.extend(store.append_messages(batch).await.expect("append beside another writer"));
    }
    answers
}

fn of_thread(batches: &[Vec<NewMessage>], scene: &Scene) -> Vec<NewMessage> {
    batches.iter().flatten().filter(|new| new.send.thread_id == scene.thread).cloned().collect()
}

fn expect_in_order(order: &[MessageId], sent: &[NewMessage]) {
    let mine = ids(sent);
    let found: Vec<_> = order.iter().filter(|id| mine.contains(id)).copied().collect();
    assert_eq!(found, mine, "a writer's messages stand in the order it wrote them");
}
