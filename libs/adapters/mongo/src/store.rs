//! The store: its collections, and which file does the work of each method.

use crate::call::{CallError, Calls};
use crate::connection::{DATABASE, configure, pool_waits};
use crate::host_users::{HostKey, HostUsers};
use crate::record::blocks::BlockRecord;
use crate::record::change::ChangeRecord;
use crate::record::dead_letters::{AuditRecord, BodyRecord, LetterRecord, ReplayRecord};
use crate::record::drafts::DraftRecord;
use crate::record::erasures::ErasureRecord;
use crate::record::inbox::{NotificationRecord, PreferencesRecord};
use crate::record::mail::{OutboxRecord, SuppressionRecord};
use crate::record::message::MessageRecord;
use crate::record::outbound::{DeliveryRecord, WindowRecord};
use crate::record::person::{ProfileRecord, RevocationRecord, TokenNameRecord};
use crate::record::push::{DeviceRecord, ShownRecord};
use crate::record::reports::ReportRecord;
use crate::record::scheduled::ScheduledRecord;
use crate::record::sends::SendRecord;
use crate::record::thread::ThreadRecord;
use crate::record::uploads::UploadRecord;
use crate::thread_memory::ThreadMemory;
use async_trait::async_trait;
use eventflow_metrics::CallMetrics;
use eventflow_ports::{
    Appended, ChangePage, ChangedMessages, Left, MessagePage, NewMessage, PinPage, Store, StoreError,
    ThreadPage, WholeStore, WithCommandId,
};
use eventflow_protocol::Participants;
use eventflow_protocol::change::{
    AdvanceCursor, Advanced, ArchiveThread, ChangeGroup, ChangeMessage, Changed, GroupChanged, MarkUnread,
    MarkedUnread, PersonCursors,
};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::document::{Message, Thread, ThreadView};
use eventflow_protocol::wording::Wording;
use eventflow_protocol::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use futures_util::future::try_join_all;
use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use mongodb::{Client, Collection, Database};
use std::collections::HashMap;
use std::time::Duration;

/// Probe: one that takes longer has failed. It decides readiness, which balancers ask for every few seconds.
const PING_LIMIT: Duration = Duration::from_secs(2);
/// Index builds at start: on a collection that was filled without the indexes they take their time.
const PREPARE_LIMIT: Duration = Duration::from_mins(10);

/// How the store uses a database that it shares with others.
#[derive(Clone, Default)]
pub struct MongoOptions {
    /// Put before the name of each collection of the system's own, e.g. `chat_`; empty: none. Where another
    /// system has `messages` or `threads`, the two need names of their own.
    pub collection_prefix: String,
    /// Which field of the host application's `users` holds the ids of people.
    pub host_key: HostKey,
    /// Where the durations of calls and the waits for a connection are noted, if anywhere.
    pub metrics: Option<CallMetrics>,
}

/// The message store on MongoDB. Share it in an `Arc`. Several processes may use one database.
#[derive(Debug)]
pub struct MongoStore {
    pub(crate) client: Client,
    pub(crate) database: Database,
    pub(crate) messages: Collection<MessageRecord>,
    pub(crate) threads: Collection<ThreadRecord>,
    pub(crate) changes: Collection<ChangeRecord>,
    pub(crate) notifications: Collection<NotificationRecord>,
    pub(crate) preferences: Collection<PreferencesRecord>,
    pub(crate) windows: Collection<WindowRecord>,
    pub(crate) deliveries: Collection<DeliveryRecord>,
    pub(crate) profiles: Collection<ProfileRecord>,
    pub(crate) token_names: Collection<TokenNameRecord>,
    pub(crate) names: Collection<Document>,
    pub(crate) revocations: Collection<RevocationRecord>,
    pub(crate) search_blocks: Collection<Document>,
    pub(crate) sends: Collection<SendRecord>,
    pub(crate) blocks: Collection<BlockRecord>,
    pub(crate) reports: Collection<ReportRecord>,
    pub(crate) drafts: Collection<DraftRecord>,
    pub(crate) scheduled: Collection<ScheduledRecord>,
    pub(crate) letters: Collection<LetterRecord>,
    pub(crate) letter_bodies: Collection<BodyRecord>,
    pub(crate) letter_replays: Collection<ReplayRecord>,
    pub(crate) audit_log: Collection<AuditRecord>,
    pub(crate) suppressions: Collection<SuppressionRecord>,
    pub(crate) outbox: Collection<OutboxRecord>,
    pub(crate) push_devices: Collection<DeviceRecord>,
    pub(crate) push_shown: Collection<ShownRecord>,
    pub(crate) uploads: Collection<UploadRecord>,
    pub(crate) erasures: Collection<ErasureRecord>,
    /// The host application's users. The store reads them and never writes.
    pub(crate) users: HostUsers,
    pub(crate) calls: Calls,
    pub(crate) memory: ThreadMemory,
}

impl MongoStore {
    /// A store in the database that `uri` names, with the default options.
    pub async fn connect(uri: &str) -> Result<Self, StoreError> {
        Self::open(uri, MongoOptions::default()).await
    }

    /// A store in the database that `uri` (`mongodb://host:port/database?…`) names, or in `eventflow`.
    ///
    /// Does not wait for the server: while no server is there, operations answer [`StoreError::Unavailable`].
    /// Answers [`StoreError::Refused`] if `uri` is not a MongoDB URI. Write concern, read concern and read
    /// preference are always majority, majority and primary, whatever the URI says.
    pub async fn open(uri: &str, options: MongoOptions) -> Result<Self, StoreError> {
        let MongoOptions { collection_prefix: prefix, host_key, metrics } = options;
        let refused = |error| StoreError::Refused { what: "read the MongoDB URI", source: Box::new(error) };
        let mut options = ClientOptions::parse(uri).await.map_err(refused)?;
        configure(&mut options);
        options.cmap_event_handler = metrics.clone().map(pool_waits);
        let client = Client::with_options(options).map_err(refused)?;
        let database = client.default_database().unwrap_or_else(|| client.database(DATABASE));
        let own = |name: &str| format!("{prefix}{name}");
        Ok(Self {
            messages: database.collection(&own("messages")),
            threads: database.collection(&own("threads")),
            changes: database.collection(&own("changes")),
            notifications: database.collection(&own("notifications")),
            preferences: database.collection(&own("preferences")),
            windows: database.collection(&own("outboundWindows")),
            deliveries: database.collection(&own("deliveries")),
            profiles: database.collection(&own("profiles")),
            token_names: database.collection(&own("tokenNames")),
            names: database.collection(&own("names")),
            revocations: database.collection(&own("revocations")),
            search_blocks: database.collection(&own("searchBlocks")),
            sends: database.collection(&own("sends")),
            blocks: database.collection(&own("blocks")),
            reports: database.collection(&own("reports")),
            drafts: database.collection(&own("drafts")),
            scheduled: database.collection(&own("scheduledMessages")),
            letters: database.collection(&own("deadLetters")),
            letter_bodies: database.collection(&own("deadLetterBodies")),
            letter_replays: database.collection(&own("deadLetterReplays")),
            audit_log: database.collection(&own("audit")),
            suppressions: database.collection(&own("suppressions")),
            outbox: database.collection(&own("outbox")),
            push_devices: database.collection(&own("pushDevices")),
            push_shown: database.collection(&own("pushShown")),
            uploads: database.collection(&own("uploads")),
            erasures: database.collection(&own("erasures")),
            users: HostUsers::new(database.collection("users"), host_key),
            calls: Calls::probing(database.collection(&own("probes")), metrics),
            client,
            database,
            memory: ThreadMemory::new(),
        })
    }

    /// Creates the collections and indexes that are missing, and the index of names of people whom an earlier
    /// version stored. Safe to repeat, and safe for several processes
    /// at once. [`StoreError::Refused`], before anything is changed, if the collections hold documents of
    /// another system.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.refuse_foreign_documents().await?;
        self.users.look_anew(&self.calls).await;
        let (database, wanted) = (self.database.clone(), self.wanted_indexes());
        // At the same time, because the server waits for its disk for each.
        let create = async move {
            let each = wanted.into_iter().map(|(name, indexes)| {
                let collection = database.collection::<Document>(&name);
                async move { collection.create_indexes(indexes).await.map(drop) }
            });
            try_join_all(each).await.map(drop)
        };
        self.calls.run("create indexes", PREPARE_LIMIT, create).await?;
        Ok(self.index_everybody().await?)
    }

    /// What an operator should mend although the store can be used, if there is anything.
    pub fn warning(&self) -> Option<String> {
        self.users.warning()
    }

    /// Waits for the calls under way, then closes the connections. Every later operation fails.
    pub async fn close(&self) {
        self.calls.finish().await;
        self.client.clone().shutdown().immediate(true).await;
    }

    /// Runs a command. A command that writes carries its write concern in its document.
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

impl WholeStore for MongoStore {}

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
        changes: &[WithCommandId<ChangeMessage>],
    ) -> Result<Vec<Changed>, StoreError> {
        Ok(self.change(changes).await?)
    }

    async fn advance(&self, advances: &[AdvanceCursor]) -> Result<Vec<Option<Advanced>>, StoreError> {
        Ok(self.advance_cursors(advances).await?)
    }

    async fn mark_unread(
        &self,
        mark: &WithCommandId<MarkUnread>,
    ) -> Result<Option<MarkedUnread>, StoreError> {
        Ok(self.mark_thread_unread(mark).await?)
    }

    async fn unread_of_others(&self, message: &Message) -> Result<Vec<(UserId, u64)>, StoreError> {
        Ok(self.read_unread_of_others(message).await?)
    }

    async fn archive(
        &self,
        archive: &WithCommandId<ArchiveThread>,
    ) -> Result<Option<ThreadView>, StoreError> {
        Ok(self.archive_thread(archive).await?)
    }

    async fn leave(&self, leave: &WithCommandId<LeaveThread>) -> Result<Option<Left>, StoreError> {
        Ok(self.leave_thread(leave).await?)
    }

    async fn change_group(&self, change: &WithCommandId<ChangeGroup>) -> Result<GroupChanged, StoreError> {
        Ok(self.change_one_group(change).await?)
    }

    async fn seen_from(&self, thread: ThreadId, user: &UserId) -> Result<Option<u64>, StoreError> {
        Ok(self.read_seen_from(thread, user).await?)
    }

    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        Ok(self.read_message(id).await?)
    }

    async fn messages_by_id(&self, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        Ok(self.find_messages(ids).await?.into_values().collect())
    }

    async fn wordings(&self, id: MessageId) -> Result<Vec<Wording>, StoreError> {
        Ok(self.read_wordings(id).await?)
    }

    async fn mentioned_by(&self, message: MessageId, command: CommandId) -> Result<Vec<UserId>, StoreError> {
        Ok(self.read_mentioned_by(message, command).await?)
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

    async fn first_seq_after(&self, thread: ThreadId, at: Timestamp) -> Result<Option<u64>, StoreError> {
        Ok(self.read_first_after(thread, at).await?)
    }

    async fn newest_change(&self, thread: ThreadId) -> Result<u64, StoreError> {
        Ok(self.read_newest_change(thread).await?)
    }

    async fn changes(&self, thread: ThreadId, page: ChangePage) -> Result<ChangedMessages, StoreError> {
        Ok(self.read_changes(thread, page).await?)
    }

    async fn pins(&self, thread: ThreadId, page: PinPage) -> Result<Vec<Message>, StoreError> {
        Ok(self.read_pins(thread, page).await?)
    }

    async fn cursors(&self, thread: ThreadId) -> Result<Vec<PersonCursors>, StoreError> {
        Ok(self.read_cursors(thread).await?)
    }

    fn forget_threads(&self) {
        self.memory.forget_all();
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let database = self.database.clone();
        let ping = async move { database.run_command(doc! { "ping": 1 }).await };
        self.calls.run_briefly("ping", PING_LIMIT, ping).await?;
        Ok(())
    }
}
