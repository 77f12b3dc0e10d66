//! The store: its connection, its collections, its indexes, and which file does what.

use crate::call::{CallError, Calls};
use crate::directory::{ProfileRecord, RevocationRecord, revocation_index};
use crate::inbox::{NotificationRecord, PreferencesRecord, notification_indexes};
use crate::memory::{Memory, memory};
use crate::record::{MessageRecord, ThreadRecord};
use async_trait::async_trait;
use eventflow_ports::{Appended, Identified, MessagePage, NewMessage, Store, StoreError, ThreadPage};
use eventflow_protocol::change::{AdvanceCursor, Advanced, ArchiveThread, ChangeMessage, Changed};
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::document::{Message, Thread, ThreadView};
use eventflow_protocol::event::Participants;
use eventflow_protocol::{MessageId, ThreadId, UserId};
use mongodb::bson::{Document, doc};
use mongodb::options::{
    Acknowledgment, ClientOptions, IndexOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Collection, Database, IndexModel};
use std::collections::HashMap;
use std::time::Duration;

/// Where data goes if the URI names no database.
pub(crate) const DATABASE: &str = "eventflow";
/// Who is connected, in the server's log and `currentOp`.
const APP_NAME: &str = "eventflow";
/// Connections at most: four shards with one write and one touch each, and reads of the edge beside them.
const POOL_MAX: u32 = 32;
/// A server that accepts no connection, or answers no heartbeat, within this is taken for gone.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Time between heartbeats. With [`CONNECT_LIMIT`] it bounds how long a silent server holds a call: the driver then interrupts it.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// How long a call waits for a primary, which covers an ordinary election.
const SELECTION_LIMIT: Duration = Duration::from_secs(5);
/// How long the server waits for the majority before it says that it could not (`wtimeout`).
const MAJORITY_LIMIT: Duration = Duration::from_secs(8);

/// A read that takes longer has failed: somebody at a screen is waiting for it.
pub(crate) const READ_LIMIT: Duration = Duration::from_secs(6);
/// A write that takes longer has failed; longer than [`MAJORITY_LIMIT`], so that the server's answer comes first.
pub(crate) const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// A probe that takes longer has failed: it decides readiness, which is asked every few seconds.
const PING_LIMIT: Duration = Duration::from_secs(2);
/// Indexes are built at start; on a collection that was filled without them this takes its time.
const PREPARE_LIMIT: Duration = Duration::from_mins(10);

/// The message store on MongoDB. Cheap to share in an `Arc`; several processes use one database.
#[derive(Debug)]
pub struct MongoStore {
    pub(crate) client: Client,
    pub(crate) database: Database,
    pub(crate) messages: Collection<MessageRecord>,
    pub(crate) threads: Collection<ThreadRecord>,
    pub(crate) notifications: Collection<NotificationRecord>,
    pub(crate) preferences: Collection<PreferencesRecord>,
    pub(crate) profiles: Collection<ProfileRecord>,
    pub(crate) revocations: Collection<RevocationRecord>,
    /// The host application's; never written.
    pub(crate) users: Collection<Document>,
    pub(crate) calls: Calls,
    pub(crate) memory: Memory,
}

impl MongoStore {
    /// A store in the database that `uri` (`mongodb://host:port/database?…`) names, or in `eventflow`.
    ///
    /// Does not wait for the server: while there is none, operations answer [`StoreError::Unavailable`].
    /// [`StoreError::Refused`] if the URI is not one. Majority, journal and primary are set here, whatever the URI says of them.
    pub async fn connect(uri: &str) -> Result<Self, StoreError> {
        let refused = |error| StoreError::Refused { what: "read the MongoDB URI", source: Box::new(error) };
        let mut options = ClientOptions::parse(uri).await.map_err(refused)?;
        configure(&mut options);
        let client = Client::with_options(options).map_err(refused)?;
        let database = client.default_database().unwrap_or_else(|| client.database(DATABASE));
        Ok(Self {
            messages: database.collection("messages"),
            threads: database.collection("threads"),
            notifications: database.collection("notifications"),
            preferences: database.collection("preferences"),
            profiles: database.collection("profiles"),
            revocations: database.collection("revocations"),
            users: database.collection("users"),
            client,
            database,
            calls: Calls::default(),
            memory: memory(),
        })
    }

    /// Creates the collections and indexes that are missing; safe to repeat, and for several processes at once.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        let (messages, threads) = (self.messages.clone(), self.threads.clone());
        let (notifications, revocations) = (self.notifications.clone(), self.revocations.clone());
        let create = async move {
            messages.create_indexes(message_indexes()).await?;
            threads.create_indexes(thread_indexes()).await?;
            notifications.create_indexes(notification_indexes()).await?;
            revocations.create_index(revocation_index()).await?;
            Ok(())
        };
        Ok(self.calls.run("create indexes", PREPARE_LIMIT, create).await?)
    }

    /// Waits for the calls under way, then closes the connections. Operations fail afterwards.
    pub async fn close(&self) {
        self.calls.finish().await;
        self.client.clone().shutdown().immediate(true).await;
    }

    /// Runs a command whose write concern, if it writes, is in its document.
    pub(crate) async fn command(
        &self,
        what: &'static str,
        limit: Duration,
        command: Document,
    ) -> Result<Document, CallError> {
        let database = self.database.clone();
        self.calls.run(what, limit, async move { database.run_command(command).await }).await
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn append_messages(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, StoreError> {
        Ok(self.append(batch).await?)
    }

    async fn touch_threads(&self, messages: &[Message]) -> Result<(), StoreError> {
        Ok(self.touch(messages).await?)
    }

    async fn create_thread(&self, create: &CreateThread) -> Result<(Thread, bool), StoreError> {
        Ok(self.create(create).await?)
    }

    async fn change_messages(
        &self,
        changes: &[Identified<ChangeMessage>],
    ) -> Result<Vec<Changed>, StoreError> {
        Ok(self.change(changes).await?)
    }

    async fn advance(&self, advances: &[AdvanceCursor]) -> Result<Vec<Option<Advanced>>, StoreError> {
        Ok(self.advance_cursors(advances).await?)
    }

    async fn archive(&self, archive: &Identified<ArchiveThread>) -> Result<Option<ThreadView>, StoreError> {
        Ok(self.put_away(archive).await?)
    }

    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        Ok(self.read_message(id).await?)
    }

    async fn thread(&self, id: ThreadId) -> Result<Option<Thread>, StoreError> {
        Ok(self.read_thread(id).await?)
    }

    async fn thread_view(&self, id: ThreadId, viewer: &UserId) -> Result<Option<ThreadView>, StoreError> {
        Ok(self.read_view(id, viewer).await?)
    }

    async fn participants(
        &self,
        threads: &[ThreadId],
    ) -> Result<HashMap<ThreadId, Participants>, StoreError> {
        Ok(self.read_participants(threads).await?)
    }

    async fn threads_of(&self, viewer: &UserId, page: ThreadPage) -> Result<Vec<ThreadView>, StoreError> {
        Ok(self.list(viewer, page).await?)
    }

    async fn messages(&self, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>, StoreError> {
        Ok(self.read_messages(thread, page).await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.command("ping", PING_LIMIT, doc! { "ping": 1 }).await?;
        Ok(())
    }
}

/// The write concern of every write, for commands that carry it themselves.
pub(crate) fn majority_document() -> Document {
    let limit = i64::try_from(MAJORITY_LIMIT.as_millis()).unwrap_or(i64::MAX);
    doc! { "w": "majority", "j": true, "wtimeout": limit }
}

fn configure(options: &mut ClientOptions) {
    let majority =
        WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(MAJORITY_LIMIT).build();
    options.app_name.get_or_insert_with(|| APP_NAME.to_owned());
    options.max_pool_size = Some(POOL_MAX);
    options.connect_timeout = Some(CONNECT_LIMIT);
    options.heartbeat_freq = Some(HEARTBEAT);
    options.server_selection_timeout = Some(SELECTION_LIMIT);
    options.write_concern = Some(majority);
    options.read_concern = Some(ReadConcern::majority());
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    // The driver's one retry is exact: the server recognises the statements it has done.
    options.retry_writes = Some(true);
    options.retry_reads = Some(true);
}

/// The fence between two writers of a thread, a sender's own keys, and what legs may join. `_id` has its index from the server.
fn message_indexes() -> [IndexModel; 3] {
    let with_key = doc! { "clientMessageId": { "$exists": true } };
    [
        unique(doc! { "threadId": 1, "seq": 1 }, IndexOptions::default()),
        unique(
            doc! { "senderId": 1, "clientMessageId": 1 },
            IndexOptions::builder().partial_filter_expression(with_key).build(),
        ),
        partial(doc! { "pair.key": 1, "createdAt": 1 }, doc! { "pair.key": { "$exists": true } }),
    ]
}

/// Somebody's threads in the order they are listed, and those they have put away.
fn thread_indexes() -> [IndexModel; 2] {
    [
        IndexModel::builder()
            .keys(doc! { "participants": 1, "status": 1, "activityAt": -1, "_id": -1 })
            .build(),
        partial(
            doc! { "archivedBy": 1, "status": 1, "activityAt": -1, "_id": -1 },
            doc! { "archivedBy": { "$exists": true } },
        ),
    ]
}

fn partial(keys: Document, of: Document) -> IndexModel {
    IndexModel::builder()
        .keys(keys)
        .options(IndexOptions::builder().partial_filter_expression(of).build())
        .build()
}

fn unique(keys: Document, mut options: IndexOptions) -> IndexModel {
    options.unique = Some(true);
    IndexModel::builder().keys(keys).options(options).build()
}
