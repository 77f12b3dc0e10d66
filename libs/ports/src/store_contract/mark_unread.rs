//! Marking unread: a person's read cursor goes back for themselves alone, and what others know stays.
//!
//! The checks run in threads of few people, of many, and of too many for receipts, since stores may count
//! them differently.

use super::Harness;
use super::fixtures::{
    Scene, append, at, change, change_one, commanded, creation, fresh_people, history, unread,
};
use super::random::Random;
use crate::store::{Store, WithCommandId};
use eventflow_protocol::change::{
    AdvanceCursor, Advanced, Change, Cursor, MarkUnread, MarkedUnread, PersonCursors, UNREAD_REACH_MAX,
};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::document::Message;
use eventflow_protocol::{CommandId, UserId};

/// Numbers of people of the threads.
const SIZES: [usize; 3] = [3, 60, 120];
/// How many people of a thread write, read, mark and take back.
const BUSY: usize = 3;
/// Number of steps of the check that compares with a model.
const STEPS: i64 = 90;

/// Messages from the place on are unread again for one person. Receipts, and what others know of the person,
/// stay; only the person is told what is unread.
pub async fn a_mark_takes_the_cursor_back_for_one_person(harness: &dyn Harness) {
    for size in SIZES {
        let (store, other) = (harness.open().await, harness.open().await);
        let scene = read_by_all(&*store, size).await;
        let before = history(&*store, scene.thread).await;
        let told = |cursors: Vec<PersonCursors>, who: usize| {
            let own =
                cursors.into_iter().find(|own| own.user_id == scene.people[who]).expect("they have read");
            (own.delivered_seq, own.read_seq, own.unread_after)
        };
        // Of the messages 4, 5 and 6 one is the person's own.
        let marked = mark(&*store, &scene, 0, 4, 60).await;
        assert_eq!(marked, MarkedUnread { is_changed: true, read_seq: 3, unread_count: 2 });
        for witness in [&store, &other] {
            assert_eq!(unread(&**witness, &scene).await[..3], [2, 0, 0], "{size} people");
            let cursors = witness.cursors(scene.thread).await.expect("read the cursors");
            assert_eq!(told(cursors.clone(), 0), (6, 6, Some(3)));
            assert_eq!(told(cursors.clone(), 1), (6, 6, None));
            assert_eq!(told(PersonCursors::shown_to(cursors, &scene.people[1]), 0), (6, 6, None));
            assert_eq!(history(&**witness, scene.thread).await, before, "receipts stay");
        }
        for (from, place, left) in [(6, 3, 2), (99, 3, 2), (3, 2, 3), (0, 0, 4), (u64::MAX, 0, 4)] {
            let marked = mark(&*other, &scene, 0, from, 60).await;
            assert_eq!((marked.read_seq, marked.unread_count), (place, left), "from {from}");
        }
        let more = append(&*store, &[scene.say(1, "more")]).await;
        store.touch_threads(&more).await.expect("touch");
        assert_eq!(unread(&*other, &scene).await[..3], [5, 0, 1]);
    }
}

/// Reading again is a way like any other, and news to others only beyond the place that they know.
pub async fn what_is_read_again_is_no_news_to_others(harness: &dyn Harness) {
    for size in SIZES {
        let store = harness.open().await;
        let scene = read_by_all(&*store, size).await;
        let before = history(&*store, scene.thread).await;
        mark(&*store, &scene, 0, 1, 60).await;
        let again = advance(&*harness.open().await, &scene, 0, Some(5), 61).await;
        assert_eq!(again, Advanced { from: 0, told: 6, up_to: 5, unread_count: 1, messages: Vec::new() });
        assert_eq!(history(&*store, scene.thread).await, before);
        let more = append(&*store, &[scene.say(1, "more")]).await;
        store.touch_threads(&more).await.expect("touch");
        let further = advance(&*store, &scene, 0, None, 62).await;
        assert_eq!((further.from, further.told, further.up_to, further.unread_count), (5, 6, 7, 0));
        let named: Vec<u64> = further.messages.iter().map(|message| message.seq).collect();
        assert_eq!(named, if size > 100 { vec![] } else { vec![7] }, "{size} people");
        let cursors = store.cursors(scene.thread).await.expect("read the cursors");
        let own = cursors.into_iter().find(|own| own.user_id == scene.people[0]).expect("they have read");
        assert_eq!((own.read_seq, own.unread_after), (7, None));
    }
}

/// A reading that was accepted before the mark does not undo it, whenever it comes; a delivery goes on.
pub async fn an_earlier_reading_does_not_undo_a_mark(harness: &dyn Harness) {
    let (store, other) = (harness.open().await, harness.open().await);
    let scene = read_by_all(&*store, 3).await;
    mark(&*store, &scene, 0, 4, 60).await;
    for (up_to, seconds) in [(Some(6), 50), (None, 59), (None, 60)] {
        let late = advance(&*other, &scene, 0, up_to, seconds).await;
        assert_eq!((late.from, late.up_to, late.unread_count), (3, 3, 2), "{up_to:?} at {seconds}");
    }
    assert_eq!(unread(&*store, &scene).await[0], 2);
    assert_eq!(advance(&*store, &scene, 0, None, 61).await.unread_count, 0);
}

/// A command that comes again after the person has read on marks nothing.
pub async fn a_mark_that_comes_again_changes_nothing(harness: &dyn Harness) {
    let (store, other) = (harness.open().await, harness.open().await);
    let scene = read_by_all(&*store, 3).await;
    let (first, idle) = (command(&scene, 0, 4, 60), command(&scene, 0, 9, 61));
    for (witness, is_changed) in [(&store, true), (&other, false), (&store, false)] {
        let marked = done(&**witness, &first).await;
        assert_eq!(marked, MarkedUnread { is_changed, read_seq: 3, unread_count: 2 });
    }
    done(&*store, &idle).await;
    advance(&*store, &scene, 0, None, 70).await;
    for command in [&first, &idle, &first] {
        let nothing = MarkedUnread { is_changed: false, read_seq: 6, unread_count: 0 };
        assert_eq!(done(&*other, command).await, nothing);
    }
    assert_eq!(unread(&*store, &scene).await, [0, 0, 0]);
}

/// Nobody marks a thread that they are not in, and who comes back has read everything.
pub async fn strangers_mark_nothing(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = read_by_all(&*store, 3).await;
    let stranger = Scene { thread: scene.thread, people: fresh_people(1) };
    assert_eq!(store.mark_unread(&command(&stranger, 0, 1, 60)).await.expect("mark"), None);
    let nowhere = Scene { thread: creation(&scene.people, 0).thread_id, people: scene.people.clone() };
    assert_eq!(store.mark_unread(&command(&nowhere, 0, 1, 60)).await.expect("mark"), None);
    let create = creation(&scene.people, 0);
    store.create_thread(&create).await.expect("create");
    let left = Scene { thread: create.thread_id, people: scene.people.clone() };
    let messages = append(&*store, &left.talk(6)).await;
    store.touch_threads(&messages).await.expect("touch");
    advance(&*store, &left, 0, None, 50).await;
    mark(&*store, &left, 0, 2, 60).await;
    let leave = LeaveThread { thread_id: left.thread, user_id: left.people[0].clone(), at: at(61) };
    store.leave(&commanded(leave)).await.expect("leave");
    assert_eq!(store.mark_unread(&command(&left, 0, 1, 62)).await.expect("mark"), None);
    store.create_thread(&CreateThread { at: at(63), ..create }).await.expect("come back");
    assert_eq!(unread(&*store, &left).await[0], 0);
    let cursors = store.cursors(left.thread).await.expect("read the cursors");
    assert!(cursors.iter().all(|cursors| cursors.unread_after.is_none()), "{cursors:?}");
    assert_eq!(mark(&*store, &left, 0, 6, 64).await.read_seq, 5, "a place is a place");
}

/// A mark reaches back over a bounded number of messages.
pub fn a_mark_reaches_back_so_far() {
    let thread_id = creation(&fresh_people(2), 0).thread_id;
    let mark = MarkUnread { thread_id, user_id: fresh_people(1).remove(0), from: 3, at: at(1) };
    let last = UNREAD_REACH_MAX + 50;
    assert_eq!(mark.place(last, last), 50);
    assert_eq!(mark.place(40, last), 40, "it never moves the cursor on");
    assert_eq!(mark.place(last, 20), 2);
}

/// Messages, advances, marks and deletions come in a random order, and every count agrees with the history.
pub async fn every_count_agrees_with_the_history(harness: &dyn Harness) {
    for (seed, size) in (40..).zip(SIZES) {
        let mut random = Random::seeded(seed);
        let stores = [harness.open().await, harness.open().await];
        let scene = Scene::with_people(&*stores[0], size).await;
        let (mut all, mut read) = (Vec::<Message>::new(), [0_u64; BUSY]);
        for step in 0..STEPS {
            let store = &*stores[random.below(2)];
            let who = random.below(BUSY);
            let place = random.below(all.len() + 2) as u64;
            let last = all.len() as u64;
            match random.below(4) {
                0 => {
                    let batch: Vec<_> =
                        (0..=random.below(4)).map(|_| scene.say(random.below(BUSY), "x")).collect();
                    let messages = append(store, &batch).await;
                    store.touch_threads(&messages).await.expect("touch");
                    all.extend(messages);
                }
                1 if !all.is_empty() => {
                    let n = random.below(all.len());
                    let message = &mut all[n];
                    change_one(store, &change(message, &message.sender_id, Change::Delete, 5)).await;
                    message.deleted_at = Some(at(5));
                }
                2 => {
                    read[who] = place.min(last).max(read[who]);
                    let advanced = advance(store, &scene, who, Some(place), 60 + step).await;
                    assert_eq!(advanced.up_to, read[who], "{size} people, step {step}");
                }
                _ => {
                    read[who] = place.saturating_sub(1).min(read[who]);
                    let marked = mark(store, &scene, who, place, 60 + step).await;
                    assert_eq!(marked.read_seq, read[who], "{size} people, step {step}");
                    assert_eq!(marked.unread_count, left(&all, &scene.people[who], read[who]));
                }
            }
            let counts: Vec<u64> = (0..BUSY).map(|who| left(&all, &scene.people[who], read[who])).collect();
            assert_eq!(
                unread(&*stores[random.below(2)], &scene).await[..BUSY],
                counts,
                "{size} people, step {step}"
            );
        }
    }
}

/// What this person has left to read after a place.
fn left(all: &[Message], person: &UserId, place: u64) -> u64 {
    let is_left = |message: &&Message| {
        message.seq > place && message.sender_id != *person && message.deleted_at.is_none()
    };
    all.iter().filter(is_left).count() as u64
}

/// A thread of six messages, two of each of the first three people, which these have read.
async fn read_by_all(store: &dyn Store, size: usize) -> Scene {
    let scene = Scene::with_people(store, size).await;
    let talk: Vec<_> = (0..6).map(|n| scene.say(n % 3, "hello")).collect();
    let messages = append(store, &talk).await;
    store.touch_threads(&messages).await.expect("touch");
    for who in 0..3 {
        advance(store, &scene, who, None, 50).await;
    }
    scene
}

async fn advance(store: &dyn Store, scene: &Scene, who: usize, up_to: Option<u64>, seconds: i64) -> Advanced {
    let (thread_id, user_id) = (scene.thread, scene.people[who].clone());
    let advance = AdvanceCursor { thread_id, user_id, cursor: Cursor::Read, up_to, at: at(seconds) };
    store.advance(&[advance]).await.expect("advance").remove(0).expect("they are in the thread")
}

fn command(scene: &Scene, who: usize, from: u64, seconds: i64) -> WithCommandId<MarkUnread> {
    let (thread_id, user_id) = (scene.thread, scene.people[who].clone());
    WithCommandId {
        command_id: CommandId::new(),
        wanted: MarkUnread { thread_id, user_id, from, at: at(seconds) },
    }
}

async fn done(store: &dyn Store, command: &WithCommandId<MarkUnread>) -> MarkedUnread {
    store.mark_unread(command).await.expect("mark").expect("they are in the thread")
}

async fn mark(store: &dyn Store, scene: &Scene, who: usize, from: u64, seconds: i64) -> MarkedUnread {
    done(store, &command(scene, who, from, seconds)).await
}
