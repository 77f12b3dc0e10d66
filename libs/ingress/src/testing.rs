//! A small system for tests: a store in memory, a broker whose worker answers at once, and the ingress on top of both.
//!
//! The broker can be told to answer late or to be away, the store to be away. What the worker stores is what the store shows.

use crate::{IngressConfig, IngressParts};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_bus::port::{Broker, BrokerError, Depth, Health, Outgoing, Publish, Subscription};
use eventflow_bus::request::Requests;
use eventflow_bus::topology::Topology;
use eventflow_metrics::Metrics;
use eventflow_ports::{Appended, FixedClock, Membership, MemoryRegistry, MessagePage, NewMessage, Store, StoreError, ThreadPage};
use eventflow_protocol::codec;
use eventflow_protocol::command::{Command, CreateThread, SendMessage};
use eventflow_protocol::document::{Message, Thread, ThreadStatus, ThreadView};
use eventflow_protocol::event::Participants;
use eventflow_protocol::frame::Frame;
use eventflow_protocol::reply::{Answer, ReplyFrame};
use eventflow_protocol::{CommandId, ErrorCode, GatewayId, ThreadId, Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// The store of a test.
#[derive(Default)]
pub(crate) struct TestStore {
    threads: Mutex<BTreeMap<ThreadId, Thread>>,
    messages: Mutex<Vec<Message>>,
    pub(crate) is_down: AtomicBool,
}

impl TestStore {
    fn check(&self) -> Result<(), StoreError> {
        if self.is_down.load(SeqCst) {
            return Err(StoreError::Unavailable { what: "test", source: "secret-host:27017 is down".into() });
        }
        Ok(())
    }

    /// A thread of these people.
    pub(crate) fn thread_of(&self, people: &[&str]) -> ThreadId {
        let participants: Vec<UserId> = people.iter().map(|name| name.parse().unwrap()).collect();
        let thread_id = ThreadId::derive(&participants, "{}");
        let created_by = participants[0].clone();
        self.create(&CreateThread { thread_id, participants, metadata: serde_json::Map::new(), created_by, at: NOW }).0.id
    }

    fn create(&self, create: &CreateThread) -> (Thread, bool) {
        let mut threads = self.threads.lock();
        if let Some(thread) = threads.get(&create.thread_id) {
            return (thread.clone(), false);
        }
        let mut participants = create.participants.clone();
        participants.sort_unstable();
        let thread = Thread {
            id: create.thread_id,
            participants,
            last_message_id: None,
            last_message_at: None,
            last_seq: 0,
            status: ThreadStatus::Active,
            metadata: create.metadata.clone(),
            created_at: create.at,
            updated_at: create.at,
        };
        threads.insert(thread.id, thread.clone());
        (thread, true)
    }

    fn append(&self, id: CommandId, send: SendMessage) -> (Message, bool) {
        let mut messages = self.messages.lock();
        let key = send.client_message_id.clone();
        if let Some(known) = messages.iter().find(|known| key.is_some() && known.client_message_id == key) {
            return (known.clone(), true);
        }
        let seq = messages.iter().filter(|message| message.thread_id == send.thread_id).count() as u64 + 1;
        let message = send.into_message(id, seq);
        messages.push(message.clone());
        (message, false)
    }

    fn view(thread: &Thread) -> ThreadView {
        ThreadView { thread: thread.clone(), unread_count: 0, last_message: None }
    }
}

#[async_trait]
impl Store for TestStore {
    async fn append_messages(&self, _batch: &[NewMessage]) -> Result<Vec<Appended>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn touch_threads(&self, _messages: &[Message]) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn create_thread(&self, _create: &CreateThread) -> Result<(Thread, bool), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn thread(&self, id: ThreadId) -> Result<Option<Thread>, StoreError> {
        self.check()?;
        Ok(self.threads.lock().get(&id).cloned())
    }
    async fn thread_view(&self, id: ThreadId, viewer: &UserId) -> Result<Option<ThreadView>, StoreError> {
        let thread = self.thread(id).await?;
        Ok(thread.filter(|thread| thread.participants.contains(viewer)).as_ref().map(Self::view))
    }
    async fn participants(&self, ids: &[ThreadId]) -> Result<HashMap<ThreadId, Participants>, StoreError> {
        self.check()?;
        let threads = self.threads.lock();
        let found = ids.iter().filter_map(|id| threads.get(id));
        Ok(found.map(|thread| (thread.id, thread.participants.as_slice().into())).collect())
    }
    async fn threads_of(&self, viewer: &UserId, page: ThreadPage) -> Result<Vec<ThreadView>, StoreError> {
        self.check()?;
        let threads = self.threads.lock();
        let own = threads.values().filter(|thread| thread.participants.contains(viewer));
        let rest = own.filter(|thread| page.after.is_none_or(|(_, after)| thread.id > after)).skip(page.skip as usize);
        Ok(rest.take(page.limit as usize).map(Self::view).collect())
    }
    async fn messages(&self, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>, StoreError> {
        self.check()?;
        let messages = self.messages.lock();
        let wanted = |message: &&Message| {
            message.thread_id == thread
                && page.before.is_none_or(|before| message.seq < before)
                && page.after.is_none_or(|after| message.seq > after)
        };
        let found: Vec<Message> = messages.iter().filter(wanted).cloned().collect();
        let limit = (page.limit as usize).min(found.len());
        Ok(if page.after.is_some() { found[..limit].to_vec() } else { found[found.len() - limit..].to_vec() })
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.check()
    }
}

/// A broker with a worker inside that answers at once.
pub(crate) struct TestBroker {
    store: Arc<TestStore>,
    health: watch::Sender<Health>,
    /// The worker stores and says nothing.
    is_silent: Arc<AtomicBool>,
    /// The worker refuses every message with this code.
    refuses: Arc<Mutex<Option<ErrorCode>>>,
}

#[async_trait]
impl Broker for TestBroker {
    async fn declare(&self, _topology: &Topology) -> Result<(), BrokerError> {
        Ok(())
    }
    async fn declare_gateway(&self, _gateway: &GatewayId) -> Result<bool, BrokerError> {
        Ok(true)
    }
    async fn remove_gateway(&self, _gateway: &GatewayId) -> Result<(), BrokerError> {
        Ok(())
    }
    async fn publisher(&self, replies: Option<mpsc::Sender<Bytes>>) -> Result<Box<dyn Publish>, BrokerError> {
        let (store, is_silent) = (Arc::clone(&self.store), Arc::clone(&self.is_silent));
        Ok(Box::new(TestPublisher { store, is_silent, refuses: Arc::clone(&self.refuses), replies }))
    }
    async fn subscribe(&self, queue: &str, _prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        Err(BrokerError::Unroutable(queue.to_owned()))
    }
    async fn reply(&self, _address: &str, _payload: Bytes) {}
    async fn depth(&self, _queue: &str) -> Result<Depth, BrokerError> {
        Ok(Depth::default())
    }
    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }
}

struct TestPublisher {
    store: Arc<TestStore>,
    is_silent: Arc<AtomicBool>,
    refuses: Arc<Mutex<Option<ErrorCode>>>,
    replies: Option<mpsc::Sender<Bytes>>,
}

#[async_trait]
impl Publish for TestPublisher {
    async fn publish(&mut self, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>> {
        for message in &messages {
            let frame = Frame::decode(&message.payload).unwrap();
            let answers = frame.items.iter().map(|item| {
                let id = CommandId(item.id);
                (id, self.work(id, codec::decode(&item.body).unwrap()))
            });
            let reply = ReplyFrame { answers: answers.collect() }.encode().unwrap();
            if let Some(replies) = self.replies.as_ref().filter(|_| !self.is_silent.load(SeqCst)) {
                replies.send(reply).await.unwrap();
            }
        }
        messages.iter().map(|_| Ok(())).collect()
    }
}

impl TestPublisher {
    fn work(&self, id: CommandId, command: Command) -> Answer {
        if let Some(code) = *self.refuses.lock() {
            return Answer::Refused { code, error: "refused by the worker".into() };
        }
        match command {
            Command::CreateThread(create) => {
                let (thread, created) = self.store.create(&create);
                Answer::Thread { thread: Box::new(thread), created }
            }
            Command::SendMessage(send) => {
                let (message, deduplicated) = self.store.append(id, send);
                Answer::Message { message: Box::new(message), deduplicated }
            }
        }
    }
}

/// Everything the ingress needs, and the switches.
pub(crate) struct World {
    pub(crate) parts: IngressParts,
    pub(crate) store: Arc<TestStore>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) registry: Arc<MemoryRegistry>,
    pub(crate) tracker: TaskTracker,
    broker: Arc<TestBroker>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With other settings.
    pub(crate) async fn with(configure: impl FnOnce(&mut IngressConfig)) -> Self {
        let store = Arc::new(TestStore::default());
        let (clock, registry) = (Arc::new(FixedClock::at(NOW)), Arc::new(MemoryRegistry::default()));
        let broker = Arc::new(TestBroker {
            store: Arc::clone(&store),
            health: watch::Sender::new(Health::Up),
            is_silent: Arc::default(),
            refuses: Arc::default(),
        });
        let (tracker, metrics) = (TaskTracker::new(), Metrics::default());
        let port: Arc<dyn Broker> = broker.clone();
        let requests = Requests::open(&port, Topology::new(2), &metrics, &tracker).await.unwrap();
        let mut config = IngressConfig::new(SECRET);
        configure(&mut config);
        let membership = Membership::new(store.clone());
        let parts = IngressParts {
            store: store.clone(),
            membership,
            registry: registry.clone(),
            requests,
            clock: clock.clone(),
            metrics,
            config,
        };
        Self { parts, store, clock, registry, tracker, broker }
    }

    /// The broker is away.
    pub(crate) fn disconnect_broker(&self) {
        self.broker.health.send_replace(Health::Down("amqp://secret-host is gone".into()));
    }

    /// The worker is slow.
    pub(crate) fn silence_worker(&self) {
        self.broker.is_silent.store(true, SeqCst);
    }

    /// The worker refuses every command.
    pub(crate) fn refuse_all(&self, code: ErrorCode) {
        *self.broker.refuses.lock() = Some(code);
    }

    /// A token for a user, valid for an hour.
    pub(crate) fn token(&self, user: &str) -> String {
        let tokens = crate::identity::Tokens::new(SECRET, self.clock.clone()).unwrap();
        tokens.mint(&user.parse().unwrap(), user, 3_600)
    }
}
