//! Scheduled messages from their time to their end: the worker that finds them due, and the stage that stores
//! them.

use super::stage::{embedded, parts_over};
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{PERSIST, Topology};
use eventflow_embedded::EmbeddedStore;
use eventflow_metrics::Metrics;
use eventflow_ports::store_contract::fixtures::{at, fresh_people};
use eventflow_ports::{FixedClock, MessagePage, Scheduled, Store};
use eventflow_protocol::command::{Command, CreateThread, LeaveThread, SendMessage};
use eventflow_protocol::content::Content;
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::Frame;
use eventflow_protocol::scheduled::{NotSent, ScheduleMessage, ScheduledMessage, ScheduledState};
use eventflow_protocol::{CommandId, MessageId, ScheduledId, ThreadId, UserId, codec};
use eventflow_workers::persistence::Persistence;
use eventflow_workers::scheduled::{ScheduledParts, ScheduledWorker};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// Both stages on embedded backends, and a thread of two people.
struct Stage {
    _folder: TempDir,
    persistence: Persistence,
    worker: ScheduledWorker,
    store: Arc<EmbeddedStore>,
    broker: Arc<dyn Broker>,
    clock: Arc<FixedClock>,
    thread: ThreadId,
    people: Vec<UserId>,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, broker) = embedded(folder.path()).await;
        let parts = parts_over(Arc::clone(&store), Arc::clone(&broker));
        let persistence = Persistence::open(&PERSIST, 0, parts, &Metrics::default()).await.unwrap();
        let clock = Arc::new(FixedClock::at(at(1)));
        let parts = ScheduledParts {
            scheduled: Arc::clone(&store) as _,
            broker: Arc::clone(&broker),
            clock: Arc::clone(&clock) as _,
            topology: Topology::new(1),
        };
        let worker = ScheduledWorker::open(parts).await.unwrap();
        let mut people = fresh_people(2);
        people.sort_unstable();
        let create = CreateThread {
            thread_id: ThreadId::derive(&people, "{}"),
            participants: people.clone(),
            metadata: serde_json::Map::new(),
            created_by: people[0].clone(),
            at: at(0),
        };
        store.create_thread(&create).await.unwrap();
        let thread = create.thread_id;
        Self { _folder: folder, persistence, worker, store, broker, clock, thread, people }
    }

    /// Schedules a message for this second.
    async fn schedule(&self, key: &str, seconds: i64) -> ScheduledId {
        let message = SendMessage {
            thread_id: self.thread,
            sender_id: self.people[0].clone(),
            content: Content::parse("later").unwrap(),
            attachments: Vec::new(),
            reply_to: None,
            client_message_id: Some(key.to_owned()),
            pairing: None,
            typed: None,
            scheduled: None,
            at: at(1),
        };
        let id = ScheduledId::of_key(&message.sender_id, key);
        let new = ScheduleMessage { id, message, send_at: at(seconds) };
        let events = self.carry_out(&[item(Command::ScheduleMessage(Box::new(new)))]).await;
        assert_eq!(states(&events), [(ScheduledState::Waiting, None)]);
        id
    }

    async fn carry_out(&self, batch: &[Item<Command>]) -> Vec<Event> {
        let performed = self.persistence.perform(batch).await.unwrap();
        assert_eq!(performed.outcomes, vec![Outcome::Done; batch.len()]);
        performed.outbox.events().cloned().collect()
    }

    /// The commands that the worker has put into the queue of the stage.
    async fn sent(&self) -> Vec<Item<Command>> {
        let mut queue = self.broker.subscribe(PERSIST.shard(0).name(), 1).await.unwrap();
        let frame = timeout(PATIENCE, queue.next()).await.expect("something is sent").unwrap();
        queue.ack(&[frame.tag]).await.unwrap();
        let items = Frame::decode(&frame.payload).unwrap().items;
        let command = |body: &[u8]| codec::decode(body).unwrap();
        items.iter().map(|sent| Item { id: sent.id, ..item(command(&sent.body)) }).collect()
    }

    async fn history(&self) -> Vec<MessageId> {
        let page = MessagePage { before: None, after: None, limit: 100 };
        self.store.messages(self.thread, page).await.unwrap().iter().map(|message| message.id).collect()
    }

    async fn kept(&self, id: ScheduledId) -> ScheduledMessage {
        self.store.scheduled(id).await.unwrap().unwrap()
    }
}

fn item(command: Command) -> Item<Command> {
    let id = CommandId::new().0;
    Item { id, attempt: 0, redelivered: false, value: command, reply_to: None, trace: None }
}

/// What the sender is told.
fn states(events: &[Event]) -> Vec<(ScheduledState, Option<NotSent>)> {
    let state = |event: &Event| match event {
        Event::ScheduledChanged { scheduled, .. } => Some((scheduled.state, scheduled.reason)),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_at_its_time_and_stored_once_however_often_its_command_comes() {
    let mut stage = Stage::new().await;
    let id = stage.schedule("k", 100).await;
    assert!(!stage.worker.send_some().await.unwrap(), "it is not due");
    stage.clock.advance(99_000);
    assert!(stage.worker.send_some().await.unwrap());
    assert!(!stage.worker.send_some().await.unwrap(), "it is taken");
    // Nobody carries the command out, as while the store is away; then both come.
    let mut commands = stage.sent().await;
    stage.clock.advance(31_000);
    assert!(stage.worker.send_some().await.unwrap());
    commands.extend(stage.sent().await);
    assert_eq!(commands[0].id, commands[1].id);
    for command in commands {
        let events = stage.carry_out(&[command]).await;
        assert_eq!(states(&events), [(ScheduledState::Sent, None)]);
    }
    let kept = stage.kept(id).await;
    assert_eq!(stage.history().await, [kept.message_id.unwrap()]);
    let stored = stage.store.message(kept.message_id.unwrap()).await.unwrap().unwrap();
    assert_eq!((stored.created_at, stored.client_message_id.as_deref()), (at(100), Some("k")));
    stage.clock.advance(10_000_000);
    assert!(!stage.worker.send_some().await.unwrap(), "it has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_left_sends_nothing_and_is_told_why() {
    let mut stage = Stage::new().await;
    let id = stage.schedule("k", 100).await;
    let (thread_id, user_id) = (stage.thread, stage.people[0].clone());
    stage.carry_out(&[item(Command::LeaveThread(LeaveThread { thread_id, user_id, at: at(50) }))]).await;
    stage.clock.advance(200_000);
    assert!(stage.worker.send_some().await.unwrap());
    let events = stage.carry_out(&stage.sent().await).await;
    assert_eq!(states(&events), [(ScheduledState::NotSent, Some(NotSent::NotInThread))]);
    assert_eq!((stage.history().await, stage.kept(id).await.state), (vec![], ScheduledState::NotSent));
}
