//! Poison: commands that cannot be read, or that crash or hang their handler, among thousands of good ones.
//!
//! The test runs the real persistence stage on the real brokers. Every good command must be carried out once.
//! Every poison command must be parked with its reason and attempts, and the worker must go on. The fault of
//! a marked command strikes after its neighbours were stored, so the test also shows their repetition.

use super::stage::parts_over;
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_amqp::{AmqpBroker, AmqpConfig};
use eventflow_bus::consume::{Consumer, Declares, StageState};
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, Health, Incoming, Outgoing};
use eventflow_bus::topology::{DELIVERY_LIMIT, PERSIST, Topology, dead};
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_metrics::Metrics;
use eventflow_mongo::MongoStore;
use eventflow_ports::{Clock, MessagePage, Place, Store, SystemClock, WholeStore};
use eventflow_protocol::command::{Command, CreateThread, SendMessage};
use eventflow_protocol::content::Content;
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::{CommandId, ThreadId, UserId, codec};
use eventflow_testkit::{PATIENCE, Servers, Vhost, eventually, servers::own_name};
use eventflow_workers::persistence::{CommandOutbox, Persistence};
use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

const GOOD: usize = 10_000;
const THREADS: usize = 20;
/// Number of unreadable commands of each kind.
const UNREADABLE: usize = 5;
const PANICS: usize = 3;
const HANGS: usize = 2;
/// Message texts that make the handler fail.
const PANIC: &str = "this command panics";
const HANG: &str = "this command hangs";
const ABORT: &str = "this command aborts the process";
/// Handler timeout: short, so that the hangs do not dominate the test, and long enough for a good batch on a
/// busy machine.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(3);
/// Attempts of a command that crashes its handler.
const CRASH_ATTEMPTS: u32 = 3;
const SIGABRT: i32 = 6;
/// Environment variable that gives the child of the abort test its folder.
const CHILD_FOLDER: &str = "EVENTFLOW_TEST_POISON_FOLDER";
const CHILD_BROKER: &str = "EVENTFLOW_TEST_POISON_BROKER";
/// Number of good commands beside the one that aborts: more than one frame.
const ABORT_GOOD: usize = 400;
/// Limit of deaths: more than the delivery limit can take on any way. A frame dies three times, then its
/// envelope until the limit, and each may add one more.
const DEATHS_MAX: u32 = 2 * DELIVERY_LIMIT;

/// The real stage, in which a marked command fails as a fault of the stage would.
struct Faulty(Persistence);

#[async_trait]
impl BatchHandler for Faulty {
    type Value = Command;
    type Outbox = CommandOutbox;

    async fn perform(&self, batch: &[Item<Command>]) -> Result<Performed<CommandOutbox>, Unavailable> {
        let Some(marked) = batch.iter().find_map(|item| content(&item.value).filter(|text| is_marker(text)))
        else {
            return self.0.perform(batch).await;
        };
        let neighbours: Vec<_> =
            batch.iter().filter(|item| !content(&item.value).is_some_and(is_marker)).cloned().collect();
        self.0.perform(&neighbours).await?;
        match marked {
            PANIC => panic!("as the test wants it"),
            HANG => std::future::pending().await,
            _ => std::process::abort(),
        }
    }

    async fn announce(&self, outbox: &CommandOutbox) -> Result<(), Unavailable> {
        self.0.announce(outbox).await
    }

    async fn finalize(&self, announced: &[Arc<CommandOutbox>]) -> Result<(), Unavailable> {
        self.0.finalize(announced).await
    }
}

fn content(command: &Command) -> Option<&str> {
    match command {
        Command::SendMessage(send) => Some(send.content.as_str()),
        _ => None,
    }
}

fn is_marker(text: &str) -> bool {
    [PANIC, HANG, ABORT].contains(&text)
}

/// What the dead-letter queue must say about a parked message.
struct Fate {
    reason: &'static str,
    attempts: u32,
}

/// The published commands, and what must become of them.
#[derive(Default)]
struct Work {
    envelopes: Vec<Envelope>,
    /// Parked envelopes by id.
    parked: HashMap<Uuid, Fate>,
    /// Whole payloads that are no frames.
    strange: Vec<(Bytes, Fate)>,
    /// Texts by thread, in order.
    good: HashMap<ThreadId, Vec<String>>,
}

impl Work {
    /// `count` good commands in `THREADS` threads, which are created first.
    fn good(count: usize) -> Self {
        let mut work = Self::default();
        let threads: Vec<CreateThread> = (0..THREADS).map(new_thread).collect();
        for create in &threads {
            work.envelopes.push(envelope(codec::encode(&Command::CreateThread(create.clone())).unwrap()));
        }
        for n in 0..count {
            let thread = threads[n % THREADS].thread_id;
            work.envelopes.push(send(thread, &format!("good {n}")));
            work.good.entry(thread).or_default().push(format!("good {n}"));
        }
        work
    }

    /// Spreads poison envelopes evenly over the good ones.
    fn mix(&mut self, poison: Vec<(Envelope, Fate)>) {
        let step = self.envelopes.len() / (poison.len() + 1);
        for (n, (envelope, fate)) in poison.into_iter().enumerate() {
            self.parked.insert(envelope.id, fate);
            self.envelopes.insert(THREADS + (n + 1) * step, envelope);
        }
    }

    /// The envelopes as messages: frames, with the payloads that are no frames between them.
    fn messages(&self, queue: &str) -> Vec<Outgoing> {
        let frames = Frame::pack(self.envelopes.clone());
        let mut payloads: Vec<Bytes> = frames.iter().map(|frame| frame.encode().unwrap()).collect();
        for (n, (payload, _)) in self.strange.iter().enumerate() {
            payloads.insert((2 * n + 1).min(payloads.len()), payload.clone());
        }
        payloads.into_iter().map(|payload| Outgoing::to_queue(queue, payload)).collect()
    }
}

fn everything_that_is_poison() -> Work {
    let mut work = Work::good(GOOD);
    let thread = new_thread(0).thread_id;
    let mut poison = Vec::new();
    for n in 0..UNREADABLE {
        let garbage = [&[codec::VERSION], format!("\u{c1} garbage {n}").as_bytes()].concat();
        poison.push((envelope(garbage.into()), Fate { reason: "decode a body", attempts: 0 }));
        poison.push((envelope(Bytes::new()), Fate { reason: "decode an empty body", attempts: 0 }));
        poison.push((envelope(Bytes::from_static(&[9, 1, 2])), Fate { reason: "version 9", attempts: 0 }));
        work.strange.push((format!("no frame {n}").into(), Fate { reason: "version 110", attempts: 0 }));
        work.strange.push((
            vec![codec::VERSION, 0xc1, n.try_into().unwrap()].into(),
            Fate { reason: "decode", attempts: 0 },
        ));
    }
    for _ in 0..PANICS {
        let fate = Fate { reason: "panicked (gave up after 3 attempts)", attempts: CRASH_ATTEMPTS };
        poison.push((send(thread, PANIC), fate));
    }
    for _ in 0..HANGS {
        poison.push((send(thread, HANG), Fate { reason: "did not answer within", attempts: CRASH_ATTEMPTS }));
    }
    // The kinds of poison take turns, so that they do not come in blocks.
    poison.sort_by_key(|(envelope, _)| envelope.id.as_bytes()[15]);
    work.mix(poison);
    work
}

fn new_thread(n: usize) -> CreateThread {
    let participants: Vec<UserId> = ["ann", "ben"].map(|id| id.parse().unwrap()).into();
    let metadata = serde_json::Map::from_iter([("subject".to_owned(), n.into())]);
    let canonical = serde_json::Value::Object(metadata.clone()).to_string();
    let thread_id = ThreadId::derive(&participants, &canonical);
    CreateThread {
        thread_id,
        created_by: participants[0].clone(),
        participants,
        metadata,
        group: None,
        at: SystemClock.now(),
    }
}

fn send(thread_id: ThreadId, content: &str) -> Envelope {
    let command = Command::SendMessage(SendMessage {
        thread_id,
        sender_id: "ann".parse().unwrap(),
        content: Content::parse(content).unwrap(),
        attachments: Vec::new(),
        client_message_id: None,
        pairing: None,
        typed: None,
        reply_to: None,
        repeat_only: false,
        mentions: Vec::new(),
        at: SystemClock.now(),
    });
    envelope(codec::encode(&command).unwrap())
}

fn envelope(body: Bytes) -> Envelope {
    Envelope { id: CommandId::new().0, attempt: 0, body, trace: None }
}

/// A stage that consumes until it is stopped.
struct Worker {
    broker: Arc<dyn Broker>,
    store: Arc<dyn Store>,
    status: eventflow_bus::consume::StageStatus,
    metrics: Metrics,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Worker {
    async fn start<S: WholeStore>(broker: Arc<dyn Broker>, store: Arc<S>) -> Self {
        let metrics = Metrics::default();
        let parts = parts_over(Arc::clone(&store), Arc::clone(&broker));
        let stage = Persistence::open(&PERSIST, 0, parts, &metrics).await.unwrap();
        let queue = PERSIST.shard(0);
        let declares = Declares::Topology(Topology::new(1));
        let series = metrics.bus.queue(queue.name());
        let consumer =
            Consumer::new(Arc::clone(&broker), queue.name(), declares, Arc::new(Faulty(stage)), series)
                .with_handler_timeout(HANDLER_TIMEOUT);
        let status = consumer.status();
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let stopped = stop.clone();
        tasks.spawn(async move { consumer.run(stopped).await });
        Self { broker, store, status, metrics, stop, tasks }
    }

    async fn waiting(&self) -> u64 {
        self.broker.depth(PERSIST.shard(0).name()).await.map_or(u64::MAX, |depth| depth.ready)
    }

    async fn parked(&self) -> u64 {
        self.broker.depth(&dead(PERSIST.shard(0).name())).await.map_or(0, |depth| depth.ready)
    }

    async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        timeout(PATIENCE, self.tasks.wait()).await.expect("the worker ends when it is told to");
    }
}

async fn publish(broker: &dyn Broker, messages: Vec<Outgoing>) {
    let mut publisher = broker.publisher(None).await.unwrap();
    for result in publisher.publish(messages).await {
        result.unwrap();
    }
}

async fn history(store: &dyn Store, thread: ThreadId) -> Vec<String> {
    let mut contents = Vec::new();
    loop {
        let page = MessagePage {
            after: Some(Place::Seq(contents.len() as u64)),
            before: None,
            since: 0,
            limit: 100,
        };
        let messages = store.messages(thread, page).await.unwrap();
        if messages.is_empty() {
            return contents;
        }
        for message in messages {
            assert_eq!(message.seq, contents.len() as u64 + 1, "no holes in the numbering of {thread}");
            contents.push(message.content);
        }
    }
}

async fn stored(store: &dyn Store, work: &Work) -> usize {
    let mut count = 0;
    for thread in work.good.keys() {
        count += history(store, *thread).await.len();
    }
    count
}

async fn assert_every_good_one_is_done_once(store: &dyn Store, work: &Work) {
    for (thread, contents) in &work.good {
        let count = contents.len() as u64;
        // Counters follow the messages: a worker brings threads up to them after it has announced them.
        let counted = eventually("the counters include each once", async || {
            let view = store.thread_view(*thread, &"ben".parse().unwrap()).await.unwrap().unwrap();
            let counters = (view.thread.last_seq, view.unread_count);
            (counters.0 >= count).then_some(counters)
        });
        assert_eq!(counted.await.unwrap(), (count, count));
        assert_eq!(&history(store, *thread).await, contents, "once each, in the order of the queue");
    }
}

async fn dead_letters(broker: &dyn Broker, count: usize) -> Vec<Incoming> {
    let mut subscription = broker.subscribe(&dead(PERSIST.shard(0).name()), u16::MAX).await.unwrap();
    let mut found = Vec::new();
    while found.len() < count {
        found.push(timeout(PATIENCE, subscription.next()).await.expect("a dead letter").unwrap());
    }
    subscription.cancel().await.unwrap();
    found
}

fn assert_fate(incoming: &Incoming, fate: &Fate) {
    let headers = &incoming.headers;
    let reason = headers.reason.as_deref().unwrap_or_default();
    assert!(reason.contains(fate.reason), "{reason:?} should say {:?}", fate.reason);
    assert_eq!((headers.attempt, headers.origin.as_deref()), (fate.attempts, Some("persist.0")), "{reason}");
}

/// Runs the whole test on one broker and store.
async fn poison_among_good_ones<S: WholeStore>(broker: Arc<dyn Broker>, store: Arc<S>) {
    broker.declare(&Topology::new(1)).await.unwrap();
    let mut work = everything_that_is_poison();
    let poison = work.parked.len() + work.strange.len();
    publish(broker.as_ref(), work.messages(PERSIST.shard(0).name())).await;
    let worker = Worker::start(Arc::clone(&broker), Arc::clone(&store)).await;

    let all_parked = async || (worker.parked().await == poison as u64).then_some(());
    eventually(&format!("all {poison} poison commands are parked"), all_parked).await.unwrap();
    let all_stored = async || (stored(store.as_ref(), &work).await >= GOOD).then_some(());
    eventually("all good commands are stored", all_stored).await.unwrap();
    assert_eq!(worker.metrics.bus.queue(PERSIST.shard(0).name()).parked_so_far(), poison as u64);

    for incoming in dead_letters(broker.as_ref(), poison).await {
        if let Some(at) = work.strange.iter().position(|(payload, _)| *payload == incoming.payload) {
            assert_fate(&incoming, &work.strange.remove(at).1);
            continue;
        }
        let [envelope] =
            Frame::decode(&incoming.payload).unwrap().items.try_into().expect("each is parked alone");
        let fate = work.parked.remove(&envelope.id).expect("only poison is parked, once");
        assert_fate(&incoming, &fate);
        assert_eq!(envelope.attempt, fate.attempts);
    }

    assert_eq!(worker.status.get(), StageState::Consuming);
    let (thread, contents) = work.good.iter_mut().next().unwrap();
    contents.push("afterwards".to_owned());
    let afterwards = Frame::of(send(*thread, "afterwards")).encode().unwrap();
    publish(broker.as_ref(), vec![Outgoing::to_queue(PERSIST.shard(0).name(), afterwards)]).await;
    let done = async || (history(store.as_ref(), *thread).await == *contents).then_some(());
    eventually("the worker does what comes afterwards", done).await.unwrap();
    worker.stop().await;
    assert_every_good_one_is_done_once(store.as_ref(), &work).await;
    assert_eq!(broker.depth(PERSIST.shard(0).name()).await.unwrap().ready, 0);
}

async fn connect(url: &str) -> Arc<AmqpBroker> {
    let broker = AmqpBroker::connect(AmqpConfig::new(url, "poison")).unwrap();
    timeout(PATIENCE, broker.health().wait_for(|health| *health == Health::Up))
        .await
        .expect("RabbitMQ is there")
        .unwrap();
    broker
}

#[tokio::test(flavor = "multi_thread")]
async fn among_ten_thousand_commands_on_rabbitmq_and_mongodb_poison_is_parked_and_the_rest_is_done_once() {
    let servers = Servers::from_environment().unwrap();
    let vhost = Vhost::create(&servers, "poison").await.unwrap();
    let store = MongoStore::connect(&servers.database(&own_name("poison")).unwrap()).await.unwrap();
    store.prepare().await.unwrap();
    let broker = connect(&vhost.url).await;
    poison_among_good_ones(Arc::clone(&broker) as _, Arc::new(store)).await;
    broker.shutdown().await;
    vhost.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn among_ten_thousand_commands_in_the_data_file_poison_is_parked_and_the_rest_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open("embedded:", folder.path()).await;
    poison_among_good_ones(Arc::clone(&site.broker), Arc::clone(&site.store)).await;
    site.close().await;
}

/// A broker and a store in a folder, which a parent and its children open in turn.
struct Site {
    broker: Arc<dyn Broker>,
    store: Arc<EmbeddedStore>,
    database: Database,
    amqp: Option<Arc<AmqpBroker>>,
    embedded: Option<Arc<EmbeddedBroker>>,
}

impl Site {
    async fn open(broker_url: &str, folder: &Path) -> Self {
        let database = Database::open_in(folder).unwrap();
        let store = Arc::new(EmbeddedStore::open(database.clone()).await.unwrap());
        let (mut amqp, mut embedded) = (None, None);
        let broker: Arc<dyn Broker> = if broker_url == "embedded:" {
            let broker = EmbeddedBroker::open(database.clone(), Arc::new(SystemClock)).await.unwrap();
            Arc::clone(embedded.insert(Arc::new(broker))) as _
        } else {
            Arc::clone(amqp.insert(connect(broker_url).await)) as _
        };
        broker.declare(&Topology::new(1)).await.unwrap();
        Self { broker, store, database, amqp, embedded }
    }

    async fn close(self) {
        if let Some(broker) = self.amqp {
            broker.shutdown().await;
        }
        if let Some(broker) = self.embedded {
            broker.close().await.unwrap();
        }
        self.database.close().await;
    }
}

/// A command aborts its process again and again, until the broker parks it.
async fn a_command_that_aborts(broker_url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut work = Work::good(ABORT_GOOD);
    work.mix(vec![(send(new_thread(0).thread_id, ABORT), Fate { reason: "delivery_limit", attempts: 0 })]);
    let site = Site::open(broker_url, folder.path()).await;
    publish(site.broker.as_ref(), work.messages(PERSIST.shard(0).name())).await;
    site.close().await;

    let mut deaths = 0;
    while let Some(signal) = run_child(broker_url, folder.path()).await {
        assert_eq!(signal, SIGABRT);
        deaths += 1;
        assert!(deaths <= DEATHS_MAX, "the command is never parked");
    }
    assert!(deaths >= DELIVERY_LIMIT, "it was tried {deaths} times");

    let site = Site::open(broker_url, folder.path()).await;
    let [parked] = dead_letters(site.broker.as_ref(), 1).await.try_into().unwrap();
    let [envelope] = Frame::decode(&parked.payload).unwrap().items.try_into().expect("it is parked alone");
    assert_fate(&parked, &work.parked[&envelope.id]);
    // The broker takes the inspected messages back with a delay.
    let back =
        async || (site.broker.depth(&dead(PERSIST.shard(0).name())).await.unwrap().ready == 1).then_some(());
    eventually("one is parked", back).await.unwrap();
    assert_every_good_one_is_done_once(site.store.as_ref(), &work).await;
    site.close().await;
}

/// Runs this test binary again. Returns the signal that ended it, if there was one.
async fn run_child(broker_url: &str, folder: &Path) -> Option<i32> {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "process::poison::a_child_works_until_nothing_is_left_or_it_dies", "--nocapture"]);
    child.env(CHILD_FOLDER, folder).env(CHILD_BROKER, broker_url).kill_on_drop(true);
    let output = timeout(2 * PATIENCE, child.stdout(Stdio::piped()).stderr(Stdio::piped()).output()).await;
    let output = output.expect("the child ends").unwrap();
    let said =
        || String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() || output.status.signal().is_some(), "{}: {}", output.status, said());
    output.status.signal()
}

/// The child's part of the abort test. Without the variables this is an ordinary test run, and the test does
/// nothing.
#[tokio::test(flavor = "multi_thread")]
#[allow(
    clippy::disallowed_methods,
    reason = "the parent tells the child where to work; this is no configuration"
)]
async fn a_child_works_until_nothing_is_left_or_it_dies() {
    let (Ok(folder), Ok(broker)) = (std::env::var(CHILD_FOLDER), std::env::var(CHILD_BROKER)) else { return };
    let site = Site::open(&broker, Path::new(&folder)).await;
    let worker = Worker::start(Arc::clone(&site.broker), Arc::clone(&site.store)).await;
    let work = Work::good(ABORT_GOOD);
    let all_done = async || {
        let settled = worker.waiting().await == 0 && worker.parked().await == 1;
        (settled && stored(worker.store.as_ref(), &work).await == ABORT_GOOD).then_some(())
    };
    eventually("the good ones are stored and the other one is parked", all_done).await.unwrap();
    worker.stop().await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_aborts_its_process_ends_parked_by_rabbitmq_and_its_neighbours_are_done() {
    let servers = Servers::from_environment().unwrap();
    let vhost = Vhost::create(&servers, "abort").await.unwrap();
    a_command_that_aborts(&vhost.url).await;
    vhost.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_aborts_its_process_ends_parked_in_the_data_file_and_its_neighbours_are_done() {
    a_command_that_aborts("embedded:").await;
}
