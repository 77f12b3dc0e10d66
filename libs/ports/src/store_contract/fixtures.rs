//! People, threads and messages for the checks, and the queries that many checks share.
//!
//! Ids are fresh in every scene. Times are counted from a fixed time zero, so a check decides which message
//! is younger.

use crate::store::{Appended, MessagePage, NewMessage, PAGE_MAX, Place, Store, ThreadPage, WithCommandId};
use eventflow_protocol::change::{AdvanceCursor, Advanced, Change, ChangeMessage, Changed, Cursor};
use eventflow_protocol::command::{CreateThread, SendMessage};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::{Message, ThreadStatus, ThreadView};
use eventflow_protocol::{CommandId, ThreadId, Timestamp, UserId};
use serde_json::Map;

/// Time zero of the scenes: 2024-01-13T12:00:00Z.
const ZERO_MS: i64 = 1_705_147_200_000;

/// A thread and the people in it.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Id of the thread, which exists.
    pub thread: ThreadId,
    /// Everybody in the thread, sorted.
    pub people: Vec<UserId>,
}

impl Scene {
    /// Creates a thread of `count` fresh people.
    pub async fn with_people(store: &dyn Store, count: usize) -> Self {
        Self::between(store, fresh_people(count)).await
    }

    /// Creates another thread of these people.
    pub async fn between(store: &dyn Store, people: Vec<UserId>) -> Self {
        let create = creation(&people, 0);
        let (thread, created) = store.create_thread(&create).await.expect("create a thread");
        assert!(created, "a fresh thread is created");
        Self { thread: thread.id, people }
    }

    /// A new message of the person with this index.
    pub fn say(&self, who: usize, text: &str) -> NewMessage {
        say(self.thread, &self.people[who], text)
    }

    /// A new message with the sender's own key.
    pub fn say_keyed(&self, who: usize, text: &str, key: &str) -> NewMessage {
        let mut new = self.say(who, text);
        new.send.client_message_id = Some(key.to_owned());
        new
    }

    /// `count` new messages, with people taking turns.
    pub fn talk(&self, count: usize) -> Vec<NewMessage> {
        (0..count).map(|i| self.say(i % self.people.len(), &format!("message {i}"))).collect()
    }
}

/// Fresh user ids, sorted. Half of them have all that a database could take for a path, an operator or an
/// escape.
pub fn fresh_people(count: usize) -> Vec<UserId> {
    let group = CommandId::new().0.simple();
    let plain = |i: usize| format!("user_{i:05}_{group}");
    let odd = |i: usize| format!("$auth0|{i:05}.{group} %2E'\"é");
    let name = |i: usize| if i.is_multiple_of(2) { odd(i) } else { plain(i) };
    let mut people: Vec<UserId> =
        (0..count).map(|i| name(i).parse().expect("the name is a user id")).collect();
    people.sort_unstable();
    people
}

/// A command that creates a thread of these people under a fresh id, `seconds` after time zero.
pub fn creation(people: &[UserId], seconds: i64) -> CreateThread {
    let mut metadata = Map::new();
    metadata.insert("subject".to_owned(), CommandId::new().0.to_string().into());
    let canonical = serde_json::to_string(&metadata).expect("a map of strings is JSON");
    CreateThread {
        thread_id: ThreadId::derive(people, &canonical),
        participants: people.to_vec(),
        metadata,
        group: None,
        created_by: people[0].clone(),
        at: at(seconds),
    }
}

/// What somebody asks for, under an id of its own.
pub fn commanded<T>(wanted: T) -> WithCommandId<T> {
    WithCommandId { command_id: CommandId::new(), wanted }
}

/// An object with numbers that no double holds, beside ordinary values.
pub const ODD_METADATA: &str =
    r#"{"double":117.63331139400017,"list":[1e+400,18446744073709551616,-0,1.50],"text":"x","whole":-7}"#;

/// [`ODD_METADATA`], read.
pub fn odd_metadata() -> Map<String, serde_json::Value> {
    serde_json::from_str(ODD_METADATA).expect("it is an object")
}

/// A new message in `thread`, without a key.
pub fn say(thread: ThreadId, sender: &UserId, text: &str) -> NewMessage {
    let send = SendMessage {
        thread_id: thread,
        sender_id: sender.clone(),
        content: Content::parse(text).expect("the text is content"),
        attachments: Vec::new(),
        client_message_id: None,
        pairing: None,
        typed: None,
        reply_to: None,
        repeat_only: false,
        mentions: Vec::new(),
        at: at(1),
    };
    NewMessage { command_id: CommandId::new(), send, redelivered: false }
}

/// The time `seconds` after time zero.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp(ZERO_MS + seconds * 1_000)
}

/// The same batch, as the broker redelivers it.
pub fn again(batch: &[NewMessage]) -> Vec<NewMessage> {
    batch.iter().map(|new| NewMessage { redelivered: true, ..new.clone() }).collect()
}

/// Appends a batch and expects every message to be stored now.
pub async fn append(store: &dyn Store, batch: &[NewMessage]) -> Vec<Message> {
    let answers = store.append_messages(batch).await.expect("append");
    assert_eq!(answers.len(), batch.len(), "one answer per message");
    answers.into_iter().map(stored).collect()
}

/// Appends a batch and expects every message to have been stored before.
pub async fn append_again(store: &dyn Store, batch: &[NewMessage]) -> Vec<Message> {
    let answers = store.append_messages(batch).await.expect("append again");
    assert_eq!(answers.len(), batch.len(), "one answer per message");
    answers.into_iter().map(duplicate).collect()
}

/// The message of an [`Appended::Stored`]; panics on another answer.
pub fn stored(answer: Appended) -> Message {
    match answer {
        Appended::Stored(message) => message,
        other => panic!("expected a message stored now, got {other:?}"),
    }
}

/// The message of an [`Appended::Duplicate`]; panics on another answer.
pub fn duplicate(answer: Appended) -> Message {
    match answer {
        Appended::Duplicate(message) => message,
        other => panic!("expected a message stored before, got {other:?}"),
    }
}

/// The message, whether it was stored now or before.
pub fn present(answer: Appended) -> Message {
    match answer {
        Appended::Stored(message) | Appended::Duplicate(message) => message,
        other => panic!("expected a stored message, got {other:?}"),
    }
}

/// Reads a thread's whole history page by page, and expects its `seq` to be 1, 2, 3 ….
pub async fn history(store: &dyn Store, thread: ThreadId) -> Vec<Message> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let page = MessagePage {
            before: None,
            after: Some(Place::Seq(all.len() as u64)),
            since: 0,
            limit: PAGE_MAX,
        };
        let next = store.messages(thread, page).await.expect("read a page");
        if next.is_empty() {
            break;
        }
        all.extend(next);
    }
    let places: Vec<u64> = all.iter().map(|message| message.seq).collect();
    assert_eq!(places, (1..=all.len() as u64).collect::<Vec<_>>(), "seq has no gaps and no repeats");
    all
}

/// Expects a thread's history to be these commands in this order.
pub async fn expect_history(store: &dyn Store, thread: ThreadId, batch: &[NewMessage]) -> Vec<Message> {
    let all = history(store, thread).await;
    let found: Vec<_> = all.iter().map(|message| message.id).collect();
    assert_eq!(found, ids(batch), "the history is what was sent, in order");
    all
}

/// The ids that the messages of a batch have.
pub fn ids(batch: &[NewMessage]) -> Vec<eventflow_protocol::MessageId> {
    batch.iter().map(|new| new.command_id.into()).collect()
}

/// Reads a thread as `viewer` sees it, who is in it.
pub async fn view(store: &dyn Store, thread: ThreadId, viewer: &UserId) -> ThreadView {
    store.thread_view(thread, viewer).await.expect("view a thread").expect("the viewer is in the thread")
}

/// Everybody's unread count, in the order of the scene's people.
pub async fn unread(store: &dyn Store, scene: &Scene) -> Vec<u64> {
    let mut counts = Vec::new();
    for person in &scene.people {
        counts.push(view(store, scene.thread, person).await.unread_count);
    }
    counts
}

/// A command of `by` to change a message, `seconds` after time zero.
pub fn change(message: &Message, by: &UserId, change: Change, seconds: i64) -> WithCommandId<ChangeMessage> {
    let (thread_id, message_id) = (message.thread_id, message.id);
    let wanted = ChangeMessage { thread_id, message_id, by: by.clone(), change, at: at(seconds) };
    WithCommandId { command_id: CommandId::new(), wanted }
}

/// Applies one change.
pub async fn change_one(store: &dyn Store, change: &WithCommandId<ChangeMessage>) -> Changed {
    let mut answers = store.change_messages(std::slice::from_ref(change)).await.expect("change a message");
    assert_eq!(answers.len(), 1, "one answer per change");
    answers.remove(0)
}

/// Moves the cursor of the scene's person with this index, 50 s after time zero.
pub async fn advance(
    store: &dyn Store,
    scene: &Scene,
    who: usize,
    cursor: Cursor,
    up_to: Option<u64>,
) -> Advanced {
    let advance = AdvanceCursor {
        thread_id: scene.thread,
        user_id: scene.people[who].clone(),
        cursor,
        up_to,
        at: at(50),
    };
    let mut answers = store.advance(&[advance]).await.expect("advance");
    assert_eq!(answers.len(), 1, "one answer per advance");
    answers.remove(0).expect("they are in the thread")
}

/// The first page of active threads, `limit` long.
pub fn first_threads(limit: u32) -> ThreadPage {
    ThreadPage { status: ThreadStatus::Active, after: None, skip: 0, limit }
}
