//! Reading: a page holds the newest messages, those before a place or those after one, always in ascending
//! order.

use super::Harness;
use super::fixtures::{Scene, append, at, creation};
use crate::store::{MessagePage, PAGE_MAX, Place, Store};
use eventflow_protocol::ThreadId;

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

/// A page before or after a time holds messages that were accepted earlier or later, ordered by `seq`.
pub async fn pages_of_messages_are_cut_at_a_moment(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let mut batch = scene.talk(8);
    for (new, seconds) in batch.iter_mut().zip([10, 20, 15, 30, 30, 25, 40, 50]) {
        new.send.at = at(seconds);
    }
    append(&*store, &batch).await;
    let before = |seconds, limit| MessagePage { before: Some(Place::Time(at(seconds))), after: None, limit };
    let after = |seconds, limit| MessagePage { before: None, after: Some(Place::Time(at(seconds))), limit };
    for (asked, expected) in [
        (before(30, 10), vec![1, 2, 3, 6]),
        (before(30, 2), vec![3, 6]),
        (before(51, 3), vec![6, 7, 8]),
        (before(10, 3), vec![]),
        (after(20, 10), vec![4, 5, 6, 7, 8]),
        (after(15, 2), vec![2, 4]),
        (after(9, 3), vec![1, 2, 3]),
        (after(50, 3), vec![]),
    ] {
        assert_eq!(places(&*store, scene.thread, asked).await, expected, "{asked:?}");
    }
}

/// A thread without messages and a missing thread read as empty.
pub async fn there_may_be_nothing_to_read(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let page = MessagePage { before: None, after: None, limit: 10 };
    assert_eq!(places(&*store, scene.thread, page).await, NONE);
    assert_eq!(places(&*store, creation(&scene.people, 0).thread_id, page).await, NONE);
    store.ping().await.expect("ping");
}

async fn places(store: &dyn Store, thread: ThreadId, page: MessagePage) -> Vec<u64> {
    store.messages(thread, page).await.expect("read a page").iter().map(|message| message.seq).collect()
}
