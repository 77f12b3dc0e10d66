//! A gateway that the registry cannot be told of: fan-out finds its clients all the same.

use super::stage::fanout_over;
use eventflow_bus::handler::{BatchHandler as _, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::topology::gateway;
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_metrics::Metrics;
use eventflow_ports::{MemoryRegistry, SystemClock};
use eventflow_protocol::event::Event;
use eventflow_protocol::{CommandId, GatewayId, Timestamp};
use eventflow_workers::fanout::doubt::Doubt;
use eventflow_workers::fanout::{Fanout, FanoutParts};
use std::path::Path;
use std::sync::Arc;

struct Scene {
    broker: Arc<dyn Broker>,
    stage: Fanout,
    gateway: GatewayId,
}

impl Scene {
    /// A gateway with a queue, of which the registry says nothing.
    async fn new(folder: &Path, doubt: Doubt) -> Self {
        let database = Database::open_in(folder).unwrap();
        let broker: Arc<dyn Broker> =
            Arc::new(EmbeddedBroker::open(database.clone(), Arc::new(SystemClock)).await.unwrap());
        let store = Arc::new(EmbeddedStore::open(database).await.unwrap());
        let gateway = GatewayId::new();
        broker.declare_gateway(&gateway).await.unwrap();
        let registry = Arc::new(MemoryRegistry::default());
        let parts = fanout_over(store, Arc::clone(&broker), registry);
        let parts = FanoutParts { doubt: Arc::new(doubt), ..parts };
        let stage = Fanout::open(0, parts, &Metrics::default()).await.unwrap();
        Self { broker, stage, gateway }
    }

    /// Lets the stage carry an event out, and says how many frames wait for the gateway then.
    async fn after(&self, value: Event) -> u64 {
        let item =
            Item { id: value.id().0, attempt: 0, redelivered: false, value, reply_to: None, trace: None };
        let performed = self.stage.perform(&[item]).await.unwrap();
        self.stage.announce(&performed.outbox).await.unwrap();
        self.broker.depth(gateway(&self.gateway).name()).await.unwrap().ready
    }
}

fn of_somebody() -> Event {
    Event::PresenceChosen {
        user_id: "ann".parse().unwrap(),
        wants_away: true,
        command: CommandId::new(),
        at: Timestamp(1),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_says_it_is_not_listed_gets_every_event() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(folder.path(), Doubt::never()).await;
    assert_eq!(scene.after(of_somebody()).await, 0, "the registry knows of nobody");
    let unlisted = Event::GatewayUnlisted {
        gateway: scene.gateway.clone(),
        command: CommandId::new(),
        at: Timestamp(2),
    };
    assert_eq!(scene.after(unlisted).await, 0, "it is for this stage alone");
    assert_eq!(scene.after(of_somebody()).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_just_begun_may_have_missed_that_and_sends_every_gateway_every_event() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(folder.path(), Doubt::default()).await;
    assert_eq!(scene.after(of_somebody()).await, 1);
}
