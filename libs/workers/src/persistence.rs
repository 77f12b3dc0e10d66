//! Commands become documents: the only stage that writes.
//!
//! In come commands of one shard, in order; out go the stored documents as events to the fan-out stage, and answers to
//! whoever waits. Safe to repeat because a message's id follows from its command's, cursors only rise and changes remember their
//! commands: the store finds what it did before, and the event that may not have been sent is sent again under the same id.
//! What a single command does is in [`alter`], what it leaves to be told in [`outcome`].

mod alter;
mod outcome;

use async_trait::async_trait;
use eventflow_bus::handler::{Handler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Outgoing, Publish};
use eventflow_bus::topology::{FANOUT, Queue, Sharded};
use eventflow_metrics::{Metrics, QueueMetrics};
use eventflow_ports::{Clock, Directory, Inbox, NewMessage, Store, StoreError};
use eventflow_protocol::CommandId;
use eventflow_protocol::codec;
use eventflow_protocol::command::Command;
use eventflow_protocol::document::Message;
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::reply::ReplyFrame;
pub use outcome::Announcement;
use outcome::Became;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Tries to bring threads up to their messages when the store fails at it for a reason that may pass.
const TOUCH_TRIES: u32 = 3;

/// The persistence stage of one shard: one for its commands, and one for its cursors.
pub struct Persistence {
    pub(super) parts: PersistenceParts,
    events: Mutex<Box<dyn Publish>>,
    next: Queue<Event>,
    metrics: QueueMetrics,
    published: QueueMetrics,
}

/// What the stage needs.
#[derive(Clone)]
pub struct PersistenceParts {
    /// Threads and messages.
    pub store: Arc<dyn Store>,
    /// Notifications and preferences.
    pub inbox: Arc<dyn Inbox>,
    /// Profiles and revocations.
    pub directory: Arc<dyn Directory>,
    /// Where events and answers go.
    pub broker: Arc<dyn Broker>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl Persistence {
    /// The stage of `way`'s shard `shard`, publishing to the fan-out shard of the same number.
    pub async fn open(
        way: &Sharded<Command>,
        shard: u16,
        parts: PersistenceParts,
        metrics: &Metrics,
    ) -> Result<Self, BrokerError> {
        let next = FANOUT.shard(shard);
        let events = Mutex::new(parts.broker.publisher(None).await?);
        let published = metrics.bus.queue(next.name());
        let metrics = metrics.bus.queue(way.shard(shard).name());
        Ok(Self { parts, events, next, metrics, published })
    }

    fn observe_age(&self, batch: &[Item<Command>]) {
        if let Some(oldest) = batch.iter().filter_map(|item| item.value.at()).min() {
            self.metrics.age_seconds.observe((self.parts.clock.now().0 - oldest.0).max(0) as f64 / 1_000.0);
        }
    }

    /// Threads, then their messages, then what is done to both. Within a part no order between the three can show.
    async fn perform_part(&self, part: &[Item<Command>]) -> Result<Vec<Option<Became>>, Unavailable> {
        let mut results: Vec<Option<Became>> = part.iter().map(|_| None).collect();
        self.create_threads(part, &mut results).await?;
        self.append(part, &mut results).await?;
        self.alter(part, &mut results).await?;
        Ok(results)
    }

    /// Threads first: a message may be for a thread that was asked for just before it.
    async fn create_threads(
        &self,
        batch: &[Item<Command>],
        results: &mut [Option<Became>],
    ) -> Result<(), Unavailable> {
        for (item, result) in batch.iter().zip(results) {
            if let Command::CreateThread(create) = &item.value {
                *result = Some(match self.parts.store.create_thread(create).await {
                    Ok((thread, created)) => Became::Thread(Box::new(thread), created),
                    Err(error) => not_done(error)?,
                });
            }
        }
        Ok(())
    }

    async fn append(
        &self,
        batch: &[Item<Command>],
        results: &mut [Option<Became>],
    ) -> Result<(), Unavailable> {
        let (at, new): (Vec<usize>, Vec<NewMessage>) =
            batch.iter().enumerate().filter_map(|(at, item)| Some((at, new_message(item)?))).unzip();
        if new.is_empty() {
            return Ok(());
        }
        match self.parts.store.append_messages(&new).await {
            Ok(appended) => {
                at.into_iter()
                    .zip(appended)
                    .for_each(|(at, appended)| results[at] = Some(Became::Message(Box::new(appended))));
            }
            Err(error) => {
                not_done(error)?;
                self.append_one_by_one(at, &new, results).await?;
            }
        }
        Ok(())
    }

    /// The store did not take the batch, perhaps for one of its messages: find which.
    async fn append_one_by_one(
        &self,
        at: Vec<usize>,
        new: &[NewMessage],
        results: &mut [Option<Became>],
    ) -> Result<(), Unavailable> {
        for (at, message) in at.into_iter().zip(new) {
            results[at] = match self.parts.store.append_messages(std::slice::from_ref(message)).await {
                Ok(mut appended) => appended.pop().map(|appended| Became::Message(Box::new(appended))),
                Err(error) => Some(not_done(error)?),
            };
        }
        Ok(())
    }

    async fn publish(&self, events: &[Event]) -> Result<(), Unavailable> {
        let envelopes = events
            .iter()
            .map(envelope)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unavailable("encoding", error))?;
        let frames = Frame::pack(envelopes).iter().map(Frame::encode).collect::<Result<Vec<_>, _>>();
        let frames = frames.map_err(|error| unavailable("encoding", error))?;
        if frames.is_empty() {
            return Ok(());
        }
        let timer = self.published.confirm_seconds.start_timer();
        let messages =
            frames.into_iter().map(|payload| Outgoing::to_queue(self.next.name(), payload)).collect();
        for result in self.events.lock().await.publish(messages).await {
            result
                .inspect_err(|_| self.published.publish_failures.inc())
                .map_err(|error| unavailable("the broker", error))?;
        }
        timer.observe_duration();
        self.published.published.inc_by(events.len() as u64);
        self.published.publish_batch.observe(events.len() as f64);
        Ok(())
    }

    async fn answer(&self, answers: &HashMap<Arc<str>, ReplyFrame>) {
        for (address, frame) in answers {
            match frame.pack() {
                Ok(payloads) => {
                    for payload in payloads {
                        self.parts.broker.reply(address, payload).await;
                    }
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "an answer cannot be encoded")
                }
            }
        }
    }

    async fn touch(&self, stored: &[Message]) -> Result<(), Unavailable> {
        for tries_left in (0..TOUCH_TRIES).rev() {
            match self.parts.store.touch_threads(stored).await {
                Ok(()) => break,
                Err(error @ StoreError::Unavailable { .. }) => return Err(unavailable("the store", error)),
                Err(StoreError::Failed { .. }) if tries_left > 0 => {}
                Err(error) => {
                    // The messages are stored; a thread's preview and counters follow with its next message.
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "threads could not be brought up to their messages"
                    );
                    break;
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Handler for Persistence {
    type Value = Command;
    type Effect = Announcement;

    async fn perform(&self, batch: &[Item<Command>]) -> Result<Performed<Announcement>, Unavailable> {
        self.observe_age(batch);
        let mut effect = Announcement::default();
        let mut outcomes = Vec::with_capacity(batch.len());
        for part in batch.split_inclusive(|item| ends_a_part(&item.value)) {
            let results = self.perform_part(part).await?;
            outcomes.extend(part.iter().zip(results).map(|(item, result)| effect.add(item, result)));
        }
        Ok(Performed { outcomes, effect })
    }

    async fn announce(&self, effect: &Announcement) -> Result<(), Unavailable> {
        let (published, ()) = tokio::join!(self.publish(&effect.events), self.answer(&effect.answers));
        published
    }

    /// Thread documents follow their messages, once per thread for all batches that were announced meanwhile.
    async fn conclude(&self, announced: &[Arc<Announcement>]) -> Result<(), Unavailable> {
        let stored: Vec<Message> = announced.iter().flat_map(|batch| batch.stored.iter().cloned()).collect();
        if stored.is_empty() { Ok(()) } else { self.touch(&stored).await }
    }
}

/// "Read everything" means everything before it, and a message that is sent after a thread was put away brings it back: what comes after
/// either belongs to the next part.
fn ends_a_part(command: &Command) -> bool {
    match command {
        Command::AdvanceCursor(advance) => advance.up_to.is_none(),
        Command::ArchiveThread(_) => true,
        _ => false,
    }
}

fn new_message(item: &Item<Command>) -> Option<NewMessage> {
    match &item.value {
        Command::SendMessage(send) => Some(NewMessage {
            command_id: CommandId(item.id),
            send: send.clone(),
            redelivered: item.redelivered,
        }),
        _ => None,
    }
}

fn envelope(event: &Event) -> Result<Envelope, codec::CodecError> {
    Ok(Envelope { id: event.id().0, attempt: 0, body: codec::encode(event)?, trace: None })
}

/// What becomes of a command that the store did not do, or the error that says to wait.
fn not_done(error: StoreError) -> Result<Became, Unavailable> {
    match error {
        StoreError::Unavailable { .. } => Err(unavailable("the store", error)),
        StoreError::Failed { what, source } => {
            Ok(Became::Failed(format!("the store failed: {what}: {source}")))
        }
        StoreError::Refused { what, source } => {
            Ok(Became::Refused(format!("the store refused: {what}: {source}")))
        }
    }
}

fn unavailable(what: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Unavailable {
    Unavailable { what, source: Box::new(source) }
}
