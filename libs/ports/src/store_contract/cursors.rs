//! Cursors: how far people have received and read. Cursors only rise, receipts and status follow them, and
//! unread counts are exact.
//!
//! The checks compare the unread count with the history itself: the messages of others after the cursor.

use super::Harness;
use super::fixtures::{Scene, advance, append, at, creation, fresh_people, history, unread, view};
use super::random::Random;
use crate::store::Store;
use eventflow_protocol::change::{AdvanceCursor, Advanced, Cursor, RECEIPT_PARTICIPANTS_MAX, RECEIPTED_MAX};
use eventflow_protocol::document::Message;
use eventflow_protocol::document::MessageStatus::{self, Delivered, Read, Sent};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Number of steps of the check that compares with a model.
const STEPS: usize = 150;
/// Number of rounds of each person who writes and reads at the same time as others.
const ROUNDS: usize = 15;

/// A cursor moves forward up to the newest message and never back; `None` asks for the newest message.
pub async fn a_cursor_only_rises_and_stops_at_the_newest_message(harness: &dyn Harness) {
    for cursor in [Cursor::Delivered, Cursor::Read] {
        let store = harness.open().await;
        let (scene, _) = talked(&*store, 2, 6).await;
        for (asked, from, up_to) in [
            (Some(0), 0, 0),
            (Some(2), 0, 2),
            (Some(1), 2, 2),
            (Some(0), 2, 2),
            (Some(4), 2, 4),
            (Some(99), 4, 6),
            (Some(u64::MAX), 6, 6),
            (None, 6, 6),
            (Some(3), 6, 6),
        ] {
            let advanced = advance(&*store, &scene, 0, cursor, asked).await;
            assert_eq!((advanced.from, advanced.up_to), (from, up_to), "{cursor:?} asked for {asked:?}");
        }
        let more = append(&*store, &scene.talk(2)).await;
        store.touch_threads(&more).await.expect("touch");
        let advanced = advance(&*harness.open().await, &scene, 0, cursor, None).await;
        assert_eq!((advanced.from, advanced.up_to), (6, 8));
    }
}

/// A thread may have no message yet.
pub async fn an_empty_thread_has_nothing_to_read(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    for asked in [None, Some(5)] {
        let nothing = Advanced { from: 0, told: 0, up_to: 0, unread_count: 0, messages: Vec::new() };
        assert_eq!(advance(&*store, &scene, 0, Cursor::Read, asked).await, nothing);
    }
    let messages = append(&*store, &scene.talk(2)).await;
    store.touch_threads(&messages).await.expect("touch");
    assert_eq!(
        unread(&*store, &scene).await,
        [1, 1],
        "an advance beyond the end does not reach into the future"
    );
}

/// Reading lowers the unread count by the messages of others; delivery does not.
pub async fn reading_leaves_what_is_beyond_the_cursor_unread(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, _) = talked(&*store, 3, 9).await;
    assert_eq!(advance(&*store, &scene, 0, Cursor::Delivered, None).await.unread_count, 6);
    for (up_to, left) in [(1, 6), (2, 5), (3, 4), (4, 4), (8, 1), (9, 0)] {
        assert_eq!(
            advance(&*store, &scene, 0, Cursor::Read, Some(up_to)).await.unread_count,
            left,
            "read up to {up_to}"
        );
        assert_eq!(view(&*harness.open().await, scene.thread, &scene.people[0]).await.unread_count, left);
    }
    assert_eq!(unread(&*store, &scene).await, [0, 6, 6]);
    let more = append(&*store, &[scene.say(0, "mine"), scene.say(1, "theirs")]).await;
    store.touch_threads(&more).await.expect("touch");
    assert_eq!(unread(&*store, &scene).await, [1, 7, 8]);
}

/// A stored message can be read even if the thread document does not know it yet.
pub async fn what_is_not_yet_counted_can_be_read(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(6)).await;
    store.touch_threads(&messages[..2]).await.expect("touch");
    assert_eq!(advance(&*store, &scene, 0, Cursor::Read, Some(4)).await.up_to, 4);
    assert_eq!(advance(&*store, &scene, 1, Cursor::Read, None).await.up_to, 6);
    harness.open().await.touch_threads(&messages).await.expect("touch");
    assert_eq!(unread(&*store, &scene).await, [1, 0]);
}

/// In a thread of two people, the other person's receipt decides the status.
pub async fn receipts_of_two_people_make_the_status(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, messages) = talked(&*store, 2, 4).await;
    let advanced = advance(&*store, &scene, 1, Cursor::Delivered, Some(2)).await;
    assert_eq!(named(&advanced), [(messages[0].seq, Delivered)]);
    assert_eq!(advanced.messages[0].id, messages[0].id);
    let advanced = advance(&*store, &scene, 1, Cursor::Read, Some(3)).await;
    assert_eq!(named(&advanced), [(1, Read), (3, Read)]);
    let advanced = advance(&*store, &scene, 0, Cursor::Delivered, None).await;
    assert_eq!(named(&advanced), [(2, Delivered), (4, Delivered)]);
    let all = history(&*harness.open().await, scene.thread).await;
    assert_eq!(
        all.iter().map(|message| message.status).collect::<Vec<_>>(),
        [Read, Delivered, Read, Delivered]
    );
    assert_eq!((readers(&scene, &all[0]), getters(&scene, &all[0])), (vec![1], vec![1]));
    assert_eq!((readers(&scene, &all[1]), getters(&scene, &all[1])), (vec![], vec![0]));
    assert_eq!(
        (readers(&scene, &all[2]), getters(&scene, &all[2])),
        (vec![1], vec![1]),
        "reading includes getting"
    );
    assert_eq!((all[0].read_by[0].read_at, all[0].delivered_to[0].delivered_at), (at(50), at(50)));
}

/// In a thread of three people, the status waits for the last recipient.
pub async fn receipts_of_three_people_wait_for_the_last(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, _) = talked(&*store, 3, 3).await;
    let steps = [
        (1, Cursor::Read, Some(1), vec![(1, Sent)]),
        (2, Cursor::Delivered, Some(1), vec![(1, Delivered)]),
        (0, Cursor::Delivered, None, vec![(2, Sent), (3, Sent)]),
        (1, Cursor::Delivered, None, vec![(3, Delivered)]),
        (2, Cursor::Read, None, vec![(1, Read), (2, Delivered)]),
        (0, Cursor::Read, None, vec![(2, Read), (3, Delivered)]),
        (1, Cursor::Read, None, vec![(3, Read)]),
    ];
    for (who, cursor, up_to, expected) in steps {
        let advanced = advance(&*store, &scene, who, cursor, up_to).await;
        assert_eq!(named(&advanced), expected, "person {who} {cursor:?} {up_to:?}");
    }
    for message in history(&*store, scene.thread).await {
        assert_eq!((message.status, message.read_by.len(), message.delivered_to.len()), (Read, 2, 2));
    }
    assert_eq!(unread(&*store, &scene).await, [0, 0, 0]);
}

/// Repeated and older advances change nothing and get the same answer.
pub async fn an_advance_that_comes_again_changes_nothing(harness: &dyn Harness) {
    let (store, other) = (harness.open().await, harness.open().await);
    let (scene, _) = talked(&*store, 3, 9).await;
    advance(&*store, &scene, 0, Cursor::Delivered, Some(7)).await;
    let first = advance(&*store, &scene, 0, Cursor::Read, Some(5)).await;
    let read = history(&*store, scene.thread).await;
    let again = Advanced { from: first.up_to, told: first.up_to, messages: Vec::new(), ..first };
    for witness in [&store, &other, &store] {
        assert_eq!(advance(&**witness, &scene, 0, Cursor::Read, Some(5)).await, again);
        assert_eq!(advance(&**witness, &scene, 0, Cursor::Read, Some(2)).await, again);
        assert_eq!(advance(&**witness, &scene, 0, Cursor::Delivered, Some(6)).await.up_to, 7);
        assert_eq!(history(&**witness, scene.thread).await, read);
    }
    assert_eq!(unread(&*other, &scene).await, [3, 6, 6]);
}

/// "Everything" means every message accepted by the time of the command. A later message stays unread when
/// the command arrives late or again.
pub async fn reading_everything_leaves_what_came_later(harness: &dyn Harness) {
    for cursor in [Cursor::Delivered, Cursor::Read] {
        let store = harness.open().await;
        let (scene, _) = talked(&*store, 2, 4).await;
        let mut batch = scene.talk(5);
        for (new, seconds) in batch.iter_mut().zip([49, 51, 50, 51, 60]) {
            new.send.at = at(seconds);
        }
        let messages = append(&*store, &batch).await;
        store.touch_threads(&messages).await.expect("touch");
        for witness in [store.clone(), harness.open().await] {
            let advanced = advance(&*witness, &scene, 0, cursor, None).await;
            assert_eq!(advanced.up_to, 7, "the newest accepted 50 s after time zero, and all before it");
        }
        assert_eq!(advance(&*store, &scene, 0, cursor, Some(99)).await.up_to, 9, "a place is a place");
    }
}

/// No message was accepted by that time.
pub async fn reading_everything_before_the_first_message_reads_nothing(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, _) = talked(&*store, 2, 4).await;
    let (thread_id, user_id) = (scene.thread, scene.people[0].clone());
    let early = AdvanceCursor { thread_id, user_id, cursor: Cursor::Read, up_to: None, at: at(0) };
    for witness in [store.clone(), harness.open().await] {
        let advanced = witness
            .advance(std::slice::from_ref(&early))
            .await
            .expect("advance")
            .remove(0)
            .expect("they are in the thread");
        assert_eq!((advanced.from, advanced.up_to, advanced.unread_count), (0, 0, 2));
    }
}

/// A stranger or a missing thread in the batch does not affect the other advances.
pub async fn strangers_have_no_cursor(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, _) = talked(&*store, 2, 2).await;
    let mine = AdvanceCursor {
        thread_id: scene.thread,
        user_id: scene.people[0].clone(),
        cursor: Cursor::Read,
        up_to: None,
        at: at(50),
    };
    let strange = AdvanceCursor { user_id: fresh_people(1).remove(0), ..mine.clone() };
    let nowhere = AdvanceCursor { thread_id: creation(&scene.people, 0).thread_id, ..mine.clone() };
    let answers = store.advance(&[strange, mine, nowhere]).await.expect("advance");
    assert_eq!(
        answers.iter().map(|answer| answer.as_ref().map(|a| a.up_to)).collect::<Vec<_>>(),
        [None, Some(2), None]
    );
    assert_eq!(store.advance(&[]).await.expect("advance nobody"), []);
    let seen = history(&*store, scene.thread).await;
    assert_eq!((seen[0].read_by.len(), seen[1].read_by.len()), (0, 1));
}

/// Each message gets its receipt, however many are read at once. The answer names the newest ones.
pub async fn an_advance_names_the_newest_of_many(harness: &dyn Harness) {
    let store = harness.open().await;
    let count = RECEIPTED_MAX + 30;
    let scene = Scene::with_people(&*store, 2).await;
    let batch: Vec<_> = (0..count).map(|i| scene.say(0, &format!("{i}"))).collect();
    let messages = append(&*store, &batch).await;
    store.touch_threads(&messages).await.expect("touch");
    let advanced = advance(&*store, &scene, 1, Cursor::Read, None).await;
    let newest: Vec<_> = messages[30..].iter().map(|message| (message.seq, Read)).collect();
    assert_eq!(named(&advanced), newest);
    assert!(history(&*store, scene.thread).await.iter().all(|message| message.status == Read));
}

/// Above the limit of people messages carry no receipts, and cursors and counts still work. With one person
/// less, messages carry them.
pub async fn a_crowd_has_cursors_and_no_receipts(harness: &dyn Harness) {
    let store = harness.open().await;
    for (count, receipts) in [(RECEIPT_PARTICIPANTS_MAX, 1), (RECEIPT_PARTICIPANTS_MAX + 1, 0)] {
        let scene = Scene::with_people(&*store, count).await;
        let messages = append(&*store, &[scene.say(0, "hello, everybody")]).await;
        store.touch_threads(&messages).await.expect("touch");
        let advanced = advance(&*store, &scene, 1, Cursor::Read, None).await;
        assert_eq!((advanced.up_to, advanced.unread_count, advanced.messages.len()), (1, 0, receipts));
        assert_eq!(history(&*store, scene.thread).await[0].read_by.len(), receipts);
        assert_eq!(unread(&*store, &scene).await[..3], [0, 0, 1]);
    }
}

/// Messages, updates and advances come in a random order, and every answer agrees with the history.
pub async fn every_answer_is_what_the_history_says(harness: &dyn Harness) {
    for seed in 0..3 {
        let mut random = Random::seeded(seed);
        let stores = [harness.open().await, harness.open().await];
        let scene = Scene::with_people(&*stores[0], 3).await;
        let (mut all, mut read, mut pending): (Vec<Message>, _, Vec<Message>) =
            (Vec::new(), [0; 3], Vec::new());
        for step in 0..STEPS {
            let store = &*stores[random.below(2)];
            match random.below(3) {
                0 => {
                    let batch: Vec<_> =
                        (0..=random.below(3)).map(|_| scene.say(random.below(3), "again")).collect();
                    let messages = append(store, &batch).await;
                    all.extend(messages.clone());
                    pending.extend(messages);
                }
                1 => {
                    random.shuffle(&mut pending);
                    store.touch_threads(&pending.split_off(pending.len() / 2)).await.expect("touch");
                }
                _ => {
                    store.touch_threads(&std::mem::take(&mut pending)).await.expect("touch");
                    let (who, place) = (random.below(3), random.below(all.len() + 3) as u64);
                    let advanced = advance(store, &scene, who, Cursor::Read, Some(place)).await;
                    let up_to = place.min(all.len() as u64).max(read[who]);
                    read[who] = up_to;
                    let left = beyond(&all, &scene, who, up_to);
                    assert_eq!(
                        (advanced.up_to, advanced.unread_count),
                        (up_to, left),
                        "seed {seed}, step {step}"
                    );
                }
            }
        }
        stores[0].touch_threads(&all).await.expect("touch");
        let expected: Vec<_> = (0..3).map(|who| beyond(&all, &scene, who, read[who])).collect();
        assert_eq!(unread(&*stores[1], &scene).await, expected, "seed {seed}");
    }
}

/// Three people write, update and read at the same time, each at a store of their own.
pub async fn counts_are_exact_while_people_write_and_read(harness: &dyn Harness) {
    let setup = harness.open().await;
    let scene = Scene::with_people(&*setup, 3).await;
    let mut working = JoinSet::new();
    for who in 0..3 {
        let (store, scene) = (harness.open().await, scene.clone());
        working.spawn(write_and_read(store, scene, who));
    }
    working.join_all().await;
    let all = history(&*setup, scene.thread).await;
    setup.touch_threads(&all).await.expect("touch all");
    let mut expected = Vec::new();
    for who in 0..3 {
        let stays = advance(&*setup, &scene, who, Cursor::Read, Some(0)).await;
        expected.push(beyond(&all, &scene, who, stays.up_to));
        assert_eq!(stays.unread_count, expected[who], "person {who} has read up to {}", stays.up_to);
        for message in all.iter().filter(|message| message.sender_id != scene.people[who]) {
            let is_read = readers(&scene, message).contains(&who);
            assert_eq!(is_read, message.seq <= stays.up_to, "the receipt of person {who} at {}", message.seq);
        }
    }
    assert_eq!(unread(&*setup, &scene).await, expected);
    for who in 0..3 {
        assert_eq!(advance(&*setup, &scene, who, Cursor::Read, None).await.unread_count, 0);
    }
    assert!(history(&*setup, scene.thread).await.iter().all(|message| message.status == Read));
    assert_eq!(unread(&*setup, &scene).await, [0, 0, 0]);
}

async fn write_and_read(store: Arc<dyn Store>, scene: Scene, who: usize) {
    let mut random = Random::seeded(who as u64);
    let mut pending: Vec<Message> = Vec::new();
    for _ in 0..ROUNDS {
        pending.extend(append(&*store, &[scene.say(who, "a"), scene.say(who, "b")]).await);
        let newest = pending.last().map_or(0, |message| message.seq);
        if random.percent(60) {
            store.touch_threads(&std::mem::take(&mut pending)).await.expect("touch");
        }
        let place = random.below(usize::try_from(newest).expect("few messages") + 3) as u64;
        for cursor in [Cursor::Delivered, Cursor::Read] {
            let advanced = advance(&*store, &scene, who, cursor, Some(place)).await;
            assert!(advanced.up_to >= advanced.from, "a cursor only rises");
            advance(&*store, &scene, who, cursor, Some(advanced.from)).await;
        }
    }
    store.touch_threads(&pending).await.expect("touch");
}

/// A thread of `people` people with `count` counted messages, written in turns.
async fn talked(store: &dyn Store, people: usize, count: usize) -> (Scene, Vec<Message>) {
    let scene = Scene::with_people(store, people).await;
    let messages = append(store, &scene.talk(count)).await;
    store.touch_threads(&messages).await.expect("touch");
    (scene, messages)
}

/// Number of messages of others after a place.
fn beyond(all: &[Message], scene: &Scene, who: usize, place: u64) -> u64 {
    all.iter().filter(|message| message.seq > place && message.sender_id != scene.people[who]).count() as u64
}

fn named(advanced: &Advanced) -> Vec<(u64, MessageStatus)> {
    advanced.messages.iter().map(|message| (message.seq, message.status)).collect()
}

/// The readers of a message, in the order of the receipts, as indices into the scene's people.
fn readers(scene: &Scene, message: &Message) -> Vec<usize> {
    message.read_by.iter().map(|receipt| index(scene, &receipt.user_id)).collect()
}

fn getters(scene: &Scene, message: &Message) -> Vec<usize> {
    message.delivered_to.iter().map(|receipt| index(scene, &receipt.user_id)).collect()
}

fn index(scene: &Scene, user: &eventflow_protocol::UserId) -> usize {
    scene.people.iter().position(|person| person == user).expect("a receipt is of somebody in the thread")
}
