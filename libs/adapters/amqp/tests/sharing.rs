//! Workers share the shards of a real RabbitMQ. A wrong view of each other costs them speed, never order and
//! never a message. Needs `RABBITMQ_URL` and `RABBITMQ_MANAGEMENT_URL`.

mod rabbit;
mod workers;

use async_trait::async_trait;
use bytes::Bytes;
use eventflow_amqp::AmqpBroker;
use eventflow_bus::port::{Broker, BrokerError, Depth, Health, Hellos, Publish, Subscription};
use eventflow_bus::topology::Topology;
use eventflow_protocol::GatewayId;
use rabbit::proxy::{Mode, Proxy, free_port};
use rabbit::{Rabbit, eventually, until};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use workers::{Feed, Ledger, Worker};

/// Messages that must have flowed before a test goes on, so that it disturbs a running system.
const SOME: u64 = 60;

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
    let port = free_port().await;
    let proxy = Proxy::start(port, rabbit.address()).await;
    let doomed_broker = AmqpBroker::connect(rabbit.config_through(port)).expect("the url is one");
    until(&doomed_broker, &Health::Up).await;
    let doomed = Worker::start(doomed_broker.clone(), &ledger);
    let heir = Worker::start(rabbit.broker().await, &ledger);
    owns(&heir, 1).await;
    owns(&doomed, 1).await;
    works(&doomed).await;
    // As a process that is killed: no goodbye, and its connections are gone. What it had in hand it even
    // handles.
    proxy.set(Mode::Cut);
    owns(&heir, 2).await;
    works(&heir).await;
    feed.all_arrives_in_order(&ledger).await;
    heir.end().await;
    doomed.end().await;
    doomed_broker.shutdown().await;
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
