//! A small system for tests: stores in memory, a broker whose worker answers at once, and the ingress on top
//! of both.
//!
//! The broker can be told to answer late or to be away, each store to be away. What the worker stores is what
//! the stores show.

mod blocks;
mod broker;
mod dead_letters;
mod devices;
mod drafts;
mod erasures;
mod outbound;
mod people;
mod reports;
mod scheduled;
mod search;
mod sends;
mod store;
mod suppressions;
mod uploads;

pub(crate) use dead_letters::TestDeadLetters;
pub(crate) use outbound::TestOutbound;
pub(crate) use people::{TestDirectory, TestPresence};
pub(crate) use store::TestStore;
pub(crate) use uploads::{TestBlobs, TestUploads};

use crate::{IngressConfig, IngressParts, Notices, OpsParts};
use broker::{TestBroker, Worker};
use eventflow_bus::port::{Broker, Health};
use eventflow_bus::request::Requests;
use eventflow_bus::reshard::gate::ShardGate;
use eventflow_bus::share::lookout::Lookout;
use eventflow_bus::topology::Topology;
use eventflow_metrics::Metrics;
use eventflow_ports::{Apart, ErasedPeople, FixedClock, Membership, MemoryJournal, MemoryRegistry, People};
use eventflow_protocol::client::answers::ProcessStatus;
use eventflow_protocol::command::Command;
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::person::TokenName;
use eventflow_protocol::{ErrorCode, Timestamp};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// Everything that the ingress needs, and the switches that tests turn.
pub(crate) struct World {
    pub(crate) parts: IngressParts,
    pub(crate) store: Arc<TestStore>,
    pub(crate) uploads: Arc<TestUploads>,
    pub(crate) blobs: Arc<TestBlobs>,
    pub(crate) drain: CancellationToken,
    pub(crate) letters: Arc<TestDeadLetters>,
    pub(crate) directory: Arc<TestDirectory>,
    pub(crate) presence: Arc<TestPresence>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) registry: Arc<MemoryRegistry>,
    pub(crate) tracker: TaskTracker,
    /// The broker, for whoever opens lanes of its own.
    pub(crate) port: Arc<dyn Broker>,
    pub(crate) topology: Topology,
    broker: Arc<TestBroker>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With other settings.
    #[allow(clippy::unused_async, reason = "a world is awaited like every other part of a test")]
    pub(crate) async fn with(configure: impl FnOnce(&mut IngressConfig)) -> Self {
        let worker = Worker::default();
        let store = worker.store.clone();
        let inbox = worker.inbox.clone();
        let devices = worker.devices.clone();
        let directory = worker.directory.clone();
        let sends = worker.sends.clone();
        let blocks = worker.blocks.clone();
        let reports = worker.reports.clone();
        let drafts = worker.drafts.clone();
        let scheduled = worker.scheduled.clone();
        let uploads = worker.uploads.clone();
        let erasures = worker.erasures.clone();
        let erased = ErasedPeople::new(erasures.clone());
        let blobs = Arc::new(TestBlobs::default());
        let drain = CancellationToken::new();
        let suppressions = worker.suppressions.clone();
        let letters = Arc::new(TestDeadLetters::default());
        let presence = Arc::new(TestPresence::default());
        let clock = Arc::new(FixedClock::at(NOW));
        let registry = Arc::new(MemoryRegistry::default());
        let broker = Arc::new(TestBroker { worker, health: watch::Sender::new(Health::Up) });
        let tracker = TaskTracker::new();
        let metrics = Metrics::default();
        let topology = Topology::new(2);
        let port: Arc<dyn Broker> = broker.clone();
        let requests = Requests::open(&port, &ShardGate::fixed(topology.shards()), &metrics, &tracker);
        let mut config = IngressConfig::new(SECRET);
        // A busy machine must not make a gateway do without what a test waits for.
        config.shed_at = Duration::ZERO;
        configure(&mut config);
        let parts = IngressParts {
            store: store.clone(),
            inbox,
            outbound: Arc::new(TestOutbound::default()),
            suppressions,
            search: store.clone(),
            sends,
            drafts,
            apart: Apart::new(blocks),
            reports,
            erasures,
            scheduled,
            uploads: uploads.clone(),
            blobs: Some(blobs.clone()),
            tasks: tracker.clone(),
            drain: drain.clone(),
            dead_letters: letters.clone(),
            topology,
            devices,
            directory: directory.clone(),
            people: People::new(directory.clone(), erased, config.markup),
            presence: presence.clone(),
            membership: Membership::new(store.clone()),
            registry: registry.clone(),
            journal: Arc::new(MemoryJournal::default()),
            requests,
            ops: OpsParts {
                broker: port.clone(),
                topology,
                lookout: Lookout::new(port.clone()),
                rates: None,
                process: Arc::new(ProcessStatus::default),
            },
            broker_health: port.health(),
            clock: clock.clone(),
            metrics,
            notices: Notices::default(),
            config,
        };
        Self {
            parts,
            store,
            uploads,
            blobs,
            drain,
            letters,
            directory,
            presence,
            clock,
            registry,
            tracker,
            port,
            topology,
            broker,
        }
    }

    /// Makes the broker unavailable.
    pub(crate) fn disconnect_broker(&self) {
        self.broker.health.send_replace(Health::Down("amqp://secret-host is gone".into()));
    }

    /// Makes the broker available again.
    pub(crate) fn reconnect_broker(&self) {
        self.broker.health.send_replace(Health::Up);
    }

    /// Makes the worker store and not answer.
    pub(crate) fn silence_worker(&self) {
        self.broker.worker.is_silent.store(true, SeqCst);
    }

    /// Makes the worker refuse every command.
    pub(crate) fn refuse_all(&self, code: ErrorCode) {
        *self.broker.worker.refuses.lock() = Some(code);
    }

    /// Every command that the worker got, oldest first.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let mut commands = self.broker.worker.commands.lock().clone();
        // Anybody's first request may bring one; tests of names look at the directory.
        commands.retain(|command| {
            !matches!(command, Command::NoteTokenName(TokenName { user_id, name }) if name == user_id.as_str())
        });
        commands
    }

    /// What was published to other queues than the worker's, with the queue's name; oldest first.
    pub(crate) fn published(&self) -> Vec<(String, Envelope)> {
        self.broker.worker.others.lock().clone()
    }

    /// A token for a user, valid for an hour.
    pub(crate) fn token(&self, user: &str) -> String {
        self.token_as(user, "user")
    }

    /// As [`World::token`], for somebody of this role.
    pub(crate) fn token_as(&self, user: &str, role: &str) -> String {
        let tokens = crate::identity::Tokens::new(SECRET, self.clock.clone()).unwrap();
        tokens.mint_as(&user.parse().unwrap(), user, role, 3_600)
    }
}
