//! Messages that are taken back: they leave the unread counts of those who had not read them, and lists show
//! what is left.
//!
//! The checks compare with the history itself, in threads of few people, of many, and of too many for
//! receipts, since stores may count them differently.

use super::Harness;
use super::fixtures::{Scene, advance, append, change, change_one, history, view};
use super::random::Random;
use crate::store::{PREVIEW_DEPTH, Store};
use eventflow_protocol::change::{Change, Changed, Cursor, Effect};
use eventflow_protocol::document::Message;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Numbers of people of the threads.
const SIZES: [usize; 3] = [3, 60, 120];
/// How many people of a thread write, read and take back.
const BUSY: usize = 3;
/// Number of steps of the check that compares with a model.
const STEPS: usize = 80;
/// Number of rounds of each person who writes, reads and takes back beside others.
const ROUNDS: usize = 12;

/// Each message that is taken back before it was read is one less to read, once, for everybody but its
/// sender.
pub async fn what_is_taken_back_is_not_left_to_read(harness: &dyn Harness) {
    for size in SIZES {
        let (store, other) = (harness.open().await, harness.open().await);
        let scene = Scene::with_people(&*store, size).await;
        let messages = append(&*store, &[0, 0, 1, 0].map(|who| scene.say(who, "oh"))).await;
        store.touch_threads(&messages).await.expect("touch");
        assert_eq!(unread(&*store, &scene).await, [1, 3, 4]);
        for (n, left) in [(0, [1, 2, 3]), (2, [0, 2, 2]), (3, [0, 1, 1]), (1, [0, 0, 0])] {
            let who = usize::from(n == 2);
            let delete = change(&messages[n], &scene.people[who], Change::Delete, 5);
            for (witness, is_new) in [(&store, true), (&other, false), (&store, false)] {
                let changed = change_one(&**witness, &delete).await;
                assert_eq!(matches!(changed, Changed::Done(_, Effect::Deleted)), is_new, "{changed:?}");
                assert_eq!(unread(&**witness, &scene).await, left, "{size} people, message {n}");
            }
        }
        let more = append(&*other, &[scene.say(1, "but")]).await;
        other.touch_threads(&more).await.expect("touch");
        assert_eq!(unread(&*store, &scene).await, [1, 0, 1]);
    }
}

/// What was read before counts no more, and what lies before the cursor takes nothing off.
pub async fn what_was_read_before_takes_nothing_off(harness: &dyn Harness) {
    for size in SIZES {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, size).await;
        let messages = append(&*store, &[0, 0, 0, 0, 0].map(|who| scene.say(who, "oh"))).await;
        store.touch_threads(&messages).await.expect("touch");
        assert_eq!(advance(&*store, &scene, 1, Cursor::Read, Some(2)).await.unread_count, 3);
        for (n, left) in [(0, 3), (4, 2), (1, 2), (2, 1)] {
            change_one(&*store, &change(&messages[n], &scene.people[0], Change::Delete, 5)).await;
            assert_eq!(unread(&*harness.open().await, &scene).await[1], left, "message {n} is gone");
            assert_eq!(advance(&*store, &scene, 1, Cursor::Read, Some(2)).await.unread_count, left);
            assert_eq!(advance(&*store, &scene, 1, Cursor::Delivered, Some(2)).await.unread_count, left);
        }
        assert_eq!(advance(&*store, &scene, 1, Cursor::Delivered, Some(4)).await.unread_count, 1);
        assert_eq!(advance(&*store, &scene, 1, Cursor::Read, Some(3)).await.unread_count, 1);
        assert_eq!(advance(&*store, &scene, 1, Cursor::Read, Some(4)).await.unread_count, 0);
        assert_eq!(unread(&*store, &scene).await[1], 0);
    }
}

/// A message may be taken back before the thread document knows it.
pub async fn what_is_not_yet_counted_can_be_taken_back(harness: &dyn Harness) {
    for size in SIZES {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, size).await;
        let messages = append(&*store, &[0, 1, 0].map(|who| scene.say(who, "oh"))).await;
        store.touch_threads(&messages[..1]).await.expect("touch");
        change_one(&*store, &change(&messages[2], &scene.people[0], Change::Delete, 5)).await;
        harness.open().await.touch_threads(&messages).await.expect("touch");
        store.touch_threads(&messages).await.expect("touch again");
        assert_eq!(unread(&*store, &scene).await, [1, 1, 2]);
    }
}

/// Those who had not read the message are named with what is left to them, unless they are too many.
pub async fn who_had_not_read_it_is_named(harness: &dyn Harness) {
    for (size, named) in [(3, true), (60, true), (120, false)] {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, size).await;
        let messages = append(&*store, &[0, 1, 0].map(|who| scene.say(who, "oh"))).await;
        advance(&*store, &scene, 2, Cursor::Read, Some(3)).await;
        change_one(&*store, &change(&messages[2], &scene.people[0], Change::Delete, 5)).await;
        let told = harness.open().await.unread_of_others(&messages[2]).await.expect("ask");
        let mut expected = vec![(scene.people[1].clone(), 1)];
        expected.extend(scene.people[3..].iter().map(|person| (person.clone(), 2)));
        assert_eq!(told, if named { expected } else { Vec::new() }, "{size} people");
    }
}

/// A list shows the newest message that is left; if none of the last ones is, the newest that was taken back.
pub async fn a_list_shows_the_newest_message_that_is_left(harness: &dyn Harness) {
    let (store, other) = (harness.open().await, harness.open().await);
    let scene = Scene::with_people(&*store, 2).await;
    let count = usize::try_from(PREVIEW_DEPTH).expect("fits") + 1;
    let messages = append(&*store, &scene.talk(count)).await;
    store.touch_threads(&messages).await.expect("touch");
    let take_back = |message: &Message| {
        let sender = usize::from(message.seq.is_multiple_of(2));
        change(message, &scene.people[sender], Change::Delete, 5)
    };
    for n in (1..count).rev() {
        change_one(&*store, &take_back(&messages[n])).await;
        if n > count - 3 {
            let seen = view(&*other, scene.thread, &scene.people[1]).await;
            assert_eq!(seen.last_message.as_ref(), Some(&messages[n - 1]));
            assert_eq!(seen.thread.last_message_id, Some(messages[count - 1].id), "the place stays");
        }
    }
    let seen = view(&*other, scene.thread, &scene.people[1]).await.last_message.expect("there are messages");
    assert_eq!((seen.id, seen.content.as_str()), (messages[count - 1].id, ""), "the last ones are gone");
    assert!(seen.deleted_at.is_some(), "and the one that is shown says so");
}

/// Messages, updates, advances and deletions come in a random order, and every answer agrees with the
/// history.
pub async fn every_count_is_what_is_left_in_the_history(harness: &dyn Harness) {
    for (seed, size) in (0..).zip(SIZES) {
        let mut random = Random::seeded(seed);
        let stores = [harness.open().await, harness.open().await];
        let scene = Scene::with_people(&*stores[0], size).await;
        let mut all: Vec<Message> = Vec::new();
        let mut gone = BTreeSet::new();
        let mut read = [0; BUSY];
        for step in 0..STEPS {
            let store = &*stores[random.below(2)];
            match random.below(3) {
                0 => {
                    let batch: Vec<_> =
                        (0..=random.below(4)).map(|_| scene.say(random.below(BUSY), "again")).collect();
                    let messages = append(store, &batch).await;
                    if random.percent(60) {
                        store.touch_threads(&messages).await.expect("touch");
                    }
                    all.extend(messages);
                }
                1 if !all.is_empty() => {
                    let message = &all[random.below(all.len())];
                    change_one(store, &change(message, &message.sender_id, Change::Delete, 5)).await;
                    gone.insert(message.seq);
                }
                _ => {
                    store.touch_threads(&all).await.expect("touch");
                    let (who, place) = (random.below(BUSY), random.below(all.len() + 3) as u64);
                    let advanced = advance(store, &scene, who, Cursor::Read, Some(place)).await;
                    read[who] = place.min(all.len() as u64).max(read[who]);
                    let left = left(&all, &gone, &scene, who, read[who]);
                    assert_eq!(
                        (advanced.up_to, advanced.unread_count),
                        (read[who], left),
                        "{size} people, step {step}"
                    );
                }
            }
        }
        stores[0].touch_threads(&all).await.expect("touch");
        let expected = [0, 1, 2].map(|who| left(&all, &gone, &scene, who, read[who]));
        assert_eq!(unread(&*stores[1], &scene).await, expected, "{size} people");
    }
}

/// Three people write, read and take back at the same time, each at a store of their own.
pub async fn counts_are_exact_while_people_take_back(harness: &dyn Harness) {
    for size in SIZES {
        let setup = harness.open().await;
        let scene = Scene::with_people(&*setup, size).await;
        let mut working = JoinSet::new();
        for who in 0..BUSY {
            let (store, scene) = (harness.open().await, scene.clone());
            working.spawn(write_read_and_take_back(store, scene, who));
        }
        working.join_all().await;
        let all = history(&*setup, scene.thread).await;
        setup.touch_threads(&all).await.expect("touch all");
        let gone: BTreeSet<u64> =
            all.iter().filter(|message| message.deleted_at.is_some()).map(|message| message.seq).collect();
        for who in 0..BUSY {
            let stays = advance(&*setup, &scene, who, Cursor::Read, Some(0)).await;
            let expected = left(&all, &gone, &scene, who, stays.up_to);
            assert_eq!(stays.unread_count, expected, "person {who} has read up to {}", stays.up_to);
            assert_eq!(view(&*setup, scene.thread, &scene.people[who]).await.unread_count, expected);
        }
    }
}

async fn write_read_and_take_back(store: Arc<dyn Store>, scene: Scene, who: usize) {
    let mut random = Random::seeded(who as u64);
    for _ in 0..ROUNDS {
        let messages = append(&*store, &[scene.say(who, "a"), scene.say(who, "b")]).await;
        if random.percent(60) {
            store.touch_threads(&messages).await.expect("touch");
        }
        let newest = messages.last().map_or(0, |message| message.seq);
        let place = random.below(usize::try_from(newest).expect("few messages") + 3) as u64;
        advance(&*store, &scene, who, Cursor::Read, Some(place)).await;
        let regretted = &messages[random.below(2)];
        change_one(&*store, &change(regretted, &scene.people[who], Change::Delete, 5)).await;
    }
}

/// Number of messages of others after a place that were not taken back.
fn left(all: &[Message], gone: &BTreeSet<u64>, scene: &Scene, who: usize, place: u64) -> u64 {
    let is_left = |message: &&Message| {
        message.seq > place && message.sender_id != scene.people[who] && !gone.contains(&message.seq)
    };
    all.iter().filter(is_left).count() as u64
}

/// Unread counts of the busy ones.
async fn unread(store: &dyn Store, scene: &Scene) -> [u64; BUSY] {
    let mut counts = [0; BUSY];
    for (count, person) in counts.iter_mut().zip(&scene.people) {
        *count = view(store, scene.thread, person).await.unread_count;
    }
    counts
}
