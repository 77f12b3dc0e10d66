//! The contract of every [`Sends`], as checks that an adapter's tests call.
//!
//! Each check needs a store of its own, because a worker takes whichever send is due.

use crate::sends::{AddedSend, CancelledSend, SendPage, Sends};
use crate::store_contract::fixtures::{at, fresh_people};
use async_trait::async_trait;
use eventflow_protocol::sends::{
    BulkSend, CancelSend, NewSend, Recipients, SendContent, SendCounts, SendState, SendStep, SendText,
};
use eventflow_protocol::{CommandId, SendId, Timestamp, UserId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Gives the suite access to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Sends>;
}

/// A send comes back as it was written, and the same send again is found.
pub async fn a_send_is_stored_once(harness: &dyn Harness) {
    let sends = harness.open().await;
    for to in
        [Recipients::of_users(fresh_people(3)), Recipients::Role("driver".into()), Recipients::Everybody]
    {
        let new = NewSend { to, ..new(1) };
        let stored = Box::new(BulkSend::new(new.clone()));
        assert_eq!(sends.add_send(&new).await.expect("add"), AddedSend::Stored(stored.clone()));
        for witness in [sends.clone(), harness.open().await] {
            assert_eq!(witness.bulk_send(new.id).await.expect("read"), Some(*stored.clone()));
            assert_eq!(witness.add_send(&new).await.expect("again"), AddedSend::Before(stored.clone()));
            let other = NewSend { body: [9; 16], ..new.clone() };
            assert_eq!(witness.add_send(&other).await.expect("another"), AddedSend::KeyReused);
        }
    }
    assert_eq!(sends.bulk_send(new(1).id).await.expect("read"), None);
}

/// A send is taken by one worker, when it is due, and again when the worker's claim has run out.
pub async fn one_worker_takes_a_send_that_is_due(harness: &dyn Harness) {
    let sends = harness.open().await;
    let planned = NewSend { send_at: Some(at(100)), ..new(1) };
    sends.add_send(&planned).await.expect("add");
    assert_eq!(sends.claim_send(at(99), at(110)).await.expect("claim"), None);
    let (one, other) = (harness.open().await, harness.open().await);
    let (first, second) = tokio::join!(one.claim_send(at(100), at(110)), other.claim_send(at(100), at(110)));
    let taken: Vec<BulkSend> =
        [first, second].into_iter().filter_map(|taken| taken.expect("claim")).collect();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].state, taken[0].started_at), (SendState::Running, Some(at(100))));
    assert_eq!(sends.claim_send(at(109), at(120)).await.expect("claim"), None);
    let again = sends.claim_send(at(110), at(120)).await.expect("claim").expect("its worker has died");
    assert_eq!((again.id, again.started_at), (planned.id, Some(at(100))));
    sends.release_send(planned.id, at(111)).await.expect("release");
    assert!(sends.claim_send(at(111), at(121)).await.expect("claim").is_some());
}

/// A step counts once, from where the send is, and the last one ends the send.
pub async fn a_step_counts_once(harness: &dyn Harness) {
    let (sends, send, people) = taken(harness).await;
    let [first, second] = [&people[1], &people[3]];
    for witness in [sends.clone(), harness.open().await] {
        let advanced =
            witness.advance_send(send, &step(None, first, false), at(2), at(12)).await.expect("step");
        let now = sends.bulk_send(send).await.expect("read").expect("it is there");
        assert_eq!((now.cursor.as_ref(), now.counts.total()), (Some(first), 2));
        assert!(advanced.is_none_or(|advanced| advanced == now), "the second one is too late");
    }
    let last = step(Some(first), second, true);
    let done = sends.advance_send(send, &last, at(3), at(13)).await.expect("step").expect("it counts");
    assert_eq!((done.state, done.counts.total(), done.ended_at), (SendState::Done, 4, Some(at(3))));
    assert_eq!(sends.advance_send(send, &last, at(4), at(14)).await.expect("step"), None);
    assert_eq!(sends.claim_send(at(1_000), at(1_010)).await.expect("claim"), None);
    let cancel = CancelSend { id: send, at: at(5) };
    assert_eq!(sends.cancel_send(&cancel).await.expect("cancel"), CancelledSend::TooLate);
}

/// A cancelled send counts the step that was under way, and nobody takes it any more.
pub async fn a_cancelled_send_goes_no_further(harness: &dyn Harness) {
    let (sends, send, people) = taken(harness).await;
    let cancel = CancelSend { id: send, at: at(2) };
    for witness in [sends.clone(), harness.open().await] {
        let CancelledSend::Done(cancelled) = witness.cancel_send(&cancel).await.expect("cancel") else {
            panic!("it can be cancelled, also again");
        };
        assert_eq!((cancelled.state, cancelled.ended_at), (SendState::Cancelled, Some(at(2))));
    }
    let counted =
        sends.advance_send(send, &step(None, &people[0], false), at(3), at(13)).await.expect("step");
    let counted = counted.expect("it counts");
    assert_eq!((counted.state, counted.counts.sent), (SendState::Cancelled, 1));
    sends.release_send(send, at(4)).await.expect("release");
    assert_eq!(sends.claim_send(at(1_000), at(1_010)).await.expect("claim"), None);
    let unknown = CancelSend { id: new(1).id, at: at(2) };
    assert_eq!(sends.cancel_send(&unknown).await.expect("cancel"), CancelledSend::NotFound);
}

/// Sends that ended long ago are deleted, and no others.
pub async fn ended_sends_are_forgotten(harness: &dyn Harness) {
    let (sends, done, people) = taken(harness).await;
    sends.advance_send(done, &step(None, &people[0], true), at(50), at(60)).await.expect("step");
    let [cancelled, planned, running] = [2, 3, 4].map(new);
    for new in [&cancelled, &running] {
        sends.add_send(new).await.expect("add");
    }
    sends.add_send(&NewSend { send_at: Some(at(1_000)), ..planned.clone() }).await.expect("add");
    sends.cancel_send(&CancelSend { id: cancelled.id, at: at(51) }).await.expect("cancel");
    let taken = sends.claim_send(at(52), at(62)).await.expect("claim").expect("it is due");
    assert_eq!(taken.id, running.id);
    let left = async || {
        let page = SendPage { after: None, limit: 10 };
        let found = harness.open().await.bulk_sends(page).await.expect("list");
        found.into_iter().map(|send| send.id).collect::<Vec<_>>()
    };
    assert_eq!(sends.forget_sends(at(50)).await.expect("forget"), 0);
    assert_eq!(left().await, [running.id, planned.id, cancelled.id, done]);
    assert_eq!(sends.forget_sends(at(51)).await.expect("forget"), 1);
    assert_eq!(left().await, [running.id, planned.id, cancelled.id]);
    assert_eq!(sends.forget_sends(at(100_000)).await.expect("forget"), 1);
    assert_eq!(sends.forget_sends(at(100_000)).await.expect("again"), 0);
    assert_eq!(left().await, [running.id, planned.id]);
    assert_eq!(sends.bulk_send(done).await.expect("read"), None);
}

/// Pages show each send once, the newest first.
pub async fn pages_of_sends_show_each_once(harness: &dyn Harness) {
    let sends = harness.open().await;
    let mut all: Vec<(Timestamp, SendId)> = Vec::new();
    for second in [1, 2, 2, 3, 4] {
        let new = new(second);
        sends.add_send(&new).await.expect("add");
        all.push((new.at, new.id));
    }
    all.sort_unstable_by(|a, b| b.cmp(a));
    let mut shown: Vec<(Timestamp, SendId)> = Vec::new();
    loop {
        let page = SendPage { after: shown.last().copied(), limit: 2 };
        let found = sends.bulk_sends(page).await.expect("list");
        assert!(found.len() <= 2);
        if found.is_empty() {
            break;
        }
        shown.extend(found.into_iter().map(|send| (send.created_at, send.id)));
    }
    assert_eq!(shown, all);
}

async fn taken(harness: &dyn Harness) -> (Arc<dyn Sends>, SendId, Vec<UserId>) {
    let sends = harness.open().await;
    let mut people = fresh_people(4);
    people.sort_unstable();
    let new = NewSend { to: Recipients::of_users(people.clone()), ..new(1) };
    sends.add_send(&new).await.expect("add");
    sends.claim_send(at(1), at(11)).await.expect("claim").expect("it is due");
    (sends, new.id, people)
}

fn new(seconds: i64) -> NewSend {
    let text = SendText { title: "Titel".to_owned(), text: String::new() };
    let content = SendContent {
        kind: "news".to_owned(),
        title: "title".to_owned(),
        text: "text $set".to_owned(),
        data: serde_json::from_str(r#"{"a":[1e400,null,"x"],"b":{"c":-0.5}}"#).expect("an object"),
        thread_id: None,
        template: Some("strike".to_owned()),
        translations: BTreeMap::from([("de".to_owned(), text)]),
    };
    NewSend {
        id: SendId::from(CommandId::new()),
        by: fresh_people(1).remove(0),
        to: Recipients::Everybody,
        content,
        send_at: None,
        body: [7; 16],
        at: at(seconds),
    }
}

fn step(from: Option<&UserId>, to: &UserId, is_last: bool) -> SendStep {
    let counts = SendCounts { sent: 1, suppressed: 1, failed: 0 };
    SendStep { from: from.cloned(), to: Some(to.clone()), counts, is_last }
}
