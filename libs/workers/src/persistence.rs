//! The persistence stage: it carries out commands, and is the only stage that writes documents.
//!
//! In come the commands of one shard, in order; out go the stored documents as events to the fan-out stage,
//! and results to whoever waits. The stage is safe to repeat because a message's id follows from its
//! command's, advances only raise cursors, and changes and marks remember their commands. The store finds
//! what it did before, and an event that may not have been sent is sent again under the same id.
//!
//! [`append`] creates threads and messages and [`update`] changes what exists, both with [`together`];
//! [`drafts`] and [`scheduled`] keep what is not sent yet, [`due`] sends what has waited for its time,
//! [`attachments`] notes which files messages use, [`block`] keeps blocks, [`reports`] reports, [`group`]
//! says who is in a group, and [`erase`] forgets a person and refuses what they do; [`applied`] says what a
//! command came to, and [`outbox`] gathers that for a batch.

mod append;
mod applied;
mod attachments;
mod block;
mod change;
mod drafts;
mod due;
mod erase;
mod group;
mod outbox;
mod quoted;
mod reports;
mod scheduled;
mod together;
mod update;

use self::applied::Applied;
pub use self::outbox::CommandOutbox;
use self::outbox::OutboxEvent;
use crate::search::Unindexed;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Destination, Outgoing, Publish};
use eventflow_bus::topology::{FANOUT, Queue, Sharded};
use eventflow_metrics::{Metrics, QueueMetrics, ScheduledMetrics};
use eventflow_ports::{
    Blocks, Clock, DeadLetters, Directory, Drafts, ErasedPeople, Erasures, Inbox, PushDevices, Reports,
    Scheduled, SearchIndex, Sends, Store, StoreError, Suppressions, Uploads, WholeStore,
};
use eventflow_protocol::change::Change;
use eventflow_protocol::codec::CodecError;
use eventflow_protocol::command::Command;
use eventflow_protocol::document::Message;
use eventflow_protocol::event::Event;
use eventflow_protocol::reply::ReplyFrame;
use eventflow_protocol::{ThreadId, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The persistence stage of one queue. Each shard has two: one for its commands and one for its cursors.
pub struct Persistence {
    pub(super) parts: PersistenceParts,
    events: Mutex<Box<dyn Publish>>,
    next: Queue<Event>,
    metrics: QueueMetrics,
    published: QueueMetrics,
    scheduled: ScheduledMetrics,
}

/// What the persistence stage needs.
#[derive(Clone)]
pub struct PersistenceParts {
    /// Keeps threads and messages.
    pub store: Arc<dyn Store>,
    /// Keeps notifications and preferences.
    pub inbox: Arc<dyn Inbox>,
    /// Keeps devices that pushes go to.
    pub devices: Arc<dyn PushDevices>,
    /// Keeps profiles and revocations.
    pub directory: Arc<dyn Directory>,
    /// Keeps the addresses that get no mail.
    pub suppressions: Arc<dyn Suppressions>,
    /// Keeps sends to many people.
    pub sends: Arc<dyn Sends>,
    /// Keeps who blocks whom.
    pub blocks: Arc<dyn Blocks>,
    /// Keeps what people report to the administrators.
    pub reports: Arc<dyn Reports>,
    /// Keeps drafts.
    pub drafts: Arc<dyn Drafts>,
    /// Keeps messages that wait for their time.
    pub scheduled: Arc<dyn Scheduled>,
    /// Keeps records of uploaded files.
    pub uploads: Arc<dyn Uploads>,
    /// Keeps who is erased.
    pub erasures: Arc<dyn Erasures>,
    /// Remembers who is erased; one for all stages of a process.
    pub erased: ErasedPeople,
    /// Keeps what no worker could handle: an erasure deletes what is the person's.
    pub letters: Arc<dyn DeadLetters>,
    /// Keeps what messages are found by.
    pub search: Arc<dyn SearchIndex>,
    /// Remembers the threads that [`crate::search::Indexer`] has to look at.
    pub unindexed: Arc<Unindexed>,
    /// Carries events to the fan-out stage and replies to the ingress.
    pub broker: Arc<dyn Broker>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
}

impl PersistenceParts {
    /// All parts over one store, of a stage that shares them with no other.
    pub fn over<S: WholeStore + 'static>(
        store: Arc<S>,
        broker: Arc<dyn Broker>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store: Arc::clone(&store) as _,
            inbox: Arc::clone(&store) as _,
            devices: Arc::clone(&store) as _,
            directory: Arc::clone(&store) as _,
            suppressions: Arc::clone(&store) as _,
            sends: Arc::clone(&store) as _,
            blocks: Arc::clone(&store) as _,
            reports: Arc::clone(&store) as _,
            drafts: Arc::clone(&store) as _,
            scheduled: Arc::clone(&store) as _,
            uploads: Arc::clone(&store) as _,
            erasures: Arc::clone(&store) as _,
            erased: ErasedPeople::new(Arc::clone(&store) as _),
            letters: Arc::clone(&store) as _,
            search: store,
            unindexed: Arc::default(),
            broker,
            clock,
        }
    }
}

impl Persistence {
    /// Opens the stage for shard `shard` of `commands`, publishing to the fan-out shard of the same number.
    pub async fn open(
        commands: &Sharded<Command>,
        shard: u16,
        parts: PersistenceParts,
        metrics: &Metrics,
    ) -> Result<Self, BrokerError> {
        let next = FANOUT.shard(shard);
        let events = Mutex::new(parts.broker.publisher(None).await?);
        let published = metrics.bus.queue(next.name());
        let scheduled = metrics.scheduled.clone();
        let metrics = metrics.bus.queue(commands.shard(shard).name());
        Ok(Self { parts, events, next, metrics, published, scheduled })
    }

    fn observe_age(&self, batch: &[Item<Command>]) {
        let now = self.parts.clock.now();
        self.metrics.observe_ages(batch.iter().filter_map(|item| Some(item.value.at()?.age_at(now))));
    }

    /// Carries out what is not refused, as if nothing else were in the part.
    async fn apply_allowed(&self, part: &[Item<Command>]) -> Result<Vec<Applied>, Unavailable> {
        if self.parts.erased.is_empty() {
            return self.apply_part(part).await;
        }
        let refusals = self.refusals(part).await?;
        if refusals.iter().all(Option::is_none) {
            return self.apply_part(part).await;
        }
        let allowed = part.iter().zip(&refusals).filter(|(_, refusal)| refusal.is_none());
        let allowed: Vec<Item<Command>> = allowed.map(|(item, _)| item.clone()).collect();
        let mut applied = self.apply_part(&allowed).await?.into_iter();
        let each = refusals.into_iter().map(|refusal| refusal.or_else(|| applied.next()));
        Ok(each.map(|applied| applied.unwrap_or_else(Applied::unanswered)).collect())
    }

    /// Creates threads, then appends their messages, then updates both: a message may be for a thread that
    /// was asked for just before it. Within a part no order between the three can show.
    async fn apply_part(&self, part: &[Item<Command>]) -> Result<Vec<Applied>, Unavailable> {
        let mut applied: Vec<Option<Applied>> = part.iter().map(|_| None).collect();
        let due = self.begin_due(part, &mut applied).await?;
        self.create_threads(part, &mut applied).await?;
        self.append_messages(&due.part, &mut applied).await?;
        self.end_due(&due, &mut applied).await?;
        self.update(part, &mut applied).await?;
        Ok(applied.into_iter().map(|applied| applied.unwrap_or_else(Applied::unanswered)).collect())
    }

    async fn publish(&self, events: &[OutboxEvent]) -> Result<(), Unavailable> {
        let messages = self.messages(events).map_err(|error| Unavailable::new("encoding", error))?;
        if messages.is_empty() {
            return Ok(());
        }
        let timer = self.published.confirm_seconds.start_timer();
        for result in self.events.lock().await.publish(messages).await {
            if let Err(error) = result {
                self.published.publish_failures.inc();
                return Err(Unavailable::new("the broker", error));
            }
        }
        timer.observe_duration();
        self.published.published.inc_by(events.len() as u64);
        self.published.publish_batch.observe(events.len() as f64);
        Ok(())
    }

    /// The events as messages to the fan-out stage, as few as their size allows.
    fn messages(&self, events: &[OutboxEvent]) -> Result<Vec<Outgoing>, CodecError> {
        let envelopes = events.iter().map(|OutboxEvent { event, trace }| event.envelope(*trace));
        let to = Destination::Queue(self.next.name().to_owned());
        Ok(Outgoing::of_envelopes(&to, envelopes.collect::<Result<Vec<_>, _>>()?))
    }

    async fn reply(&self, replies: &HashMap<Arc<str>, ReplyFrame>) {
        for (address, frame) in replies {
            match frame.pack() {
                Ok(payloads) => {
                    for payload in payloads {
                        self.parts.broker.reply(address, payload).await;
                    }
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a reply cannot be encoded");
                }
            }
        }
    }

    /// Brings threads up to their messages, all in one call. If the store fails at that, one of them may be
    /// to blame, so each goes alone and keeps nobody waiting.
    async fn touch(&self, stored: &[Message]) -> Result<(), Unavailable> {
        match self.parts.store.touch_threads(stored).await {
            Ok(()) => Ok(()),
            Err(error @ StoreError::Unavailable { .. }) => Err(Unavailable::new("the store", error)),
            Err(StoreError::Failed { .. } | StoreError::Refused { .. }) => self.touch_each(stored).await,
        }
    }

    async fn touch_each(&self, stored: &[Message]) -> Result<(), Unavailable> {
        let mut by_thread: BTreeMap<ThreadId, Vec<Message>> = BTreeMap::new();
        for message in stored {
            by_thread.entry(message.thread_id).or_default().push(message.clone());
        }
        for (thread, messages) in by_thread {
            match self.parts.store.touch_threads(&messages).await {
                Ok(()) => {}
                Err(error @ StoreError::Unavailable { .. }) => {
                    return Err(Unavailable::new("the store", error));
                }
                // The messages are stored; the thread's preview and counters follow with its next message.
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    %thread,
                    "a thread could not be brought up to its messages"
                ),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl BatchHandler for Persistence {
    type Value = Command;
    type Outbox = CommandOutbox;

    fn accepted_at(command: &Command) -> Option<Timestamp> {
        command.at()
    }

    fn forget(&self) {
        self.parts.store.forget_threads();
    }

    async fn perform(&self, batch: &[Item<Command>]) -> Result<Performed<CommandOutbox>, Unavailable> {
        self.observe_age(batch);
        self.parts.erased.refresh().await.map_err(|error| Unavailable::new("the store", error))?;
        let mut outbox = CommandOutbox::default();
        let mut outcomes = Vec::with_capacity(batch.len());
        for part in batch.split_inclusive(|item| ends_a_part(&item.value)) {
            let applied = self.apply_allowed(part).await?;
            outcomes.extend(part.iter().zip(applied).map(|(item, applied)| outbox.add(item, applied)));
        }
        Ok(Performed { outcomes, outbox })
    }

    async fn announce(&self, outbox: &CommandOutbox) -> Result<(), Unavailable> {
        let (published, ()) = tokio::join!(self.publish(&outbox.events), self.reply(&outbox.replies));
        published
    }

    /// Brings thread documents up to their messages, once per thread for all batches that were announced
    /// meanwhile.
    async fn finalize(&self, announced: &[Arc<CommandOutbox>]) -> Result<(), Unavailable> {
        let stored: Vec<Message> = announced.iter().flat_map(|outbox| outbox.stored().cloned()).collect();
        if stored.is_empty() {
            return Ok(());
        }
        self.touch(&stored).await?;
        self.parts.unindexed.note(&stored);
        Ok(())
    }
}

/// Whether the commands after this one belong to the next part.
///
/// "Read everything" means everything before the command, and a message that is sent after somebody put a
/// thread away brings it back. Taking a message back tells people what is left to read, which clients take
/// together with the messages that they heard before. So what follows one of these must not be carried out
/// before it.
fn ends_a_part(command: &Command) -> bool {
    match command {
        Command::AdvanceCursor(advance) => advance.up_to.is_none(),
        // What comes after it must not find the person who has left, and must find who came in. No reading
        // that comes after a mark may be carried out before it. What comes after an erasure must find it.
        Command::ArchiveThread(_)
        | Command::LeaveThread(_)
        | Command::ChangeGroup(_)
        | Command::MarkUnread(_)
        | Command::ErasePerson(_) => true,
        Command::ChangeMessage(wanted) => wanted.change == Change::Delete,
        Command::CreateThread(_)
        | Command::SendMessage(_)
        | Command::ChangeBlock(_)
        | Command::SaveDraft(_)
        | Command::ScheduleMessage(_)
        | Command::ChangeScheduled(_)
        | Command::SendScheduled(_)
        | Command::Notify(_)
        | Command::ChangeNotifications(_)
        | Command::SetPreferences(_)
        | Command::ChangePreferences(_)
        | Command::RegisterPushDevice(_)
        | Command::RemovePushDevice(_)
        | Command::PutProfile(_)
        | Command::NoteTokenName(_)
        | Command::Revoke(_)
        | Command::ChangeSuppression(_)
        | Command::AddSend(_)
        | Command::CancelSend(_)
        | Command::ReportMessage(_)
        | Command::HandleReport(_)
        | Command::EraseStep(_) => false,
    }
}
