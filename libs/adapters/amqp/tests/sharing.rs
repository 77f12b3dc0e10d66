//! Workers share the shards of a real RabbitMQ. A wrong view of each other costs them speed, never order and
//! never a message. Needs `RABBITMQ_URL` and `RABBITMQ_MANAGEMENT_URL`.

mod rabbit;

use async_trait::async_trait;
use bytes::Bytes;
use eventflow_amqp::AmqpBroker;
use eventflow_bus::consume::{Consumer, Declares};
use eventflow_bus::contract::topology;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Depth, Health, Hellos, Outgoing, Publish, Subscription};
use eventflow_bus::settle::Outcome;
use eventflow_bus::share::{SETTLE, Sharing};
use eventflow_bus::topology::{PERSIST, Topology};
use eventflow_metrics::{Metrics, ShareMetrics};
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::{GatewayId, codec};
use parking_lot::Mutex;
use rabbit::{Rabbit, eventually};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SHARDS: u16 = 2;
/// Messages that must have flowed before a test goes on, so that it disturbs a running system.
const SOME: u64 = 60;

/// What every worker of a test handled, in the order of its handling: shard, number, redelivered.
type Ledger = Arc<Mutex<Vec<(u16, u64)>>>;

/// Notes what it gets; each batch needs a permit of the worker, so that a test can make it hang.
struct Recorder {
    shard: u16,
    ledger: Ledger,
    handled: Arc<AtomicU64>,
    permits: Arc<Semaphore>,
}

#[async_trait]
impl BatchHandler for Recorder {
    type Value = u64;
    type Outbox = ();

    async fn perform(&self, batch: &[Item<u64>]) -> Result<Performed<()>, Unavailable> {
        let _permit = self.permits.acquire().await.expect("the permits stay open");
        let mut ledger = self.ledger.lock();
        ledger.extend(batch.iter().map(|item| (self.shard, item.value)));
        self.handled.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(Performed { outcomes: vec![Outcome::Done; batch.len()], outbox: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// A worker that hears only itself: every hello of others is lost.
struct HearsOnlyItself(Arc<AmqpBroker>);

struct Echo(mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>);

#[async_trait]
impl Hellos for Echo {
    async fn say(&mut self, payload: Bytes) -> Result<(), BrokerError> {
        let _ = self.0.try_send(payload);
        Ok(())
    }

    async fn hear(&mut self) -> Result<Bytes, BrokerError> {
        Ok(self.1.recv().await.expect("the sender is beside it"))
    }
}

#[async_trait]
impl Broker for HearsOnlyItself {
    async fn declare(&self, topology: &Topology) -> Result<(), BrokerError> {
        self.0.declare(topology).await
    }
    async fn declare_gateway(&self, gateway: &GatewayId) -> Result<bool, BrokerError> {
        self.0.declare_gateway(gateway).await
    }
    async fn remove_gateway(&self, gateway: &GatewayId) -> Result<(), BrokerError> {
        self.0.remove_gateway(gateway).await
    }
    async fn publisher(&self, replies: Option<mpsc::Sender<Bytes>>) -> Result<Box<dyn Publish>, BrokerError> {
        self.0.publisher(replies).await
    }
    async fn subscribe(&self, queue: &str, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        self.0.subscribe(queue, prefetch).await
    }
    async fn reply(&self, address: &str, payload: Bytes) {
        self.0.reply(address, payload).await;
    }
    async fn hellos(&self) -> Result<Box<dyn Hellos>, BrokerError> {
        let (say, hear) = mpsc::channel(16);
        Ok(Box::new(Echo(say, hear)))
    }
    async fn depth(&self, queue: &str) -> Result<Depth, BrokerError> {
        self.0.depth(queue).await
    }
    fn health(&self) -> watch::Receiver<Health> {
        self.0.health()
    }
}

struct Worker {
    stop: CancellationToken,
    task: JoinHandle<()>,
    metrics: Metrics,
    share: ShareMetrics,
    handled: Arc<AtomicU64>,
    permits: Arc<Semaphore>,
}

impl Worker {
    fn start(broker: Arc<dyn Broker>, ledger: &Ledger) -> Self {
        let metrics = Metrics::default();
        let share = metrics.shares.stage("persist");
        let (handled, permits) = (Arc::<AtomicU64>::default(), Arc::new(Semaphore::new(1_000)));
        let mut sharing = Sharing::new(Arc::clone(&broker), "persist", topology(), share.clone(), SETTLE);
        for shard in 0..SHARDS {
            let recorder = Recorder {
                shard,
                ledger: Arc::clone(ledger),
                handled: Arc::clone(&handled),
                permits: Arc::clone(&permits),
            };
            let queue = PERSIST.shard(shard);
            let declares = Declares::Topology(topology());
            let series = metrics.bus.queue(queue.name());
            let consumer =
                Consumer::new(Arc::clone(&broker), queue.name(), declares, Arc::new(recorder), series);
            sharing.add(shard, consumer);
        }
        let stop = CancellationToken::new();
        #[allow(clippy::disallowed_methods, reason = "the test awaits it")]
        let task = tokio::spawn(sharing.run(stop.clone()));
        Self { stop, task, metrics, share, handled, permits }
    }

    fn owned(&self) -> i64 {
        (0..SHARDS).map(|shard| self.share.owner(shard).get()).sum()
    }

    fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("a worker ends in order");
    }
}

/// Publishes numbers to both shards without end; how many each shard was sent.
struct Feed {
    stop: CancellationToken,
    task: JoinHandle<u64>,
}

impl Feed {
    fn start(broker: Arc<AmqpBroker>) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        #[allow(clippy::disallowed_methods, reason = "the test awaits it")]
        let task = tokio::spawn(async move {
            let mut publisher = broker.publisher(None).await.expect("a publisher can be opened");
            let mut number = 0;
            while !stopped.is_cancelled() {
                let frames = (0..SHARDS)
                    .map(|shard| Outgoing::to_queue(PERSIST.shard(shard).name().to_owned(), frame(number)));
                for result in publisher.publish(frames.collect()).await {
                    result.expect("the broker is up");
                }
                number += 1;
            }
            number
        });
        Self { stop, task }
    }

    /// Ends the feed and waits until everything is handled, every first time in order.
    async fn all_arrives_in_order(self, ledger: &Ledger) {
        self.stop.cancel();
        let sent = self.task.await.expect("the feed ends in order");
        for shard in 0..SHARDS {
            let first_times = || {
                let mut seen = std::collections::HashSet::new();
                let ledger = ledger.lock();
                let of_shard = ledger.iter().filter(|(of, _)| *of == shard).map(|(_, number)| *number);
                of_shard.filter(|number| seen.insert(*number)).collect::<Vec<_>>()
            };
            eventually("everything is handled", async || first_times().len() as u64 == sent).await;
            assert!(first_times().is_sorted(), "shard {shard} was handled out of order");
        }
    }
}

fn frame(number: u64) -> Bytes {
    let body = codec::encode(&number).expect("a number can be encoded");
    let envelope = Envelope { id: Uuid::now_v7(), attempt: 0, body, trace: None };
    Frame { items: vec![envelope] }.encode().expect("a frame of a number can be encoded")
}

async fn owns(worker: &Worker, shards: i64) {
    eventually(&format!("a worker owns {shards} shards"), async || worker.owned() == shards).await;
}

async fn works(worker: &Worker) {
    let before = worker.handled();
    eventually("a worker handles messages", async || worker.handled() > before + SOME).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_and_one_takes_over_what_the_other_gives_up() {
    let rabbit = Rabbit::start("share").await;
    let feed = Feed::start(rabbit.broker().await);
    let ledger = Ledger::default();
    let first = Worker::start(rabbit.broker().await, &ledger);
    owns(&first, 2).await;
    works(&first).await;
    let second = Worker::start(rabbit.broker().await, &ledger);
    owns(&second, 1).await;
    owns(&first, 1).await;
    works(&second).await;
    works(&first).await;
    first.end().await;
    owns(&second, 2).await;
    works(&second).await;
    assert_eq!(second.metrics.bus.queue("persist.0").lost_subscriptions.get(), 0, "a standby loses nothing");
    feed.all_arrives_in_order(&ledger).await;
    second.end().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_of_a_worker_that_vanishes_move() {
    let rabbit = Rabbit::start("vanish").await;
    let feed = Feed::start(rabbit.broker().await);
    let ledger = Ledger::default();
    let doomed_broker = rabbit.broker().await;
    let doomed = Worker::start(doomed_broker.clone(), &ledger);
    let heir = Worker::start(rabbit.broker().await, &ledger);
    owns(&heir, 1).await;
    owns(&doomed, 1).await;
    works(&doomed).await;
    // As a killed process: no goodbye, and its connections are gone.
    doomed.task.abort();
    doomed_broker.shutdown().await;
    owns(&heir, 2).await;
    works(&heir).await;
    feed.all_arrives_in_order(&ledger).await;
    heir.end().await;
    rabbit.stop().await;
}

/// Each of two workers believes that it is alone, so both own everything: the broker lets one be active.
#[tokio::test(flavor = "multi_thread")]
async fn two_owners_of_one_shard_cost_no_order_and_no_message() {
    let rabbit = Rabbit::start("owners").await;
    let feed = Feed::start(rabbit.broker().await);
    let ledger = Ledger::default();
    let wrong = || async { Arc::new(HearsOnlyItself(rabbit.broker().await)) };
    let (one, other) = (Worker::start(wrong().await, &ledger), Worker::start(wrong().await, &ledger));
    owns(&one, 2).await;
    owns(&other, 2).await;
    eventually("messages are handled", async || one.handled() + other.handled() > SOME).await;
    one.end().await;
    works(&other).await;
    feed.all_arrives_in_order(&ledger).await;
    other.end().await;
    rabbit.stop().await;
}

/// One worker does not hear the others while they hear each other.
#[tokio::test(flavor = "multi_thread")]
async fn lost_hellos_cost_no_order_and_no_message() {
    let rabbit = Rabbit::start("lost").await;
    let feed = Feed::start(rabbit.broker().await);
    let ledger = Ledger::default();
    let alone = Worker::start(Arc::new(HearsOnlyItself(rabbit.broker().await)), &ledger);
    owns(&alone, 2).await;
    let (second, third) =
        (Worker::start(rabbit.broker().await, &ledger), Worker::start(rabbit.broker().await, &ledger));
    owns(&second, 1).await;
    owns(&third, 1).await;
    works(&alone).await;
    alone.end().await;
    works(&second).await;
    works(&third).await;
    feed.all_arrives_in_order(&ledger).await;
    second.end().await;
    third.end().await;
    rabbit.stop().await;
}

/// The other shard goes on, and the shard of the worker that hangs goes on once it does.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_while_it_says_hello_holds_up_its_own_shard_only() {
    let rabbit = Rabbit::start("hangs").await;
    let feed = Feed::start(rabbit.broker().await);
    let ledger = Ledger::default();
    let hangs = Worker::start(rabbit.broker().await, &ledger);
    let works_on = Worker::start(rabbit.broker().await, &ledger);
    owns(&works_on, 1).await;
    owns(&hangs, 1).await;
    works(&hangs).await;
    let held = Arc::clone(&hangs.permits).acquire_many_owned(1_000).await.expect("the permits stay open");
    works(&works_on).await;
    assert_eq!((hangs.owned(), hangs.share.workers_seen.get()), (1, 2));
    drop(held);
    works(&hangs).await;
    feed.all_arrives_in_order(&ledger).await;
    hangs.end().await;
    works_on.end().await;
    rabbit.stop().await;
}

/// A broker whose connections break says nothing of the workers: they keep what they have.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_moves_no_shard_for_good() {
    let rabbit = Rabbit::start("breaks").await;
    let ledger = Ledger::default();
    let (one, other) =
        (Worker::start(rabbit.broker().await, &ledger), Worker::start(rabbit.broker().await, &ledger));
    owns(&one, 1).await;
    owns(&other, 1).await;
    eventually("the connections show up", async || rabbit.connection_names().await.len() >= 4).await;
    rabbit.close_connections().await;
    let feed = Feed::start(rabbit.broker().await);
    works(&one).await;
    works(&other).await;
    owns(&one, 1).await;
    owns(&other, 1).await;
    feed.all_arrives_in_order(&ledger).await;
    one.end().await;
    other.end().await;
    rabbit.stop().await;
}
