//! A cursor that goes a long way: stores do that in steps, and nothing shows of them.

use super::Harness;
use super::fixtures::{Scene, advance, append, history, view};
use eventflow_protocol::change::{Cursor, RECEIPT_PARTICIPANTS_MAX, RECEIPTED_MAX};
use eventflow_protocol::document::Message;

/// Length of a thread that no store reads in one step.
const LONG: u64 = 9_000;

/// A long way is gone in steps that no answer shows: it starts where the cursor was, every message has its
/// receipt once, and what is left to read is exact, wherever the way ends.
pub async fn a_long_way_ends_as_one_step(harness: &dyn Harness) {
    let store = harness.open().await;
    for (people, steps) in [(3, vec![1_000, 4_300, LONG]), (RECEIPT_PARTICIPANTS_MAX + 1, vec![4_200, LONG])]
    {
        let scene = Scene::with_people(&*store, people).await;
        let mut all: Vec<Message> = Vec::new();
        while (all.len() as u64) < LONG {
            let batch: Vec<_> = (0..500).map(|i| scene.say(i % 7 % 3, "on and on")).collect();
            all.extend(append(&*store, &batch).await);
        }
        store.touch_threads(&all).await.expect("touch");
        let mut from = 0;
        for up_to in steps {
            let advanced = advance(&*store, &scene, 1, Cursor::Read, Some(up_to)).await;
            assert_eq!((advanced.from, advanced.up_to), (from, up_to));
            assert_eq!(advanced.unread_count, beyond(&all, &scene, up_to), "read up to {up_to}");
            let of_others = all.iter().filter(|message| message.sender_id != scene.people[1]);
            let passed: Vec<u64> =
                of_others.map(|message| message.seq).filter(|seq| *seq > from && *seq <= up_to).collect();
            let newest = &passed[passed.len() - RECEIPTED_MAX..];
            let named: Vec<u64> = advanced.messages.iter().map(|message| message.seq).collect();
            assert_eq!(named, if people > RECEIPT_PARTICIPANTS_MAX { &newest[..0] } else { newest });
            from = up_to;
        }
        let read_once = usize::from(people <= RECEIPT_PARTICIPANTS_MAX);
        for message in history(&*store, scene.thread).await {
            let expected = if message.sender_id == scene.people[1] { 0 } else { read_once };
            assert_eq!(message.read_by.len(), expected, "the receipts at {}", message.seq);
        }
        assert_eq!(view(&*store, scene.thread, &scene.people[1]).await.unread_count, 0);
    }
}

/// Number of messages of others than the reader after a place.
fn beyond(all: &[Message], scene: &Scene, place: u64) -> u64 {
    let is_left = |message: &&Message| message.seq > place && message.sender_id != scene.people[1];
    all.iter().filter(is_left).count() as u64
}
