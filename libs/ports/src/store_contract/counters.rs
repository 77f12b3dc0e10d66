//! Counters: the thread document holds the last counted `seq`, the newest message and each person's unread
//! count.
//!
//! Each message counts once, however often, in whatever order and by whichever store the thread is updated.

use super::Harness;
use super::fixtures::{Scene, append, at, unread, view};
use tokio::task::JoinSet;

/// Number of people, more than the stored schema lists as recipients of each message.
const CROWD: usize = 150;

/// Messages of others count as unread; one's own do not.
pub async fn unread_counts_are_the_messages_of_others(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 3).await;
    let batch = [scene.say(0, "a"), scene.say(0, "b"), scene.say(1, "c"), scene.say(0, "d")];
    let messages = append(&*store, &batch).await;
    store.touch_threads(&messages).await.expect("touch");
    assert_eq!(unread(&*store, &scene).await, [1, 3, 4]);
    let more = append(&*store, &[scene.say(2, "e")]).await;
    store.touch_threads(&more).await.expect("touch");
    assert_eq!(unread(&*store, &scene).await, [2, 4, 4]);
}

/// The thread shows the message with the highest `seq`, whatever the clocks said.
pub async fn the_thread_shows_its_newest_message_by_place(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let mut batch = scene.talk(2);
    batch[0].send.at = at(100);
    batch[1].send.at = at(90);
    let messages = append(&*store, &batch).await;
    store.touch_threads(&messages).await.expect("touch");
    let seen = view(&*harness.open().await, scene.thread, &scene.people[0]).await;
    assert_eq!(seen.last_message.as_ref(), Some(&messages[1]));
    assert_eq!(seen.thread.last_message_id, Some(messages[1].id));
    assert_eq!(seen.thread.last_message_at, Some(at(90)));
    assert_eq!(seen.thread.last_seq, 2);
    assert_eq!(store.thread(scene.thread).await.expect("read"), Some(seen.thread));
}

/// Repeating an update, in part or in reverse order, changes nothing.
pub async fn touching_again_changes_nothing(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(6)).await;
    store.touch_threads(&messages).await.expect("touch");
    let first = view(&*store, scene.thread, &scene.people[0]).await;
    assert_eq!(first.unread_count, 3);
    let reversed: Vec<_> = messages.iter().rev().cloned().collect();
    let twice = [messages.clone(), messages.clone()].concat();
    for witness in [store.clone(), harness.open().await] {
        for part in [&messages[..], &messages[..2], &messages[5..], &reversed, &twice] {
            witness.touch_threads(part).await.expect("touch again");
            assert_eq!(view(&*store, scene.thread, &scene.people[0]).await, first);
        }
    }
}

/// An update with later messages also counts earlier ones that no update named.
pub async fn missing_earlier_messages_are_included(harness: &dyn Harness) {
    for newly_opened in [false, true] {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, 2).await;
        let messages = append(&*store, &scene.talk(9)).await;
        let witness = if newly_opened { harness.open().await } else { store.clone() };
        witness.touch_threads(&messages[4..5]).await.expect("touch the fifth");
        witness
            .touch_threads(&[messages[8].clone(), messages[6].clone()])
            .await
            .expect("touch the ninth and seventh");
        store.touch_threads(&messages).await.expect("touch all");
        assert_eq!(unread(&*store, &scene).await, [4, 5]);
        assert_eq!(view(&*store, scene.thread, &scene.people[0]).await.thread.last_seq, 9);
    }
}

/// Two stores update the same threads at the same time, with overlapping parts in different orders.
pub async fn concurrent_touches_count_each_message_once(harness: &dyn Harness) {
    let setup = harness.open().await;
    let (left, right) = (Scene::with_people(&*setup, 2).await, Scene::with_people(&*setup, 3).await);
    let mut messages = append(&*setup, &left.talk(30)).await;
    messages.extend(append(&*setup, &right.talk(30)).await);
    let mut touching = JoinSet::new();
    for step in [7, 11, 13, 17] {
        let (store, count) = (harness.open().await, messages.len());
        let parts: Vec<_> = (0..count).map(|i| messages[i * step % count].clone()).collect();
        touching.spawn(async move {
            for part in parts.chunks(3) {
                store.touch_threads(part).await.expect("touch beside others");
            }
        });
    }
    touching.join_all().await;
    setup.touch_threads(&messages).await.expect("touch all");
    assert_eq!(unread(&*setup, &left).await, [15, 15]);
    assert_eq!(unread(&*setup, &right).await, [20, 20, 20]);
}

/// Two stores append messages and update threads at the same time.
pub async fn counts_are_exact_while_messages_come_in(harness: &dyn Harness) {
    let setup = harness.open().await;
    let scene = Scene::with_people(&*setup, 2).await;
    let mut working = JoinSet::new();
    for who in 0..2 {
        let (store, scene) = (harness.open().await, scene.clone());
        working.spawn(async move {
            for i in 0..20 {
                let messages =
                    append(&*store, &[scene.say(who, &format!("{i}a")), scene.say(who, &format!("{i}b"))])
                        .await;
                store.touch_threads(&messages).await.expect("touch");
            }
        });
    }
    working.join_all().await;
    assert_eq!(unread(&*setup, &scene).await, [40, 40]);
    assert_eq!(view(&*setup, scene.thread, &scene.people[0]).await.thread.last_seq, 80);
}

/// In a thread of many people each person has an exact count.
pub async fn a_crowd_is_counted_person_by_person(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, CROWD).await;
    let messages = append(&*store, &scene.talk(CROWD * 2)).await;
    store.touch_threads(&messages).await.expect("touch");
    assert_eq!(unread(&*store, &scene).await, vec![(CROWD as u64 - 1) * 2; CROWD]);
}
