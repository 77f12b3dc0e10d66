//! The lanes of one family of shards, behind the gate that says how many there are now.
//!
//! A lane is opened when the first command takes it. Commands of one thread keep their order across a change
//! of the number, because the gate lets nobody through before the change is complete.

use crate::port::{Broker, BrokerError, Health};
use crate::publish::{Confirmation, Lane, PublishError};
use crate::reshard::gate::ShardGate;
use crate::topology::{MAX_SHARDS, Sharded, shard_of};
use bytes::Bytes;
use eventflow_metrics::Metrics;
use eventflow_protocol::command::Subject;
use eventflow_protocol::frame::Envelope;
use std::sync::Arc;
use tokio::sync::{OnceCell, mpsc, watch};
use tokio_util::task::TaskTracker;

/// What lanes are made of.
#[derive(Clone)]
pub struct LaneParts {
    /// Carries the frames.
    pub broker: Arc<dyn Broker>,
    /// Where the answers to the envelopes go, if anybody waits for some.
    pub replies: Option<mpsc::Sender<Bytes>>,
    /// The series of the queues.
    pub metrics: Metrics,
    /// The lanes' tasks run here until every clone of the lanes is dropped.
    pub tracker: TaskTracker,
}

/// The ways into the queues of one family, shared by all tasks of a process.
#[derive(Clone)]
pub struct ShardLanes(Arc<Inner>);

struct Inner {
    parts: LaneParts,
    gate: ShardGate,
    health: watch::Receiver<Health>,
    lanes: Vec<(String, OnceCell<Lane>)>,
}

impl ShardLanes {
    /// The lanes to `shards`, none of them open.
    pub fn new<T>(shards: &Sharded<T>, gate: ShardGate, parts: LaneParts) -> Self {
        let health = parts.broker.health();
        let lane = |shard| (shards.shard(shard).name().to_owned(), OnceCell::new());
        Self(Arc::new(Inner { parts, gate, health, lanes: (0..MAX_SHARDS).map(lane).collect() }))
    }

    /// Sends what has to keep its order among everything about `subject`. Waits a moment while the number of
    /// shards changes.
    pub async fn send(&self, subject: &Subject, envelope: Envelope) -> Result<Confirmation, PublishError> {
        let permit = self.0.gate.enter(&self.0.health).await?;
        let lane = self.lane(shard_of(subject, permit.shards())).await?;
        lane.send_permitted(envelope, permit).await
    }

    /// Sends what need not keep its order. Never waits for a change of the number.
    pub async fn send_loosely(
        &self,
        subject: &Subject,
        envelope: Envelope,
    ) -> Result<Confirmation, PublishError> {
        self.lane(shard_of(subject, self.0.gate.last())).await?.send(envelope).await
    }

    /// The lanes to all shards that are in use, or may be soon.
    pub async fn every_lane(&self) -> Result<Vec<&Lane>, PublishError> {
        let mut lanes = Vec::new();
        for shard in 0..self.0.gate.widest() {
            lanes.push(self.lane(shard).await?);
        }
        Ok(lanes)
    }

    async fn lane(&self, shard: u16) -> Result<&Lane, PublishError> {
        let (queue, lane) = &self.0.lanes[usize::from(shard)];
        let opened = lane.get_or_try_init(|| self.open(queue)).await;
        opened.map_err(|error| PublishError::from(&error))
    }

    async fn open(&self, queue: &str) -> Result<Lane, BrokerError> {
        let LaneParts { broker, replies, metrics, tracker } = &self.0.parts;
        Lane::open(broker, queue, replies.clone(), metrics.bus.queue(queue), tracker).await
    }
}
