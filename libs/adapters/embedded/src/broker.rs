//! The broker of a single process: durable queues as rows of the data file, delivered from memory.
//!
//! Publishing: the broker answers after the commit, which the message shares with whatever else waits.
//! Consuming: from memory, where messages arrive in commit order. An acknowledgement deletes the row with the
//! next commit, a few milliseconds later at most. Stopping: the file notes a clean stop. After any other
//! stop, `recovery` counts a delivery for each message that a consumer may have held. So a frame that kills
//! the process is parked in the end, and its neighbours are not. Messages for gateways, and replies, stay in
//! memory: both ends are this process.

mod alarm;
mod catalog;
mod health;
mod hellos;
mod ladder;
mod message;
mod parts;
mod publisher;
mod queue;
mod recovery;
mod replies;
mod settling;
mod subscription;
mod table;
mod window;

use crate::{Database, DatabaseError};
use alarm::Alarm;
use async_trait::async_trait;
use bytes::Bytes;
use catalog::Catalog;
use eventflow_bus::port::{Broker, BrokerError, Depth, Health, Hellos, Publish, Subscription};
use eventflow_bus::topology::{QueueKind, QueueSpec, Topology, gateway};
use eventflow_ports::Clock;
use eventflow_protocol::{GatewayId, Timestamp};
use health::{HealthSender, broker_error};
use hellos::HelloRoom;
use message::Slot;
use parts::BrokerParts;
use publisher::EmbeddedPublisher;
use queue::Queue;
use replies::ReplyInboxes;
use settling::Settling;
use std::sync::Arc;
use subscription::EmbeddedSubscription;
use table::StoredQueue;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Durable queues in the data file.
pub struct EmbeddedBroker {
    shared: Arc<BrokerParts>,
    hellos: HelloRoom,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl EmbeddedBroker {
    /// Opens the broker in a data file: reads its queues and how full they are, and starts the retry ladder.
    pub async fn open(database: Database, clock: Arc<dyn Clock>) -> Result<Self, DatabaseError> {
        database.migrate("broker", table::STEPS).await?;
        let now_ms = clock.now().0;
        let stored = database.write(move |tx| recovery::start(tx, now_ms)).await?;
        let catalog = Catalog::default();
        for StoredQueue { number, spec, messages, bytes, last, .. } in stored {
            catalog.add(Queue::new((spec.name, spec.kind, number), last, messages, bytes));
        }
        let health = Arc::new(HealthSender::new());
        let settling = Settling::new(database.clone(), Arc::clone(&health), Arc::clone(&clock));
        let replies = ReplyInboxes::new();
        let alarm = Alarm::default();
        // The ladder looks at once: its first round finds out which message is due next.
        alarm.at(i64::MIN);
        let shared = Arc::new(BrokerParts { database, clock, catalog, settling, replies, alarm, health });
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        tasks.spawn(ladder::run(Arc::clone(&shared), stop.clone()));
        Ok(Self { shared, hellos: HelloRoom::new(), tasks, stop })
    }

    /// Ends in order: subscriptions are lost, acknowledgements are written, and the file notes a clean stop.
    /// The data file stays open; close it afterwards.
    pub async fn close(&self) -> Result<(), DatabaseError> {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        for queue in self.shared.catalog.filter(|_| true) {
            queue.close();
        }
        self.shared.database.write(|tx| table::mark_clean(tx, true).map(drop)).await
    }

    /// Makes the retry ladder look at the clock again, because it was set.
    pub fn clock_was_set(&self) {
        self.shared.alarm.look_again();
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[async_trait]
impl Broker for EmbeddedBroker {
    async fn declare(&self, topology: &Topology) -> Result<(), BrokerError> {
        let missing: Vec<QueueSpec> =
            topology.queues().into_iter().filter(|spec| !self.shared.has(&spec.name, spec.kind)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let declare = move |tx: &rusqlite::Transaction<'_>| {
            missing.into_iter().map(|spec| table::declare(tx, &spec).map(|found| (spec, found))).collect()
        };
        let declared: Vec<(QueueSpec, (i64, String))> =
            self.shared.database.write(declare).await.map_err(broker_error)?;
        for (spec, (number, kind)) in declared {
            if kind != table::kind_name(spec.kind) {
                return Err(BrokerError::Mismatch {
                    queue: spec.name,
                    source: format!("it exists as {kind}").into(),
                });
            }
            self.shared.catalog.add(Queue::new((spec.name, spec.kind, number), Slot::start(number), 0, 0));
        }
        Ok(())
    }

    async fn declare_gateway(&self, id: &GatewayId) -> Result<bool, BrokerError> {
        let name = gateway(id).name().to_owned();
        Ok(self.shared.catalog.ensure_gateway(name))
    }

    async fn remove_gateway(&self, id: &GatewayId) -> Result<(), BrokerError> {
        self.shared.catalog.remove(gateway(id).name());
        Ok(())
    }

    async fn publisher(&self, replies: Option<mpsc::Sender<Bytes>>) -> Result<Box<dyn Publish>, BrokerError> {
        let address = replies.map(|inbox| self.shared.replies.open(inbox));
        Ok(Box::new(EmbeddedPublisher::new(Arc::clone(&self.shared), address)))
    }

    async fn subscribe(&self, name: &str, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        let consumable =
            self.shared.catalog.get(name).filter(|queue| !matches!(queue.kind, QueueKind::Delay(_)));
        let queue = consumable.ok_or_else(|| BrokerError::Unroutable(name.to_owned()))?;
        Ok(Box::new(EmbeddedSubscription::open(Arc::clone(&self.shared), queue, prefetch).await?))
    }

    async fn reply(&self, address: &str, payload: Bytes) {
        self.shared.replies.send(address, payload);
    }

    async fn hellos(&self) -> Result<Box<dyn Hellos>, BrokerError> {
        Ok(Box::new(self.hellos.join()))
    }

    async fn depth(&self, name: &str) -> Result<Depth, BrokerError> {
        let queue = self.shared.catalog.get(name).ok_or_else(|| BrokerError::Unroutable(name.to_owned()))?;
        let depth = queue.depth();
        if queue.kind == QueueKind::Gateway {
            return Ok(depth);
        }
        let number = queue.number;
        let since =
            self.shared.database.read(move |connection| table::oldest_since(connection, number)).await;
        let since = since.map_err(broker_error)?.map(Timestamp);
        Ok(Depth { oldest: since.map(|since| since.age_at(self.shared.clock.now())), ..depth })
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.shared.health.subscribe()
    }
}
