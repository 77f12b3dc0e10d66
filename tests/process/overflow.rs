//! Overflow: a gateway that does not empty its queue is cut off, through the real fan-out stage on both
//! brokers, and every other gateway gets all events.

use super::stage::fanout_over;
use crate::backends::Own;
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_amqp::{AmqpBroker, AmqpConfig};
use eventflow_bus::handler::{BatchHandler, Item, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Health, Outgoing};
use eventflow_bus::topology::{Topology, gateway};
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_metrics::Metrics;
use eventflow_ports::{Located, MemoryRegistry, NoRegistry, Registry, RegistryError, SystemClock};
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::Frame;
use eventflow_protocol::person::Revocation;
use eventflow_protocol::{CommandId, GatewayId, Timestamp, UserId};
use eventflow_testkit::PATIENCE;
use eventflow_workers::fanout::Fanout;
use std::path::Path;
use std::sync::Arc;
use tokio::time::timeout;

/// Sizes of the messages that fill a queue up to the last byte.
const FILLING: [usize; 4] = [1_000_000, 10_000, 100, 1];
/// Limit of messages of one size: fewer than this fit into the queue beside the larger ones.
const MESSAGES_MAX: usize = 1_000;

/// A registry that knows the gateways and never claims to be complete.
#[derive(Default)]
struct Unsure(MemoryRegistry);

#[async_trait]
impl Registry for Unsure {
    async fn enter(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError> {
        self.0.enter(gateway, users).await
    }

    async fn leave(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError> {
        self.0.leave(gateway, users).await
    }

    async fn locate(&self, _: &[UserId]) -> Result<Located, RegistryError> {
        Ok(Located::default())
    }

    async fn gateways(&self) -> Result<Vec<GatewayId>, RegistryError> {
        self.0.gateways().await
    }
}

struct Scene {
    broker: Arc<dyn Broker>,
    stage: Fanout,
    full: GatewayId,
    well: [GatewayId; 2],
}

impl Scene {
    /// Declares three gateways, one of them with a full queue.
    async fn new(broker: Arc<dyn Broker>, registry: Arc<dyn Registry>, folder: &Path) -> Self {
        let store = Arc::new(EmbeddedStore::open(Database::open_in(folder).unwrap()).await.unwrap());
        let (full, well) = (GatewayId::new(), [GatewayId::new(), GatewayId::new()]);
        for id in [&well[0], &full, &well[1]] {
            broker.declare_gateway(id).await.unwrap();
            registry.enter(id, &["ann".parse().unwrap()]).await.unwrap();
        }
        fill(&*broker, &full).await;
        let parts = fanout_over(store, Arc::clone(&broker), registry);
        let stage = Fanout::open(0, parts, &Metrics::default()).await.unwrap();
        Self { broker, stage, full, well }
    }

    async fn tell_all(&self, event: &Event) -> Result<(), Unavailable> {
        let item = Item {
            id: event.id().0,
            attempt: 0,
            redelivered: false,
            value: event.clone(),
            reply_to: None,
            trace: None,
        };
        let performed = self.stage.perform(&[item]).await.unwrap();
        self.stage.announce(&performed.outbox).await
    }

    async fn assert_heard_by_the_well(&self, event: &Event) {
        for id in &self.well {
            let mut subscription = self.broker.subscribe(gateway(id).name(), 10).await.unwrap();
            let incoming = timeout(PATIENCE, subscription.next()).await.expect("it arrives").unwrap();
            assert_eq!(Frame::decode(&incoming.payload).unwrap().items[0].id, event.id().0);
        }
    }

    async fn is_cut_off(&self, id: &GatewayId) -> bool {
        matches!(self.broker.depth(gateway(id).name()).await, Err(BrokerError::Unroutable(_)))
    }
}

/// Publishes until not even a small message fits.
async fn fill(broker: &dyn Broker, id: &GatewayId) {
    let mut publisher = broker.publisher(None).await.unwrap();
    for size in FILLING {
        let message = Outgoing::to_queue(gateway(id).name(), Bytes::from(vec![0; size]));
        let mut count = 0;
        while publisher.publish(vec![message.clone()]).await[0].is_ok() {
            count += 1;
            assert!(count < MESSAGES_MAX, "the queue takes more than it should");
        }
    }
}

fn event() -> Event {
    let revocation = Revocation { user_id: "ann".parse().unwrap(), session: None, at: Timestamp(1) };
    Event::Revoked { revocation, command: CommandId::new() }
}

async fn a_full_gateway_is_cut_off_and_the_others_hear_everything(broker: Arc<dyn Broker>) {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(broker, Arc::new(Unsure::default()), folder.path()).await;
    let event = event();
    scene.tell_all(&event).await.unwrap();
    assert!(scene.is_cut_off(&scene.full).await, "it would go on with a hole");
    for id in &scene.well {
        assert!(!scene.is_cut_off(id).await);
    }
    scene.assert_heard_by_the_well(&event).await;
}

async fn on_rabbitmq(name: &str, test: impl AsyncFnOnce(Arc<dyn Broker>)) {
    let own = Own::create(name).await.unwrap();
    let broker = AmqpBroker::connect(AmqpConfig::new(own.backends.rabbitmq.clone(), name)).unwrap();
    timeout(PATIENCE, broker.health().wait_for(|health| *health == Health::Up)).await.unwrap().unwrap();
    broker.declare(&Topology::new(1)).await.unwrap();
    test(broker.clone()).await;
    broker.shutdown().await;
    own.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_full_for_a_broadcast_is_cut_off_on_rabbitmq() {
    on_rabbitmq("overflow", async |broker| {
        a_full_gateway_is_cut_off_and_the_others_hear_everything(broker).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_full_for_a_broadcast_is_cut_off_in_the_data_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_in(folder.path()).unwrap();
    let broker = EmbeddedBroker::open(database, Arc::new(SystemClock)).await.unwrap();
    a_full_gateway_is_cut_off_and_the_others_hear_everything(Arc::new(broker)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_waits_for_a_full_gateway_that_nobody_can_name() {
    on_rabbitmq("nameless", async |broker| {
        let folder = tempfile::tempdir().unwrap();
        let scene = Scene::new(broker, Arc::new(NoRegistry), folder.path()).await;
        let event = event();
        scene.tell_all(&event).await.expect_err("it is not lost without a word");
        assert!(!scene.is_cut_off(&scene.full).await);
        scene.broker.remove_gateway(&scene.full).await.unwrap();
        scene.tell_all(&event).await.unwrap();
        scene.assert_heard_by_the_well(&event).await;
    })
    .await;
}
