//! Workers of a stage that note what they handle, and a feed that publishes numbers to them.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use crate::rabbit::eventually;
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_amqp::AmqpBroker;
use eventflow_bus::consume::{Consumer, Declares};
use eventflow_bus::contract::topology;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, Outgoing};
use eventflow_bus::settle::Outcome;
use eventflow_bus::share::{SETTLE, Sharing};
use eventflow_bus::topology::PERSIST;
use eventflow_metrics::{Metrics, ShareMetrics};
use eventflow_protocol::codec;
use eventflow_protocol::frame::{Envelope, Frame};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const SHARDS: u16 = 2;

/// What every worker of a test handled, in the order of its handling: shard and number. As in the store, the
/// first time counts, and a repetition changes nothing.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<(u16, u64)>>>);

impl Ledger {
    fn note(&self, shard: u16, numbers: impl Iterator<Item = u64>) {
        self.0.lock().extend(numbers.map(|number| (shard, number)));
    }

    fn first_times(&self, shard: u16) -> Vec<u64> {
        let mut seen = HashSet::new();
        let ledger = self.0.lock();
        let of_shard = ledger.iter().filter(|(of, _)| *of == shard).map(|(_, number)| *number);
        of_shard.filter(|number| seen.insert(*number)).collect()
    }

    /// Waits until `sent` numbers of each shard are handled, every first time in order.
    pub(crate) async fn is_complete_and_in_order(&self, sent: u64) {
        for shard in 0..SHARDS {
            eventually("everything is handled", async || self.first_times(shard).len() as u64 == sent).await;
            let handled = self.first_times(shard);
            let turn = handled.windows(2).find(|pair| pair[0] > pair[1]);
            assert!(turn.is_none(), "shard {shard} was handled out of order: {turn:?}");
        }
    }
}

/// Notes what it gets; each batch needs a permit of the worker, so that a test can make it hang.
pub(crate) struct Recorder {
    pub(crate) shard: u16,
    pub(crate) ledger: Ledger,
    pub(crate) handled: Arc<AtomicU64>,
    pub(crate) permits: Arc<Semaphore>,
}

impl Recorder {
    /// A consumer of the shard's queue that records.
    pub(crate) fn consumer(self, broker: Arc<dyn Broker>, metrics: &Metrics) -> Consumer<Self> {
        let queue = PERSIST.shard(self.shard);
        let series = metrics.bus.queue(queue.name());
        Consumer::new(broker, queue.name(), Declares::Topology(topology()), Arc::new(self), series)
    }
}

#[async_trait]
impl BatchHandler for Recorder {
    type Value = u64;
    type Outbox = ();

    async fn perform(&self, batch: &[Item<u64>]) -> Result<Performed<()>, Unavailable> {
        let _permit = self.permits.acquire().await.expect("the permits stay open");
        self.ledger.note(self.shard, batch.iter().map(|item| item.value));
        self.handled.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(Performed { outcomes: vec![Outcome::Done; batch.len()], outbox: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}

/// A worker that shares the shards with others.
pub(crate) struct Worker {
    stop: CancellationToken,
    task: JoinHandle<()>,
    pub(crate) metrics: Metrics,
    pub(crate) share: ShareMetrics,
    handled: Arc<AtomicU64>,
    pub(crate) permits: Arc<Semaphore>,
}

impl Worker {
    pub(crate) fn start(broker: Arc<impl Broker>, ledger: &Ledger) -> Self {
        let broker: Arc<dyn Broker> = broker;
        let metrics = Metrics::default();
        let share = metrics.shares.stage("persist");
        let (handled, permits) = (Arc::<AtomicU64>::default(), Arc::new(Semaphore::new(1_000)));
        let mut sharing = Sharing::new(Arc::clone(&broker), "persist", topology(), share.clone(), SETTLE);
        for shard in 0..SHARDS {
            let recorder = Recorder {
                shard,
                ledger: ledger.clone(),
                handled: Arc::clone(&handled),
                permits: Arc::clone(&permits),
            };
            sharing.add(shard, recorder.consumer(Arc::clone(&broker), &metrics));
        }
        let stop = CancellationToken::new();
        #[allow(clippy::disallowed_methods, reason = "the test awaits it")]
        let task = tokio::spawn(sharing.run(stop.clone()));
        Self { stop, task, metrics, share, handled, permits }
    }

    pub(crate) fn owned(&self) -> i64 {
        (0..SHARDS).map(|shard| self.share.owner(shard).get()).sum()
    }

    pub(crate) fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("a worker ends in order");
    }
}

/// Publishes numbers to both shards without end; how many each shard was sent.
pub(crate) struct Feed {
    stop: CancellationToken,
    task: JoinHandle<u64>,
}

impl Feed {
    pub(crate) fn start(broker: Arc<AmqpBroker>) -> Self {
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
    pub(crate) async fn all_arrives_in_order(self, ledger: &Ledger) {
        self.stop.cancel();
        let sent = self.task.await.expect("the feed ends in order");
        ledger.is_complete_and_in_order(sent).await;
    }
}

pub(crate) fn frame(number: u64) -> Bytes {
    let body = codec::encode(&number).expect("a number can be encoded");
    let envelope = Envelope { id: Uuid::now_v7(), attempt: 0, body, trace: None };
    Frame::of(envelope).encode().expect("a frame of a number can be encoded")
}
