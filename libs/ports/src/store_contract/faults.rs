//! Faults: the store goes away in the middle of a call. Callers learn it in time, nothing answered is lost,
//! and nothing is done twice.

use super::fixtures::{
    Scene, again, append, at, change, commanded, creation, expect_history, fresh_people, present, unread,
};
use super::{Fault, FaultHarness};
use crate::store::{ChangePage, MessagePage, NewMessage, Store, StoreError, WithCommandId};
use eventflow_protocol::CommandId;
use eventflow_protocol::change::{AdvanceCursor, ArchiveThread, Change, ChangeGroup, Cursor, GroupChange};
use eventflow_protocol::command::LeaveThread;
use eventflow_protocol::document::Message;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time within which the caller of an unavailable store gets an error.
pub const HEARD_WITHIN: Duration = Duration::from_secs(15);
/// Time within which a store that is back can be used.
pub const BACK_WITHIN: Duration = Duration::from_secs(20);
/// Pause between two attempts of a caller that waits for the store to come back.
const PAUSE: Duration = Duration::from_millis(100);
/// Duration of a passing fault: longer than a write takes and shorter than a caller waits.
const LASTS: Duration = Duration::from_millis(40);
/// Number of messages in a batch that the fault hits.
const BATCH: usize = 50;

/// Every operation fails as unavailable, in time.
pub async fn every_operation_fails_in_time(harness: &dyn FaultHarness, fault: Fault) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(1)).await;
    harness.suffer(fault).await;
    let page = MessagePage { before: None, after: None, since: 0, limit: 1 };
    let list = super::fixtures::first_threads(1);
    let create = creation(&fresh_people(2), 0);
    let batch = scene.talk(1);
    let ids = [scene.thread];
    let viewer = &scene.people[0];
    let changes = [change(&messages[0], viewer, Change::Delete, 1)];
    let (thread_id, user_id) = (scene.thread, viewer.clone());
    let wanted = ArchiveThread { thread_id, user_id: user_id.clone(), archived: true, at: at(1) };
    let archive = WithCommandId { command_id: CommandId::new(), wanted };
    let leave = commanded(LeaveThread { thread_id, user_id: user_id.clone(), at: at(1) });
    let change_group = commanded(ChangeGroup {
        thread_id,
        by: user_id.clone(),
        change: GroupChange::Remove { user: scene.people[1].clone() },
        key: None,
        at: at(1),
    });
    let advances = [AdvanceCursor { thread_id, user_id, cursor: Cursor::Read, up_to: None, at: at(1) }];
    tokio::join!(
        unavailable("append", store.append_messages(&batch)),
        unavailable("touch", store.touch_threads(&messages)),
        unavailable("create", store.create_thread(&create)),
        unavailable("change", store.change_messages(&changes)),
        unavailable("advance", store.advance(&advances)),
        unavailable("archive", store.archive(&archive)),
        unavailable("leave", store.leave(&leave)),
        unavailable("change a group", store.change_group(&change_group)),
        unavailable("membership", store.seen_from(scene.thread, viewer)),
        unavailable("message", store.message(messages[0].id)),
        unavailable("thread", store.thread(scene.thread)),
        unavailable("view", store.thread_view(scene.thread, viewer)),
        unavailable("participants", store.participants(&ids)),
        unavailable("list", store.threads_of(viewer, list)),
        unavailable("messages", store.messages(scene.thread, page)),
        unavailable("first after", store.first_seq_after(scene.thread, at(0))),
        unavailable("newest change", store.newest_change(scene.thread)),
        unavailable("changes", store.changes(scene.thread, ChangePage { after: 0, limit: 1 })),
        unavailable("cursors", store.cursors(scene.thread)),
        unavailable("ping", store.ping()),
    );
    harness.mend().await;
    back(&store).await;
}

/// A batch that the fault hits is stored once when it is repeated, after the earlier messages and without a
/// gap.
pub async fn a_batch_hit_by_the_fault_is_stored_once(harness: &dyn FaultHarness, fault: Fault) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let batch = scene.talk(3 * BATCH);
    append(&*store, &batch[..BATCH]).await;
    harness.suffer(fault).await;
    unavailable("append", store.append_messages(&batch[BATCH..2 * BATCH])).await;
    harness.mend().await;
    back(&store).await;
    let rest = again(&batch[BATCH..]);
    let answers = repeat(&*store, &rest).await;
    assert_eq!(answers.last().expect("answers").seq, 3 * BATCH as u64);
    expect_history(&*store, scene.thread, &batch).await;
}

/// Counters that the fault hits are exact after the update is repeated.
pub async fn a_touch_hit_by_the_fault_counts_once(harness: &dyn FaultHarness, fault: Fault) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(10)).await;
    store.touch_threads(&messages[..4]).await.expect("touch");
    harness.suffer(fault).await;
    unavailable("touch", store.touch_threads(&messages[4..])).await;
    harness.mend().await;
    back(&store).await;
    store.touch_threads(&messages[4..]).await.expect("touch again");
    assert_eq!(unread(&*store, &scene).await, [5, 5]);
}

/// A writer goes on through many faults. Every message it got an answer for is stored once and in order.
pub async fn a_stream_of_batches_survives_faults(harness: &dyn FaultHarness, faults: &[Fault]) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let batches: Vec<Vec<NewMessage>> = (0..faults.len()).map(|_| scene.talk(BATCH)).collect();
    for (fault, batch) in faults.iter().zip(&batches) {
        let (first, second) = batch.split_at(BATCH / 2);
        let trouble = async {
            harness.suffer(*fault).await;
            // sleep: so long the fault lasts
            tokio::time::sleep(LASTS).await;
            harness.mend().await;
        };
        let (answers, ()) = tokio::join!(repeat(&*store, first), trouble);
        let more = repeat(&*store, second).await;
        store_touch(&*store, &[answers, more].concat()).await;
    }
    expect_history(&*store, scene.thread, &batches.concat()).await;
    let half = (faults.len() * BATCH / 2) as u64;
    assert_eq!(unread(&*store, &scene).await, [half, half]);
}

async fn unavailable<T: std::fmt::Debug>(what: &str, call: impl Future<Output = Result<T, StoreError>>) {
    let started = Instant::now();
    let answer = call.await;
    assert!(
        matches!(answer, Err(StoreError::Unavailable { .. })),
        "{what}: expected unavailable, got {answer:?}"
    );
    assert!(started.elapsed() < HEARD_WITHIN, "{what}: heard only after {:?}", started.elapsed());
}

async fn back(store: &Arc<dyn Store>) {
    until_back(|| store.ping()).await;
}

/// Appends as a consumer does: repeats the same batch until it is answered.
async fn repeat(store: &dyn Store, batch: &[NewMessage]) -> Vec<Message> {
    until_back(|| store.append_messages(batch)).await.into_iter().map(present).collect()
}

async fn store_touch(store: &dyn Store, messages: &[Message]) {
    until_back(|| store.touch_threads(messages)).await;
}

async fn until_back<T, F: Future<Output = Result<T, StoreError>>>(call: impl Fn() -> F) -> T {
    let started = Instant::now();
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(StoreError::Unavailable { .. }) if started.elapsed() < HEARD_WITHIN + BACK_WITHIN => {}
            Err(other) => panic!("not usable {:?} after the store came back: {other:?}", started.elapsed()),
        }
        // sleep: between two tries
        tokio::time::sleep(PAUSE).await;
    }
}
