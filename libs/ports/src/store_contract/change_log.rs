//! The change log: whoever asks for what changed since a change number misses no change.

use super::Harness;
use super::fixtures::{Scene, advance, append, change, change_one, creation};
use crate::store::{ChangePage, PAGE_MAX, Store, WithCommandId};
use eventflow_protocol::change::{Change, ChangeMessage, Changed, Cursor, PersonCursors, Wish};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::Message;
use eventflow_protocol::{MessageId, ThreadId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

/// Writers who change messages of one thread at the same time.
const WRITERS: usize = 2;
/// Changes of each writer.
const CHANGES: usize = 40;

/// Edits, deletions and reactions are told in their order, each message as it is now; what did not happen is
/// not.
pub async fn what_changed_since_a_number_is_told_in_order(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(5)).await;
    assert_eq!(store.newest_change(scene.thread).await.expect("read the number"), 0);
    assert_eq!(since(&*store, scene.thread, 0, 10).await, nothing(0));
    done(&*store, &react(&messages[3], &scene, "👍")).await;
    done(&*store, &edit(&messages[0], &scene, "edited")).await;
    let known = store.newest_change(scene.thread).await.expect("read the number");
    done(&*store, &delete(&messages[4], &scene)).await;
    done(&*store, &edit(&messages[0], &scene, "edited again")).await;
    let refused = WithCommandId {
        wanted: ChangeMessage { by: scene.people[1].clone(), ..edit(&messages[2], &scene, "no").wanted },
        ..edit(&messages[2], &scene, "no")
    };
    assert_eq!(change_one(&*store, &refused).await, Changed::NotSender);
    let Told { messages: later, bounds: (up_to, is_complete) } =
        since(&*store, scene.thread, known, 10).await;
    assert_eq!(places(&later), [5, 1], "in the order of the changes");
    assert!(later[0].deleted_at.is_some() && later[1].content == "edited again", "as they are now");
    assert!(is_complete);
    assert_eq!(up_to, store.newest_change(scene.thread).await.expect("read the number"));
    assert_eq!(since(&*store, scene.thread, up_to, 10).await, nothing(up_to));
    let all: HashSet<u64> =
        places(&since(&*store, scene.thread, 0, PAGE_MAX).await.messages).into_iter().collect();
    assert_eq!(all, [1, 4, 5].into());
}

/// Pages of any size tell of every message that changed, and end.
pub async fn pages_of_changes_tell_of_each_message(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(12)).await;
    for round in 0..3 {
        let changes: Vec<_> =
            messages.iter().skip(2).map(|message| edit(message, &scene, &format!("round {round}"))).collect();
        let answers = store.change_messages(&changes).await.expect("change messages");
        assert!(answers.iter().all(|changed| matches!(changed, Changed::Done(..))));
    }
    for limit in [1, 3, 30, PAGE_MAX] {
        let (mut told, mut after) = (HashMap::new(), 0);
        loop {
            let Told { messages: page, bounds: (up_to, is_complete) } =
                since(&*store, scene.thread, after, limit).await;
            assert!(page.len() <= limit as usize, "a page keeps to its size");
            told.extend(page.into_iter().map(|message| (message.seq, message.content)));
            if is_complete {
                break;
            }
            assert!(up_to > after, "a page that is not the last one goes on");
            after = up_to;
        }
        let expected: HashMap<u64, String> = (3..=12).map(|seq| (seq, "round 2".to_owned())).collect();
        assert_eq!(told, expected, "pages of {limit}");
    }
}

/// A change that comes again, on this store or on another one, is told to whoever asks from before it.
pub async fn a_change_that_comes_again_is_told(harness: &dyn Harness) {
    let (first, second) = (harness.open().await, harness.open().await);
    let scene = Scene::with_people(&*first, 2).await;
    let messages = append(&*first, &scene.talk(2)).await;
    let wanted = edit(&messages[1], &scene, "edited");
    done(&*first, &wanted).await;
    let again = change_one(&*second, &wanted).await;
    assert!(matches!(again, Changed::Before(..)), "{again:?}");
    let Told { messages: told, bounds: (up_to, is_complete) } =
        since(&*first, scene.thread, 0, PAGE_MAX).await;
    assert_eq!((places(&told), is_complete), (vec![2], true));
    assert!(up_to >= 1);
}

/// A number that the thread has never had, and a thread that does not exist.
pub async fn a_number_of_another_life_is_recognised(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(1)).await;
    assert_eq!(since(&*store, scene.thread, 7, 10).await, nothing(0));
    done(&*store, &edit(&messages[0], &scene, "edited")).await;
    assert_eq!(since(&*store, scene.thread, 7, 10).await, nothing(1));
    assert_eq!(since(&*store, scene.thread, u64::MAX, 10).await, nothing(1));
    let unknown = creation(&scene.people, 0).thread_id;
    assert_eq!(store.newest_change(unknown).await.expect("read the number"), 0);
    assert_eq!(since(&*store, unknown, 0, 10).await, nothing(0));
    assert_eq!(store.cursors(unknown).await.expect("read the cursors"), []);
}

/// While two writers change messages of one thread, a reader who goes on from each answer's number ends with
/// every message as it is.
pub async fn a_reader_beside_two_writers_misses_no_change(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(10)).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut writing = JoinSet::new();
    for writer in 0..WRITERS {
        let store = harness.open().await;
        let (scene, messages) = (scene.clone(), messages.clone());
        writing.spawn(async move {
            for n in 0..CHANGES {
                // Both writers change the same messages, sometimes several at once.
                let texts = (0..=n % 3).map(|i| (i, format!("{writer}/{n}/{i}")));
                let changes = texts.map(|(i, text)| edit(&messages[(n * 7 + i) % 10], &scene, &text));
                let changes: Vec<_> = changes.collect();
                store.change_messages(&changes).await.expect("change beside another writer");
            }
        });
    }
    let reader = harness.open().await;
    let thread = scene.thread;
    let over = Arc::clone(&is_over);
    let mut reading = JoinSet::new();
    reading.spawn(async move {
        let (mut known, mut after): (HashMap<MessageId, Message>, u64) = (HashMap::new(), 0);
        loop {
            // Whatever was written before this is read must be in the answers that follow it.
            let is_last = over.load(Ordering::Acquire);
            loop {
                let Told { messages: page, bounds: (up_to, is_complete) } =
                    since(&*reader, thread, after, 4).await;
                assert!(up_to >= after, "numbers only rise");
                known.extend(page.into_iter().map(|message| (message.id, message)));
                after = up_to;
                if is_complete {
                    break;
                }
            }
            if is_last {
                return known;
            }
            tokio::task::yield_now().await;
        }
    });
    writing.join_all().await;
    is_over.store(true, Ordering::Release);
    let known = reading.join_all().await.remove(0);
    for message in super::fixtures::history(&*store, scene.thread).await {
        assert_eq!(known.get(&message.id), Some(&message), "the reader has the message as it is");
    }
}

/// Everybody's cursors are told as they are.
pub async fn cursors_are_told_as_they_are(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 3).await;
    let messages = append(&*store, &scene.talk(6)).await;
    store.touch_threads(&messages).await.expect("touch");
    advance(&*store, &scene, 0, Cursor::Read, Some(4)).await;
    advance(&*store, &scene, 1, Cursor::Delivered, Some(6)).await;
    advance(&*store, &scene, 1, Cursor::Read, Some(2)).await;
    let of = |who: usize, delivered_seq, read_seq| PersonCursors {
        delivered_seq,
        read_seq,
        unread_after: None,
        user_id: scene.people[who].clone(),
    };
    let mut cursors = store.cursors(scene.thread).await.expect("read the cursors");
    cursors.retain(|cursors| cursors.delivered_seq > 0);
    assert_eq!(cursors, [of(0, 4, 4), of(1, 6, 2)]);
}

/// A page of changes.
#[derive(Debug, PartialEq)]
struct Told {
    messages: Vec<Message>,
    /// The number that the page goes up to, and whether it is the last one.
    bounds: (u64, bool),
}

/// The last page, up to this number, with nothing on it.
fn nothing(up_to: u64) -> Told {
    Told { messages: Vec::new(), bounds: (up_to, true) }
}

async fn since(store: &dyn Store, thread: ThreadId, after: u64, limit: u32) -> Told {
    let page = store.changes(thread, ChangePage { after, limit }).await.expect("read changes");
    assert!(page.messages.is_sorted_by_key(|changed| changed.change), "a page ascends");
    assert!(
        page.messages.iter().all(|one| one.change > after && one.change <= page.up_to),
        "within its bounds"
    );
    let messages = page.messages.into_iter().map(|changed| changed.message).collect();
    Told { messages, bounds: (page.up_to, page.is_complete) }
}

async fn done(store: &dyn Store, wanted: &WithCommandId<ChangeMessage>) {
    let changed = change_one(store, wanted).await;
    assert!(matches!(changed, Changed::Done(..)), "{changed:?}");
}

fn edit(message: &Message, scene: &Scene, text: &str) -> WithCommandId<ChangeMessage> {
    let content = Content::parse(text).expect("the text is content");
    let sender = scene.people.iter().find(|person| **person == message.sender_id).expect("they are in it");
    change(message, sender, Change::Edit { content, mentions: None }, 60)
}

fn delete(message: &Message, scene: &Scene) -> WithCommandId<ChangeMessage> {
    WithCommandId {
        wanted: ChangeMessage { change: Change::Delete, ..edit(message, scene, "x").wanted },
        ..edit(message, scene, "x")
    }
}

fn react(message: &Message, scene: &Scene, emoji: &str) -> WithCommandId<ChangeMessage> {
    change(message, &scene.people[0], Change::React { emoji: emoji.to_owned(), wish: Wish::Add }, 60)
}

fn places(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.seq).collect()
}
