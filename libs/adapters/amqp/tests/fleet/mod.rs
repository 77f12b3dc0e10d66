//! A small fleet on a real RabbitMQ: workers of two stages, gateways, and people who write through them.

use crate::rabbit::proxy::{Mode, Proxy, free_port};
use crate::rabbit::{Rabbit, eventually, until};
use async_trait::async_trait;
use eventflow_amqp::AmqpBroker;
use eventflow_bus::consume::{Consumer, Declares};
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::lanes::{LaneParts, ShardLanes};
use eventflow_bus::port::{Broker, Destination, Health, Outgoing, Publish};
use eventflow_bus::reshard::follower::Follower;
use eventflow_bus::reshard::gate::ShardGate;
use eventflow_bus::settle::Outcome;
use eventflow_bus::share::{SETTLE, Sharing};
use eventflow_bus::topology::{CURSORS, FANOUT, PERSIST, Topology};
use eventflow_metrics::Metrics;
use eventflow_protocol::ThreadId;
use eventflow_protocol::codec;
use eventflow_protocol::command::Subject;
use eventflow_protocol::frame::Envelope;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// The number that the gateways' settings name.
pub(crate) const SHARDS: u16 = 4;
/// The largest number of a test: what workers consume.
pub(crate) const MAX: u16 = 8;
const THREADS: u8 = 24;
/// Pause of a person between two messages: about 1,000 messages a second in all.
const PAUSE: Duration = Duration::from_millis(20);

/// What came to its end, in this order: thread and number.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<(u8, u64)>>>);

impl Ledger {
    fn first_times(&self, thread: u8) -> Vec<u64> {
        let mut seen = HashSet::new();
        let ledger = self.0.lock();
        let of_thread = ledger.iter().filter(|(of, _)| *of == thread).map(|(_, number)| *number);
        of_thread.filter(|number| seen.insert(*number)).collect()
    }
}

/// The persistence stage: it only passes on.
struct Pass {
    to: String,
    events: tokio::sync::Mutex<Box<dyn Publish>>,
    permits: Arc<Semaphore>,
}

#[async_trait]
impl BatchHandler for Pass {
    type Value = (u8, u64);
    type Outbox = Vec<Envelope>;

    async fn perform(&self, batch: &[Item<Self::Value>]) -> Result<Performed<Self::Outbox>, Unavailable> {
        let _permit = self.permits.acquire().await.expect("the permits stay open");
        let outbox = batch.iter().map(|item| envelope(item.value)).collect();
        Ok(Performed { outcomes: vec![Outcome::Done; batch.len()], outbox })
    }

    async fn announce(&self, outbox: &Self::Outbox) -> Result<(), Unavailable> {
        let to = Destination::Queue(self.to.clone());
        let messages = Outgoing::of_envelopes(&to, outbox.iter().cloned());
        for result in self.events.lock().await.publish(messages).await {
            result.map_err(|error| Unavailable::new("the broker", error))?;
        }
        Ok(())
    }
}

/// The fan-out stage: it takes down.
struct Record(Ledger);

#[async_trait]
impl BatchHandler for Record {
    type Value = (u8, u64);
    type Outbox = ();

    async fn perform(&self, batch: &[Item<Self::Value>]) -> Result<Performed<()>, Unavailable> {
        self.0.0.lock().extend(batch.iter().map(|item| item.value));
        Ok(Performed { outcomes: vec![Outcome::Done; batch.len()], outbox: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// A process of both worker roles, which can be killed.
pub(crate) struct Worker {
    proxy: Proxy,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    broker: Arc<AmqpBroker>,
    /// While a test holds them all, the process carries nothing out, as with a store that is away.
    pub(crate) permits: Arc<Semaphore>,
}

impl Worker {
    pub(crate) async fn start(rabbit: &Rabbit, ledger: &Ledger) -> Self {
        let (proxy, amqp) = through_a_proxy(rabbit).await;
        let broker: Arc<dyn Broker> = amqp.clone();
        let (metrics, topology) = (Metrics::default(), Topology::new(MAX));
        let permits = Arc::new(Semaphore::new(1_000));
        let sharing =
            |stage| Sharing::new(Arc::clone(&broker), stage, topology, metrics.shares.stage(stage), SETTLE);
        let (mut persist, mut fanout) = (sharing("persist"), sharing("fanout"));
        for shard in 0..MAX {
            let events = FANOUT.shard(shard).name().to_owned();
            for queue in [PERSIST.shard(shard), CURSORS.shard(shard)] {
                let handler = Pass {
                    to: events.clone(),
                    events: tokio::sync::Mutex::new(broker.publisher(None).await.expect("a publisher")),
                    permits: Arc::clone(&permits),
                };
                persist.add(shard, consumer(&broker, queue.name(), handler, &metrics));
            }
            fanout.add(shard, consumer(&broker, &events, Record(ledger.clone()), &metrics));
        }
        let stop = CancellationToken::new();
        let tasks = [persist, fanout].map(|sharing| spawn(sharing.run(stop.clone()))).into();
        Self { proxy, stop, tasks, broker: amqp, permits }
    }

    /// As kill -9.
    pub(crate) fn kill(&self) {
        self.proxy.set(Mode::Cut);
        self.stop.cancel();
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.expect("a worker ends in order");
        }
        self.broker.shutdown().await;
    }
}

fn consumer<H: BatchHandler>(
    broker: &Arc<dyn Broker>,
    queue: &str,
    handler: H,
    metrics: &Metrics,
) -> Consumer<H> {
    let declares = Declares::Topology(Topology::new(MAX));
    Consumer::new(Arc::clone(broker), queue, declares, Arc::new(handler), metrics.bus.queue(queue))
}

/// A gateway, which can be cut off.
pub(crate) struct Gateway {
    pub(crate) proxy: Proxy,
    pub(crate) gate: ShardGate,
    lanes: ShardLanes,
    stop: CancellationToken,
    follower: JoinHandle<()>,
    broker: Arc<AmqpBroker>,
}

impl Gateway {
    pub(crate) async fn start(rabbit: &Rabbit) -> Self {
        let (proxy, broker) = through_a_proxy(rabbit).await;
        let (metrics, gate) = (Metrics::default(), ShardGate::closed(SHARDS));
        let follower =
            Follower::new(broker.clone(), broker.clone(), gate.clone(), SHARDS, metrics.reshard.clone())
                .at("gateway");
        let parts = LaneParts { broker: broker.clone(), replies: None, metrics, tracker: TaskTracker::new() };
        let lanes = ShardLanes::new(&PERSIST, gate.clone(), parts);
        let stop = CancellationToken::new();
        let follower = spawn(follower.run(stop.clone()));
        Self { proxy, gate, lanes, stop, follower, broker }
    }

    pub(crate) async fn uses(&self, shards: u16) {
        eventually(&format!("a gateway uses {shards} shards"), async || self.gate.shards() == shards).await;
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.follower.await.expect("a follower ends in order");
        self.broker.shutdown().await;
    }
}

/// People who write to threads: each the next message once the one before is confirmed, through one gateway
/// after the other.
pub(crate) struct People {
    stop: CancellationToken,
    writing: Vec<JoinHandle<u64>>,
}

impl People {
    pub(crate) fn start(gateways: &[&Gateway]) -> Self {
        let stop = CancellationToken::new();
        let lanes: Vec<ShardLanes> = gateways.iter().map(|gateway| gateway.lanes.clone()).collect();
        let writing = (0..THREADS).map(|thread| spawn(write(thread, lanes.clone(), stop.clone()))).collect();
        Self { stop, writing }
    }

    /// Ends, and waits until everything has come to its end in its order. Returns how many messages it were.
    pub(crate) async fn all_arrived_in_order(self, ledger: &Ledger) -> u64 {
        self.stop.cancel();
        let mut sum = 0;
        for (thread, writing) in (0..THREADS).zip(self.writing) {
            let sent = writing.await.expect("a person ends in order");
            eventually("everything arrives", async || ledger.first_times(thread).len() as u64 >= sent).await;
            assert_eq!(ledger.first_times(thread), (0..sent).collect::<Vec<_>>(), "thread {thread}");
            sum += sent;
        }
        sum
    }
}

/// A message that was not confirmed is sent again, until it is.
async fn write(thread: u8, lanes: Vec<ShardLanes>, stop: CancellationToken) -> u64 {
    let subject = Subject::Thread(ThreadId::from_bytes([thread; 12]));
    let (mut number, mut turn) = (0, usize::from(thread));
    while !stop.is_cancelled() {
        turn += 1;
        let sent = match lanes[turn % lanes.len()].send(&subject, envelope((thread, number))).await {
            Ok(confirmation) => confirmation.wait().await,
            Err(error) => Err(error),
        };
        number += u64::from(sent.is_ok());
        // sleep: the pace of the load
        tokio::time::sleep(PAUSE).await;
    }
    number
}

fn envelope(value: (u8, u64)) -> Envelope {
    let body = codec::encode(&value).expect("numbers can be encoded");
    Envelope { id: Uuid::now_v7(), attempt: 0, body, trace: None }
}

async fn through_a_proxy(rabbit: &Rabbit) -> (Proxy, Arc<AmqpBroker>) {
    let port = free_port().await;
    let proxy = Proxy::start(port, rabbit.address()).await;
    let broker = AmqpBroker::connect(rabbit.config_through(port)).expect("the url is one");
    until(&broker, &Health::Up).await;
    (proxy, broker)
}

#[allow(clippy::disallowed_methods, reason = "the test awaits it")]
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}
