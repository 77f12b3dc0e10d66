//! Reading: a page holds the newest messages, those before a place or those after one, always in ascending
//! order.

use super::Harness;
use super::fixtures::{Scene, append, at, creation};
use crate::store::{MessagePage, NewMessage, PAGE_MAX, Place, Store};
use eventflow_protocol::{ThreadId, Timestamp};

/// Number of messages in the thread that is read.
const COUNT: u64 = 120;
const NONE: [u64; 0] = [];

/// The check reads every kind of page, in the middle and at both ends.
pub async fn pages_of_messages_are_cut_at_the_right_places(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let batch = scene.talk(usize::try_from(COUNT).expect("fits"));
    append(&*store, &batch).await;
    let page = |before: Option<u64>, after: Option<u64>, limit| MessagePage {
        before: before.map(Place::Seq),
        after: after.map(Place::Seq),
        since: 0,
        limit,
    };
    for (asked, expected) in [
        (page(None, None, 3), 118..=120),
        (page(None, None, PAGE_MAX), 21..=120),
        (page(Some(10), None, 4), 6..=9),
        (page(Some(3), None, 50), 1..=2),
        (page(Some(500), None, 2), 119..=120),
        (page(Some(2), None, 1), 1..=1),
        (page(None, Some(0), 2), 1..=2),
        (page(None, Some(10), 4), 11..=14),
        (page(None, Some(119), 50), 120..=120),
        (page(None, Some(0), PAGE_MAX), 1..=100),
    ] {
        assert_eq!(places(&*store, scene.thread, asked).await, expected.collect::<Vec<_>>(), "{asked:?}");
    }
    for asked in
        [page(Some(1), None, 5), page(Some(0), None, 5), page(None, Some(120), 5), page(None, Some(9_999), 5)]
    {
        assert_eq!(places(&*store, scene.thread, asked).await, NONE, "{asked:?}");
    }
    let huge = page(Some(u64::MAX), None, 1);
    assert_eq!(places(&*store, scene.thread, huge).await, [COUNT], "{huge:?}");
    assert_eq!(places(&*store, scene.thread, page(None, Some(u64::MAX), 1)).await, NONE);
}

/// A page before or after a time holds the nearest messages by time, ordered by `seq`.
pub async fn pages_of_messages_are_cut_at_a_moment(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    append(&*store, &talk_at(&scene, [10, 20, 15, 30, 30, 25, 40, 50].map(at))).await;
    let before =
        |seconds, limit| MessagePage { before: Some(Place::Time(at(seconds))), after: None, since: 0, limit };
    let after =
        |seconds, limit| MessagePage { before: None, after: Some(Place::Time(at(seconds))), since: 0, limit };
    for (asked, expected) in [
        (before(30, 10), vec![1, 2, 3, 6]),
        (before(30, 2), vec![2, 6]),
        (before(51, 3), vec![5, 7, 8]),
        (before(10, 3), vec![]),
        (after(20, 10), vec![4, 5, 6, 7, 8]),
        (after(15, 2), vec![2, 6]),
        (after(9, 3), vec![1, 2, 3]),
        (after(50, 3), vec![]),
    ] {
        assert_eq!(places(&*store, scene.thread, asked).await, expected, "{asked:?}");
    }
}

/// Whoever continues at the last message by time and `seq` gets each message once, in both directions, also
/// where many messages have one time and where the order of times is not that of `seq`.
pub async fn pages_by_time_show_each_message_once(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let moments: Vec<Timestamp> = (0..60).map(|i| Timestamp(at(0).0 + i * 7 % 4)).collect();
    append(&*store, &talk_at(&scene, moments)).await;
    for limit in [1, 7, 59, PAGE_MAX] {
        for is_forward in [true, false] {
            let mut seen = Vec::new();
            let mut place = Place::Time(at(if is_forward { -1 } else { 1 }));
            loop {
                let (before, after) = if is_forward { (None, Some(place)) } else { (Some(place), None) };
                let page = MessagePage { before, after, since: 0, limit };
                let mut page = store.messages(scene.thread, page).await.expect("read a page");
                assert!(page.is_sorted_by_key(|message| message.seq), "a page ascends");
                page.sort_by_key(|message| (message.created_at, message.seq));
                let last = if is_forward { page.last() } else { page.first() };
                let Some(last) = last else { break };
                place = Place::Moment { at: last.created_at, seq: last.seq };
                seen.extend(page.iter().map(|message| message.seq));
            }
            seen.sort_unstable();
            assert_eq!(seen, (1..=60).collect::<Vec<_>>(), "pages of {limit}, forward: {is_forward}");
        }
    }
}

/// The first `seq` after a time is the smallest one, whatever the order of times is.
pub async fn the_first_message_after_a_time_is_the_first_by_seq(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    append(&*store, &talk_at(&scene, [10, 20, 15, 30, 30, 25, 40].map(at))).await;
    for (seconds, first) in
        [(9, Some(1)), (10, Some(2)), (15, Some(2)), (20, Some(4)), (25, Some(4)), (30, Some(7)), (40, None)]
    {
        let found = store.first_seq_after(scene.thread, at(seconds)).await.expect("look for the first");
        assert_eq!(found, first, "after {seconds} s");
    }
    let unknown = creation(&scene.people, 0).thread_id;
    assert_eq!(store.first_seq_after(unknown, at(0)).await.expect("look for the first"), None);
}

/// A thread without messages and a missing thread read as empty.
pub async fn there_may_be_nothing_to_read(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let page = MessagePage { before: None, after: None, since: 0, limit: 10 };
    assert_eq!(places(&*store, scene.thread, page).await, NONE);
    assert_eq!(places(&*store, creation(&scene.people, 0).thread_id, page).await, NONE);
    store.ping().await.expect("ping");
}

/// Messages that were accepted at these times.
fn talk_at(scene: &Scene, moments: impl IntoIterator<Item = Timestamp>) -> Vec<NewMessage> {
    let moments: Vec<Timestamp> = moments.into_iter().collect();
    let mut batch = scene.talk(moments.len());
    for (new, at) in batch.iter_mut().zip(moments) {
        new.send.at = at;
    }
    batch
}

async fn places(store: &dyn Store, thread: ThreadId, page: MessagePage) -> Vec<u64> {
    store.messages(thread, page).await.expect("read a page").iter().map(|message| message.seq).collect()
}
