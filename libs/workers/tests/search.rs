//! Indexing for search on the embedded store, with processes that die in the middle.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::topology::{PERSIST, Topology};
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_metrics::Metrics;
use eventflow_ports::search::{
    Block, BlockEnd, BlockFilter, Found, Reach, Run, SearchIndex, SearchQuery, TAIL_MAX, find,
};
use eventflow_ports::store_contract::fixtures::{Scene, append, at};
use eventflow_ports::{FixedClock, StoreError};
use eventflow_protocol::change::{Change, ChangeMessage};
use eventflow_protocol::command::Command;
use eventflow_protocol::content::Content;
use eventflow_protocol::document::Message;
use eventflow_protocol::{CommandId, ThreadId, Timestamp, UserId};
use eventflow_workers::persistence::{Persistence, PersistenceParts};
use eventflow_workers::search::{Indexer, Unindexed};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use tempfile::TempDir;

#[tokio::test]
async fn what_is_stored_is_indexed_once_a_block_is_worth_it() {
    let stage = Stage::new().await;
    let scene = Scene::with_people(&*stage.store, 2).await;
    let messages = append(&*stage.store, &scene.talk(16)).await;
    let unindexed = Arc::new(Unindexed::default());
    let indexer = stage.indexer(Arc::clone(&stage.store) as _, &unindexed);
    unindexed.note(&messages[..15]);
    indexer.index_waiting().await.unwrap();
    assert_eq!(stage.indexed(&scene).await, 0, "it waits for more");
    unindexed.note(&messages[15..]);
    indexer.index_waiting().await.unwrap();
    assert_eq!(stage.indexed(&scene).await, 16);
}

#[tokio::test]
async fn an_indexer_that_dies_in_an_older_store_leaves_the_rest_to_the_next_one() {
    let stage = Stage::new().await;
    let scene = Scene::with_people(&*stage.store, 2).await;
    let count = usize::try_from(TAIL_MAX).unwrap() + 1;
    append(&*stage.store, &[scene.say(0, "the very first one")]).await;
    for batch in scene.talk(count - 1).chunks(1_000) {
        append(&*stage.store, batch).await;
    }
    let found = stage.search(&scene.people[1], "very first").await;
    assert_eq!((found.hits.len(), found.is_complete), (0, false), "what is not indexed is told");
    let mut before = 0;
    for _ in 0..2 {
        let dying = Arc::new(Dying::after(&stage.store, 2));
        assert!(stage.indexer(dying, &Arc::default()).index_all().await.is_err());
        let now = stage.indexed(&scene).await;
        assert!(now > before, "{now} after {before}");
        before = now;
    }
    assert!(before < count as u64);
    stage.indexer(Arc::clone(&stage.store) as _, &Arc::default()).index_all().await.unwrap();
    assert_eq!(stage.indexed(&scene).await, count as u64);
    let found = stage.search(&scene.people[1], "very first").await;
    assert_eq!((found.hits.len(), found.is_complete), (1, true));
}

#[tokio::test]
async fn an_edited_message_is_found_by_its_new_text_also_if_its_carrier_died() {
    let stage = Stage::new().await;
    let scene = Scene::with_people(&*stage.store, 2).await;
    let messages = append(&*stage.store, &[scene.say(0, "the weather"), scene.say(0, "the harbour")]).await;
    stage.indexer(Arc::clone(&stage.store) as _, &Arc::default()).index_all().await.unwrap();
    let edits = [edit(&messages[0], "the climate"), edit(&messages[1], "the station")];
    let carried = stage.persistence(Arc::clone(&stage.store) as _).await.perform(&edits[..1]).await;
    assert!(carried.is_ok());
    assert_eq!(stage.search(&scene.people[1], "climate").await.hits.len(), 1);
    let dying = Arc::new(Dying::after(&stage.store, 0));
    assert!(stage.persistence(dying).await.perform(&edits[1..]).await.is_err(), "it comes again");
    let carried = stage.persistence(Arc::clone(&stage.store) as _).await.perform(&edits[1..]).await;
    assert!(carried.is_ok());
    assert_eq!(stage.search(&scene.people[1], "station").await.hits.len(), 1);
    for old in ["weather", "harbour"] {
        assert_eq!(stage.search(&scene.people[1], old).await.hits.len(), 0, "{old}");
    }
}

fn edit(message: &Message, content: &str) -> Item<Command> {
    let value = Command::ChangeMessage(ChangeMessage {
        thread_id: message.thread_id,
        message_id: message.id,
        by: message.sender_id.clone(),
        change: Change::Edit { content: Content::parse(content).unwrap(), mentions: None },
        at: at(60),
    });
    Item { id: CommandId::new().0, attempt: 0, redelivered: false, value, reply_to: None, trace: None }
}

/// A store and a broker in a folder of their own.
struct Stage {
    store: Arc<EmbeddedStore>,
    broker: Arc<dyn Broker>,
    metrics: Metrics,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_in(folder.path()).unwrap();
        let clock = Arc::new(FixedClock::at(at(100)));
        let broker: Arc<dyn Broker> = Arc::new(EmbeddedBroker::open(database.clone(), clock).await.unwrap());
        broker.declare(&Topology::new(1)).await.unwrap();
        let store = Arc::new(EmbeddedStore::open(database).await.unwrap());
        Self { store, broker, metrics: Metrics::default(), _folder: folder }
    }

    fn indexer(&self, index: Arc<dyn SearchIndex>, unindexed: &Arc<Unindexed>) -> Indexer {
        Indexer::new(index, Arc::clone(unindexed), &self.metrics)
    }

    async fn persistence(&self, search: Arc<dyn SearchIndex>) -> Persistence {
        let clock = Arc::new(FixedClock::at(at(100)));
        let parts = PersistenceParts::over(Arc::clone(&self.store), Arc::clone(&self.broker), clock);
        let parts = PersistenceParts { search, ..parts };
        Persistence::open(&PERSIST, 0, parts, &self.metrics).await.unwrap()
    }

    /// How far the scene's thread is in blocks.
    async fn indexed(&self, scene: &Scene) -> u64 {
        self.store.reaches(&[scene.thread]).await.unwrap()[0].indexed
    }

    async fn search(&self, user: &UserId, words: &str) -> Found {
        let query = SearchQuery::new(user.clone(), words.parse().unwrap(), 50);
        find(&*self.store, &query).await.unwrap()
    }
}

/// An index that answers no more after some writes, as of a process that is killed before the next one.
struct Dying {
    index: Arc<EmbeddedStore>,
    writes_left: AtomicU32,
}

impl Dying {
    fn after(index: &Arc<EmbeddedStore>, writes: u32) -> Self {
        Self { index: Arc::clone(index), writes_left: AtomicU32::new(writes) }
    }

    fn write(&self) -> Result<(), StoreError> {
        let left = self.writes_left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        left.map(drop)
            .map_err(|_| StoreError::Unavailable { what: "index messages", source: "killed".into() })
    }
}

#[async_trait]
impl SearchIndex for Dying {
    async fn reaches_of(
        &self,
        user: &UserId,
        only: Option<ThreadId>,
        limit: u32,
    ) -> Result<Vec<Reach>, StoreError> {
        self.index.reaches_of(user, only, limit).await
    }
    async fn blocks(&self, threads: &[ThreadId], filter: &BlockFilter) -> Result<Vec<Run>, StoreError> {
        self.index.blocks(threads, filter).await
    }
    async fn messages_of(
        &self,
        runs: &[Run],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Message>, StoreError> {
        self.index.messages_of(runs, from, to).await
    }
    async fn reaches(&self, threads: &[ThreadId]) -> Result<Vec<Reach>, StoreError> {
        self.index.reaches(threads).await
    }
    async fn behind(
        &self,
        after: Option<ThreadId>,
        limit: u32,
    ) -> Result<(Vec<Reach>, Option<ThreadId>), StoreError> {
        self.index.behind(after, limit).await
    }
    async fn block_ends(&self, threads: &[ThreadId]) -> Result<Vec<(ThreadId, BlockEnd)>, StoreError> {
        self.index.block_ends(threads).await
    }
    async fn add_blocks(&self, blocks: &[Block], reached: &[(ThreadId, u64)]) -> Result<(), StoreError> {
        self.write()?;
        self.index.add_blocks(blocks, reached).await
    }
    async fn add_edited(&self, blocks: &[Block]) -> Result<(), StoreError> {
        self.write()?;
        self.index.add_edited(blocks).await
    }
}
