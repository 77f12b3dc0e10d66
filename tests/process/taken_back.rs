//! A message that is taken back: who had not read it is told what is left to read, on both stores, also when
//! the command comes again.

use super::stage::{embedded, parts_over};
use crate::backends::Own;
use eventflow_bus::handler::{BatchHandler, Item, Performed};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{FANOUT, PERSIST};
use eventflow_metrics::Metrics;
use eventflow_mongo::MongoStore;
use eventflow_ports::WholeStore;
use eventflow_ports::store_contract::fixtures::{Scene, advance, append, at};
use eventflow_protocol::change::{Change, ChangeMessage, Cursor};
use eventflow_protocol::codec;
use eventflow_protocol::command::{Command, SendMessage};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::Message;
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::Frame;
use eventflow_protocol::{CommandId, UserId};
use eventflow_workers::persistence::Persistence;
use std::sync::Arc;

fn item(value: Command, redelivered: bool) -> Item<Command> {
    Item { id: CommandId::new().0, attempt: 0, redelivered, value, reply_to: None, trace: None }
}

fn take_back(message: &Message) -> Command {
    Command::ChangeMessage(ChangeMessage {
        thread_id: message.thread_id,
        message_id: message.id,
        by: message.sender_id.clone(),
        change: Change::Delete,
        at: at(60),
    })
}

fn say(scene: &Scene, content: &str) -> Command {
    Command::SendMessage(SendMessage {
        thread_id: scene.thread,
        sender_id: scene.people[0].clone(),
        content: Content::parse(content).unwrap(),
        attachments: Vec::new(),
        client_message_id: None,
        pairing: None,
        typed: None,
        reply_to: None,
        repeat_only: false,
        mentions: Vec::new(),
        at: at(61),
    })
}

/// What one event says here: a message and its place, or a person and what is left to them.
#[derive(Debug, PartialEq)]
enum Told {
    Message(u64),
    TakenBack(u64),
    Left(UserId, u64),
}

/// Carries out a batch and gives what it told, in order.
async fn told(stage: &Persistence, broker: &dyn Broker, batch: &[Item<Command>]) -> Vec<Told> {
    let Performed { outcomes, outbox } = stage.perform(batch).await.unwrap();
    assert_eq!(outcomes, vec![Outcome::Done; batch.len()]);
    let mut events = broker.subscribe(FANOUT.shard(0).name(), 1).await.unwrap();
    stage.announce(&outbox).await.unwrap();
    let frame = Frame::decode(&events.next().await.unwrap().payload).unwrap();
    let read = |body: &[u8]| match codec::decode::<Event>(body).unwrap() {
        Event::MessageStored { message, .. } => Told::Message(message.seq),
        Event::MessageChanged { message, .. } => Told::TakenBack(message.seq),
        Event::ThreadChanged { user_id, unread_count, .. } => Told::Left(user_id, unread_count.unwrap()),
        other => panic!("nobody asked for {other:?}"),
    };
    frame.items.iter().map(|envelope| read(&envelope.body)).collect()
}

async fn who_had_not_read_it_is_told<S: WholeStore>(
    store: Arc<S>,
    broker: Arc<dyn Broker>,
    redelivered: bool,
) {
    let stage = Persistence::open(
        &PERSIST,
        0,
        parts_over(Arc::clone(&store), Arc::clone(&broker)),
        &Metrics::default(),
    )
    .await
    .unwrap();
    let scene = Scene::with_people(&*store, 3).await;
    let messages = append(&*store, &[0, 0].map(|who| scene.say(who, "oh"))).await;
    advance(&*store, &scene, 2, Cursor::Read, Some(2)).await;
    let batch = [
        item(say(&scene, "before"), redelivered),
        item(take_back(&messages[1]), redelivered),
        item(say(&scene, "after"), redelivered),
    ];
    let expected = [
        Told::Message(3),
        Told::TakenBack(2),
        // The message before, but not the one after, and one that was there.
        Told::Left(scene.people[1].clone(), 2),
        Told::Message(4),
    ];
    assert_eq!(told(&stage, &*broker, &batch).await, expected, "redelivered: {redelivered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_had_not_read_what_is_taken_back_is_told_from_the_data_file() {
    for redelivered in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (store, broker) = embedded(folder.path()).await;
        who_had_not_read_it_is_told(store, broker, redelivered).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_had_not_read_what_is_taken_back_is_told_from_mongodb() {
    for redelivered in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (_, broker) = embedded(folder.path()).await;
        let own = Own::create("taken_back").await.unwrap();
        let store = Arc::new(MongoStore::connect(&own.backends.mongodb).await.unwrap());
        store.prepare().await.unwrap();
        who_had_not_read_it_is_told(store, broker, redelivered).await;
        own.delete().await.unwrap();
    }
}
