//! A store that is up and fails at one document: what needs it is tried again later by itself, and the others
//! of its batch are done.
//!
//! A test holds the document in a transaction of its own. The server lets a write to it wait until that ends,
//! and carries out all other writes meanwhile.

use super::batches::{carry_out, item, user};
use super::stage::embedded;
use super::stage::{fanout_over, parts_over};
use crate::backends::Own;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::PERSIST;
use eventflow_metrics::Metrics;
use eventflow_mongo::MongoStore;
use eventflow_ports::{Clock, MemoryRegistry, MessagePage, Store, SystemClock};
use eventflow_protocol::change::{Change, ChangeMessage};
use eventflow_protocol::command::{Command, CreateThread, SendMessage};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::Message;
use eventflow_protocol::event::Event;
use eventflow_protocol::{CommandId, ThreadId};
use eventflow_workers::fanout::Fanout;
use eventflow_workers::persistence::Persistence;
use mongodb::bson::{Document, doc, oid::ObjectId};
use mongodb::{Client, ClientSession, Database};
use std::sync::Arc;

/// A stage over a database of its own, with two threads of Ann's that hold one message each.
struct Scene {
    own: Own,
    _folder: tempfile::TempDir,
    store: Arc<MongoStore>,
    broker: Arc<dyn Broker>,
    stage: Persistence,
    threads: [ThreadId; 2],
}

impl Scene {
    async fn create(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (_, broker) = embedded(folder.path()).await;
        let own = Own::create(name).await.unwrap();
        let store = Arc::new(MongoStore::connect(&own.backends.mongodb).await.unwrap());
        store.prepare().await.unwrap();
        let parts = parts_over(Arc::clone(&store), Arc::clone(&broker));
        let stage = Persistence::open(&PERSIST, 0, parts, &Metrics::default()).await.unwrap();
        let mut threads = [ThreadId::derive(&[], "{}"); 2];
        for (thread, other) in threads.iter_mut().zip(["ben", "eve"]) {
            let create = with(other);
            *thread = create.thread_id;
            let batch = [item(Command::CreateThread(create)), say(*thread, "first")];
            assert_eq!(carry_out(&stage, &batch).await, [Outcome::Done, Outcome::Done]);
        }
        Self { own, _folder: folder, store, broker, stage, threads }
    }

    async fn first_message(&self, thread: ThreadId) -> Message {
        let page = MessagePage { limit: 1, ..MessagePage::default() };
        self.store.messages(thread, page).await.unwrap().pop().unwrap()
    }

    async fn database(&self) -> (Client, Database) {
        let client = Client::with_uri_str(&self.own.backends.mongodb).await.unwrap();
        let database = client.default_database().unwrap();
        (client, database)
    }
}

fn with(other: &str) -> CreateThread {
    let participants = vec![user("ann"), user(other)];
    CreateThread {
        thread_id: ThreadId::derive(&participants, "{}"),
        participants,
        metadata: serde_json::Map::new(),
        group: None,
        created_by: user("ann"),
        at: SystemClock.now(),
    }
}

fn say(thread_id: ThreadId, content: &str) -> Item<Command> {
    item(Command::SendMessage(SendMessage {
        thread_id,
        sender_id: user("ann"),
        content: Content::parse(content).unwrap(),
        attachments: Vec::new(),
        client_message_id: None,
        pairing: None,
        typed: None,
        reply_to: None,
        repeat_only: false,
        mentions: Vec::new(),
        at: SystemClock.now(),
    }))
}

fn edit(message: &Message) -> Item<Command> {
    item(Command::ChangeMessage(ChangeMessage {
        thread_id: message.thread_id,
        message_id: message.id,
        by: user("ann"),
        change: Change::Edit { content: Content::parse("second").unwrap(), mentions: None },
        at: SystemClock.now(),
    }))
}

/// Writes to a document and keeps the transaction open.
async fn hold(client: &Client, database: &Database, collection: &str, id: [u8; 12]) -> ClientSession {
    let mut session = client.start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    let filter = doc! { "_id": ObjectId::from_bytes(id) };
    let write = database.collection::<Document>(collection);
    let held =
        write.update_one(filter, doc! { "$set": { "held": true } }).session(&mut session).await.unwrap();
    assert_eq!(held.matched_count, 1);
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_alone_takes_too_long_is_tried_again_by_itself_and_its_neighbours_are_told() {
    let scene = Scene::create("slow-change").await;
    let (client, database) = scene.database().await;
    let [held, free] =
        [scene.first_message(scene.threads[0]).await, scene.first_message(scene.threads[1]).await];
    let mut session = hold(&client, &database, "messages", held.id.bytes()).await;
    let batch = [edit(&held), edit(&free)];
    let performed = scene.stage.perform(&batch).await.expect("the store is up");
    assert!(matches!(performed.outcomes[0], Outcome::Retry { .. }), "{:?}", performed.outcomes);
    assert_eq!(performed.outcomes[1], Outcome::Done);
    assert_eq!(performed.outbox.events().count(), 1, "the neighbour was done by the attempt that failed");
    session.abort_transaction().await.unwrap();
    let again = scene.stage.perform(&batch[..1]).await.unwrap();
    assert_eq!(again.outcomes, [Outcome::Done]);
    assert_eq!(scene.first_message(scene.threads[0]).await.content, "second");
    scene.own.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_whose_document_cannot_be_written_holds_no_other_up() {
    let scene = Scene::create("slow-thread").await;
    let (client, database) = scene.database().await;
    let mut session = hold(&client, &database, "threads", scene.threads[0].bytes()).await;
    let batch = scene.threads.map(|thread| say(thread, "second"));
    assert_eq!(carry_out(&scene.stage, &batch).await, [Outcome::Done, Outcome::Done]);
    let free = scene.store.thread(scene.threads[1]).await.unwrap().unwrap();
    assert_eq!(free.last_seq, 2, "it is brought up to its newest message");
    session.abort_transaction().await.unwrap();
    assert_eq!(carry_out(&scene.stage, &[say(scene.threads[0], "third")]).await, [Outcome::Done]);
    let held = scene.store.thread(scene.threads[0]).await.unwrap().unwrap();
    assert_eq!(held.last_seq, 3, "it follows with its next message");
    scene.own.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_thread_that_cannot_be_read_hold_no_other_up() {
    let scene = Scene::create("unreadable-thread").await;
    let (_, database) = scene.database().await;
    let filter = doc! { "_id": ObjectId::from_bytes(scene.threads[0].bytes()) };
    let threads = database.collection::<Document>("threads");
    threads.update_one(filter, doc! { "$set": { "participants": 5 } }).await.unwrap();
    let registry = Arc::new(MemoryRegistry::default());
    let parts = fanout_over(Arc::clone(&scene.store), Arc::clone(&scene.broker), registry);
    let fanout = Fanout::open(0, parts, &Metrics::default()).await.unwrap();
    let mut batch = Vec::new();
    for thread in scene.threads {
        let value = Event::MessageStored { message: scene.first_message(thread).await, repeated: false };
        let id = CommandId::new().0;
        batch.push(Item { id, attempt: 0, redelivered: false, value, reply_to: None, trace: None });
    }
    let performed = fanout.perform(&batch).await.expect("the store is up");
    let is_isolated = matches!(performed.outcomes[0], Outcome::Retry { .. } | Outcome::Reject { .. });
    assert!(is_isolated, "{:?}", performed.outcomes);
    assert_eq!(performed.outcomes[1], Outcome::Done);
    scene.own.delete().await.unwrap();
}
