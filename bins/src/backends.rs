//! Backends: the URLs of the configuration select the adapters. Only this file knows which adapter is behind
//! a port.

mod lookups;

use self::lookups::{Lookups, open_lookups};
use crate::broker_observer::BrokerObserver;
use crate::markup::markup;
use anyhow::Context;
use eventflow_amqp::{AmqpBroker, AmqpConfig};
use eventflow_bus::port::Broker;
use eventflow_bus::reshard::log::ShardLog;
use eventflow_config::{Config, HostKeySetting, MEMORY};
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedJournal, EmbeddedStore};
use eventflow_metrics::{CallMetrics, Metrics};
use eventflow_mongo::{HostKey, MongoOptions, MongoStore};
use eventflow_ports::{
    Apart, Blocks, Clock, DeadLetters, Directory, Drafts, ErasedPeople, Erasures, FallbackPresence, Inbox,
    Journal, Membership, NoJournal, Outbound, Outbox, People, PresenceStore, PushDevices, Registry, Reports,
    Scheduled, SearchIndex, Sends, Store, StoreError, Suppressions, SystemClock, Uploads, WholeStore,
};
use eventflow_redis::{JournalSettings, RedisJournal};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// First pause between two attempts to prepare the store; doubles up to the longest.
const FIRST_PREPARE_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause while the store is down: how much later than the store a process may come back.
const DOWN_PREPARE_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause while the store is up and fails at it: each attempt may build an index on a live collection.
const FAILED_PREPARE_PAUSE: Duration = Duration::from_mins(1);

/// The adapters behind the ports of one process.
pub struct Backends {
    /// Broker: carries commands and events.
    pub broker: Arc<dyn Broker>,
    /// Store: keeps threads and messages.
    pub store: Arc<dyn Store>,
    /// Inbox: keeps notifications and preferences.
    pub inbox: Arc<dyn Inbox>,
    /// Push devices: where people's pushes go.
    pub devices: Arc<dyn PushDevices>,
    /// Directory: knows people's profiles and revoked credentials.
    pub directory: Arc<dyn Directory>,
    /// Outbound: keeps windows of e-mail and push, and the delivery log.
    pub outbound: Arc<dyn Outbound>,
    /// Suppression list: knows the addresses that get no mail.
    pub suppressions: Arc<dyn Suppressions>,
    /// Search: keeps what messages are found by.
    pub search: Arc<dyn SearchIndex>,
    /// Sends: keeps notifications for many people.
    pub sends: Arc<dyn Sends>,
    /// Drafts: keeps what people have begun to write.
    pub drafts: Arc<dyn Drafts>,
    /// Blocks: keeps who blocks whom.
    pub blocks: Arc<dyn Blocks>,
    /// Apart: caches who is to hear nothing of whom.
    pub apart: Apart,
    /// Reports: keeps what people report to the administrators.
    pub reports: Arc<dyn Reports>,
    /// Erasures: keeps who is erased, and how far that has come.
    pub erasures: Arc<dyn Erasures>,
    /// Erased people: remembers who is erased.
    pub erased: ErasedPeople,
    /// Scheduled: keeps messages that wait for their time.
    pub scheduled: Arc<dyn Scheduled>,
    /// Uploads: keeps records of uploaded files.
    pub uploads: Arc<dyn Uploads>,
    /// Dead letters: keeps what no worker could handle, and the audit log.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Outbox: keeps what would have been sent.
    pub outbox: Arc<dyn Outbox>,
    /// People: caches how people are shown.
    pub people: People,
    /// Registry: knows which gateways a user is connected to.
    pub registry: Arc<dyn Registry>,
    /// Presence store: knows who is online, away or offline.
    pub presence: Arc<dyn PresenceStore>,
    /// The presence store again, if it is a shared one with a memory to fall back to.
    pub fallback: Option<Arc<FallbackPresence>>,
    /// Journal: remembers which messages gateways have sent to their sockets.
    pub journal: Arc<dyn Journal>,
    /// Membership: caches who is in a thread.
    pub membership: Membership,
    /// Clock: tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// The log that decides how many shards there are; none for a process that is alone with its queues.
    pub shard_log: Option<Arc<dyn ShardLog>>,
    amqp: Option<Arc<AmqpBroker>>,
    mongo: Option<Arc<MongoStore>>,
    prepared: watch::Sender<bool>,
    embedded_broker: Option<Arc<EmbeddedBroker>>,
    database: Option<Database>,
    embedded_journal: Option<Arc<EmbeddedJournal>>,
}

/// The ports of one store.
struct Stores {
    store: Arc<dyn Store>,
    inbox: Arc<dyn Inbox>,
    directory: Arc<dyn Directory>,
    devices: Arc<dyn PushDevices>,
    outbound: Arc<dyn Outbound>,
    suppressions: Arc<dyn Suppressions>,
    search: Arc<dyn SearchIndex>,
    sends: Arc<dyn Sends>,
    drafts: Arc<dyn Drafts>,
    blocks: Arc<dyn Blocks>,
    reports: Arc<dyn Reports>,
    erasures: Arc<dyn Erasures>,
    scheduled: Arc<dyn Scheduled>,
    uploads: Arc<dyn Uploads>,
    dead_letters: Arc<dyn DeadLetters>,
    outbox: Arc<dyn Outbox>,
}

impl Stores {
    fn of<S: WholeStore>(store: &Arc<S>) -> Self {
        Self {
            store: Arc::clone(store) as _,
            inbox: Arc::clone(store) as _,
            directory: Arc::clone(store) as _,
            devices: Arc::clone(store) as _,
            outbound: Arc::clone(store) as _,
            suppressions: Arc::clone(store) as _,
            search: Arc::clone(store) as _,
            sends: Arc::clone(store) as _,
            drafts: Arc::clone(store) as _,
            blocks: Arc::clone(store) as _,
            reports: Arc::clone(store) as _,
            erasures: Arc::clone(store) as _,
            scheduled: Arc::clone(store) as _,
            uploads: Arc::clone(store) as _,
            dead_letters: Arc::clone(store) as _,
            outbox: Arc::clone(store) as _,
        }
    }
}

impl Backends {
    /// Opens the adapters that the configuration selects, for a process of this name. `sweeps` says whether
    /// the process has the presence sweeper's role. A server that is down is no error here: its adapter keeps
    /// trying to connect.
    pub async fn open(config: &Config, name: &str, sweeps: bool, metrics: &Metrics) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let database = open_database(config).await?;
        if let Some(database) = &database {
            database.measure(metrics.store.calls.clone());
        }
        let mut amqp = None;
        let mut embedded_broker = None;
        let mut mongo = None;
        let broker: Arc<dyn Broker> = match &database {
            Some(database) if config.embedded_broker() => {
                let broker = EmbeddedBroker::open(database.clone(), Arc::clone(&clock))
                    .await
                    .context("open the embedded queue")?;
                Arc::clone(embedded_broker.insert(Arc::new(broker))) as _
            }
            _ => {
                let observer = Arc::new(BrokerObserver(metrics.broker.clone()));
                let server = AmqpConfig { observer, ..AmqpConfig::new(config.broker.url.expose(), name) };
                let broker = AmqpBroker::connect(server).context("broker.url")?;
                Arc::clone(amqp.insert(broker)) as _
            }
        };
        let stores = match &database {
            Some(database) if config.embedded_store() => {
                let store = EmbeddedStore::open(database.clone()).await.context("open the embedded store")?;
                Stores::of(&Arc::new(store))
            }
            _ => Stores::of(
                mongo.insert(Arc::new(open_mongo(config, Some(metrics.store.calls.clone())).await?)),
            ),
        };
        let Stores {
            store,
            inbox,
            directory,
            devices,
            outbound,
            suppressions,
            search,
            sends,
            drafts,
            blocks,
            reports,
            erasures,
            scheduled,
            uploads,
            dead_letters,
            outbox,
        } = stores;
        let Lookups { registry, presence, fallback } =
            open_lookups(config, &clock, sweeps, &metrics.redis.calls)?;
        let (journal, embedded_journal) = open_journal(config, &metrics.redis.calls).await?;
        let membership = Membership::new(Arc::clone(&store));
        let erased = ErasedPeople::new(Arc::clone(&erasures));
        let people = People::new(Arc::clone(&directory), erased.clone(), markup(config));
        Ok(Self {
            broker,
            store,
            inbox,
            devices,
            directory,
            outbound,
            suppressions,
            search,
            sends,
            drafts,
            apart: Apart::new(Arc::clone(&blocks)),
            blocks,
            reports,
            erased,
            erasures,
            scheduled,
            uploads,
            dead_letters,
            outbox,
            people,
            registry,
            presence,
            fallback,
            journal,
            membership,
            clock,
            shard_log: amqp.clone().map(|broker| broker as _),
            amqp,
            mongo,
            prepared: watch::Sender::new(false),
            embedded_broker,
            database,
            embedded_journal,
        })
    }

    /// Makes the store ready to be written (indexes), however long that takes. A process does this once,
    /// however many stages wait for it with [`Self::prepared`]. `Err` if the store refuses: then it never
    /// will be ready, and the reason says what to do.
    pub fn prepare(&self) -> impl Future<Output = anyhow::Result<()>> + Send + 'static {
        let (mongo, prepared) = (self.mongo.clone(), self.prepared.clone());
        async move {
            if let Some(store) = mongo {
                prepare(&store).await?;
                if let Some(warning) = store.warning() {
                    tracing::warn!("{warning}");
                }
            }
            prepared.send_replace(true);
            Ok(())
        }
    }

    /// Resolves when [`Self::prepare`] has made the store ready.
    pub fn prepared(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut prepared = self.prepared.subscribe();
        async move {
            // Fails only when the backends are gone, and their users with them.
            let _ = prepared.wait_for(|is_prepared| *is_prepared).await;
        }
    }

    /// What an operator should mend although the store can be used, asked anew each time.
    pub fn store_warning(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let mongo = self.mongo.clone();
        move || mongo.as_ref().and_then(|store| store.warning())
    }

    /// Closes connections and files in order. Call it after every role that used them has ended.
    pub async fn close(self) {
        if let Some(broker) = self.amqp {
            broker.shutdown().await;
        }
        if let Some(store) = self.mongo {
            store.close().await;
        }
        if let Some(broker) = self.embedded_broker
            && let Err(error) = broker.close().await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the embedded queue was not closed cleanly"
            );
        }
        if let Some(journal) = self.embedded_journal {
            journal.close().await;
        }
        if let Some(database) = self.database {
            database.close().await;
        }
    }
}

/// Opens the store on MongoDB that the configuration names, without waiting for the server. `metrics` get the
/// durations of its calls.
pub(crate) async fn open_mongo(config: &Config, metrics: Option<CallMetrics>) -> anyhow::Result<MongoStore> {
    let host_key = match config.store.host_key {
        HostKeySetting::Auto => HostKey::Either,
        HostKeySetting::DatabaseId => HostKey::DatabaseId,
        HostKeySetting::OwnId => HostKey::OwnId,
        HostKeySetting::None => HostKey::None,
    };
    let collection_prefix = config.store.collection_prefix.clone();
    let options = MongoOptions { collection_prefix, host_key, metrics };
    MongoStore::open(config.store.url.expose(), options).await.context("store.url")
}

/// Prepares the store, again and again while it is down or fails. `Err` if it refuses.
async fn prepare(store: &MongoStore) -> anyhow::Result<()> {
    let mut pause = FIRST_PREPARE_PAUSE;
    while let Err(error) = store.prepare().await {
        let longest = match &error {
            StoreError::Unavailable { .. } => {
                // That the store is away is told once, by `watch::store`.
                tracing::debug!(error = &error as &dyn std::error::Error, "the store is not prepared yet");
                DOWN_PREPARE_PAUSE
            }
            StoreError::Failed { .. } => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the store is not prepared yet");
                FAILED_PREPARE_PAUSE
            }
            StoreError::Refused { .. } => return Err(error).context("prepare the store"),
        };
        sleep(pause.min(longest)).await;
        pause = (pause * 2).min(longest);
    }
    Ok(())
}

async fn open_database(config: &Config) -> anyhow::Result<Option<Database>> {
    if config.embedded_broker() || config.embedded_store() {
        Ok(Some(open_data_file(config).await?))
    } else {
        Ok(None)
    }
}

/// Opens the data file in the data folder.
pub(crate) async fn open_data_file(config: &Config) -> anyhow::Result<Database> {
    let dir = config.data.dir.clone();
    let opened =
        tokio::task::spawn_blocking(move || Database::open_in(&dir)).await.context("open the data file")?;
    opened.with_context(|| {
        format!("configuration key `data.dir`: open the data file in {}", config.data.dir.display())
    })
}

/// Opens the journal. A single process keeps it in the data folder, where its successor finds it. A fleet
/// keeps it in the server that holds presence.
async fn open_journal(
    config: &Config,
    calls: &CallMetrics,
) -> anyhow::Result<(Arc<dyn Journal>, Option<Arc<EmbeddedJournal>>)> {
    let url = config.presence.url.expose();
    if url != MEMORY {
        let journal = RedisJournal::new(url, JournalSettings::default()).context("presence.url")?;
        return Ok((Arc::new(journal.measured(calls.clone())), None));
    }
    if !config.embedded_broker() {
        return Ok((Arc::new(NoJournal), None));
    }
    let dir = config.data.dir.clone();
    let opened = tokio::task::spawn_blocking(move || EmbeddedJournal::open_in(&dir))
        .await
        .context("open the journal")?;
    let journal = Arc::new(opened.with_context(|| {
        format!("configuration key `data.dir`: open the journal in {}", config.data.dir.display())
    })?);
    Ok((Arc::clone(&journal) as _, Some(journal)))
}
