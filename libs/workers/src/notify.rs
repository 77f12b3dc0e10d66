//! The decision: who is told what by e-mail and push, and when.
//!
//! In come jobs of the stages that notice something; out go items into windows, and rows of the delivery log
//! for what is not told. Nothing is sent here: [`dispatch`] hands windows that are due to the workers of
//! their channels, which decide again ([`again`]) just before they send. Safe to repeat because a person is
//! told one thing by one channel once ([`Outbound::hold`]), and because rows have ids that follow from what
//! they say.

pub mod again;
pub(crate) mod busy;
pub mod dispatch;
mod missed;

use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Destination, Outgoing, Publish};
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{FANOUT, NOTIFY, PUSH, Topology};
use eventflow_metrics::{Metrics, QueueMetrics};
use eventflow_ports::{Clock, Hold, Inbox, Outbound, PresenceStore, Store, StoreError};
use eventflow_protocol::command::Subject;
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::inbox::{Channels, Notification, Preferences};
use eventflow_protocol::outbound::{
    About, Channel, DELIVER_BY, DeliveryEntry, DeliveryOutcome, NotifyJob, PRIORITY, Reason, Told,
};
use eventflow_protocol::presence::Status;
use eventflow_protocol::{CommandId, NotificationId, ThreadId, Timestamp, UserId, codec};
use futures_util::stream::iter;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// What messages are called among the kinds of notifications that people set channels for.
pub const MESSAGE_KIND: &str = "message";
/// How long after a change of preferences what waits is decided again: people change more than one thing, and
/// most have seen by then what came just before.
const DECIDED_AGAIN_AFTER: Duration = Duration::from_mins(1);
/// Preferences read at the same time: half of what a store's connections carry.
const READ_AT_ONCE: usize = 16;

/// Jobs decided at the same time. Each may write a thousand windows, so a few fill the store's connections.
const DECIDED_AT_ONCE: usize = 4;

/// Limit of a batch: 512 jobs, four at a time, each with a thousand writes.
pub const BATCH_LIMIT: Duration = Duration::from_mins(5);

/// How long people have, from the moment something is stored, to see it before they are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// Until a mail.
    pub email: Duration,
    /// Until a push message.
    pub push: Duration,
}

impl Grace {
    fn of(self, channel: Channel) -> Duration {
        match channel {
            Channel::Email => self.email,
            Channel::Push => self.push,
        }
    }
}

/// What the decision needs.
#[derive(Clone)]
pub struct DecisionParts {
    /// Keeps windows and the delivery log.
    pub outbound: Arc<dyn Outbound>,
    /// Keeps threads and messages.
    pub store: Arc<dyn Store>,
    /// Keeps notifications and preferences.
    pub inbox: Arc<dyn Inbox>,
    /// Knows who is there.
    pub presence: Arc<dyn PresenceStore>,
    /// Carries what is cleared to the push workers, and who was told to the fan-out stage.
    pub broker: Arc<dyn Broker>,
    /// The shards of the fan-out stage.
    pub topology: Topology,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// How long people have to see it by themselves.
    pub grace: Grace,
}

/// The decision. Run it as the handler of [`NOTIFY`], in any number of processes.
pub struct Decision {
    parts: DecisionParts,
    publisher: Mutex<Box<dyn Publish>>,
    metrics: QueueMetrics,
}

/// What a batch of jobs leaves to be sent.
#[derive(Debug, Default)]
pub struct DecisionOutbox {
    /// Jobs for the push workers: what readers have read, so that their devices show it no more.
    cleared: Vec<Envelope>,
    /// Who is told of which thread, although the fan-out stage took them for connected. It lets that stage
    /// pass on that they have read it.
    told: Vec<(UserId, ThreadId)>,
}

/// What one person is to be told, or why not.
struct Wish {
    user_id: UserId,
    told: Told,
    preferences: Preferences,
    /// The channels by which the person wants to be told this kind of thing.
    channels: Channels,
    /// The channels that the sender chose.
    chosen: Channels,
    /// Why the person is not told by any channel.
    reason: Option<Reason>,
}

impl Decision {
    /// Opens the decision.
    pub async fn open(parts: DecisionParts, metrics: &Metrics) -> Result<Self, BrokerError> {
        let publisher = Mutex::new(parts.broker.publisher(None).await?);
        Ok(Self { parts, publisher, metrics: metrics.bus.queue(NOTIFY.name()) })
    }

    /// Decides, and gives who is told of which thread although a socket of theirs was taken for alive.
    async fn decide(&self, job: &NotifyJob) -> Result<Vec<(UserId, ThreadId)>, StoreError> {
        match job {
            NotifyJob::Message { thread_id, message_id, seq, at, absent, away, .. } => {
                let about = About::Message { thread_id: *thread_id, message_id: *message_id, seq: *seq };
                // Whoever is away has an open page that shows it once they look.
                let told = Told { about, at: *at, critical: false, was_online: *away };
                self.message(told, absent, *away).await?;
            }
            NotifyJob::Notification { user_id, notification_id, .. } => {
                self.notification(user_id, *notification_id).await?;
            }
            NotifyJob::Departed { user_id, since, .. } => return self.departed(user_id, *since).await,
            NotifyJob::PreferencesChanged { user_id, .. } => {
                let soon = self.parts.clock.now().plus(DECIDED_AGAIN_AFTER);
                self.parts.outbound.hasten_windows(user_id, soon).await?;
            }
            NotifyJob::Read { .. } | NotifyJob::NotificationsRead { .. } => {}
        }
        Ok(Vec::new())
    }

    /// `is_away`: these people have live sockets, so what they do not want to be told is no news, and no row.
    async fn message(&self, told: Told, absent: &[UserId], is_away: bool) -> Result<(), StoreError> {
        let wishes: Vec<_> = absent.iter().map(|user| self.wish_for_message(user, told)).collect();
        let mut wishes = iter(wishes).buffered(READ_AT_ONCE).try_collect::<Vec<_>>().await?;
        wishes.retain(|wish| !is_away || wish.preferences.when_away);
        self.settle(&wishes).await
    }

    async fn notification(&self, user: &UserId, id: NotificationId) -> Result<(), StoreError> {
        // Whoever has deleted it knows of it.
        let Some(notification) = self.parts.inbox.notification(user, id).await? else { return Ok(()) };
        let preferences = self.parts.inbox.preferences(user).await?;
        let told = Told {
            about: About::Notification { notification_id: id },
            at: notification.created_at,
            critical: is_critical(&notification),
            was_online: is_online(&*self.parts.presence, user, self.parts.clock.now()).await,
        };
        let channels = preferences.channels_of(&notification.kind, told.critical);
        let reason = notification.is_read.then_some(Reason::Read);
        self.settle(&[Wish {
            user_id: user.clone(),
            told,
            preferences,
            channels,
            chosen: chosen_channels(&notification.data),
            reason,
        }])
        .await
    }

    /// Tells somebody who has gone of the unread messages that came shortly before, unless they are back. The
    /// same for somebody who is away, if they want that.
    async fn departed(&self, user: &UserId, since: Timestamp) -> Result<Vec<(UserId, ThreadId)>, StoreError> {
        match status(&*self.parts.presence, user, self.parts.clock.now()).await {
            Status::Online => return Ok(Vec::new()),
            Status::Away if !self.parts.inbox.preferences(user).await?.when_away => return Ok(Vec::new()),
            Status::Away | Status::Offline => {}
        }
        let missed = missed::messages(&*self.parts.store, user, since).await?;
        let threads: BTreeSet<ThreadId> = missed.iter().filter_map(|told| told.about.thread_id()).collect();
        let wishes: Vec<_> = missed.into_iter().map(|told| self.wish_for_message(user, told)).collect();
        self.settle(&iter(wishes).buffered(READ_AT_ONCE).try_collect::<Vec<_>>().await?).await?;
        Ok(threads.into_iter().map(|thread| (user.clone(), thread)).collect())
    }

    async fn wish_for_message(&self, user: &UserId, told: Told) -> Result<Wish, StoreError> {
        let preferences = self.parts.inbox.preferences(user).await?;
        let channels = preferences.channels_for(MESSAGE_KIND);
        let now = self.parts.clock.now();
        let is_muted = told.about.thread_id().is_some_and(|thread| preferences.is_muted(thread, now));
        let reason = is_muted.then_some(Reason::Muted);
        Ok(Wish { user_id: user.clone(), told, preferences, channels, chosen: Channels::default(), reason })
    }

    /// Puts what is to be told into windows, and the rest into the log.
    async fn settle(&self, wishes: &[Wish]) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let (mut holds, mut rows) = (Vec::new(), Vec::new());
        for wish in wishes {
            for channel in Channel::ALL {
                match wish.reason_against(channel) {
                    None => holds.push(wish.hold(channel, self.parts.grace, now)),
                    Some(reason) => rows.push(wish.row(channel, reason, now)),
                }
            }
        }
        self.parts.outbound.hold(&holds).await?;
        self.parts.outbound.log_deliveries(&rows).await
    }

    fn observe_age(&self, batch: &[Item<NotifyJob>]) {
        let at = |item: &Item<NotifyJob>| match item.value {
            NotifyJob::Message { at, .. }
            | NotifyJob::Notification { at, .. }
            | NotifyJob::Departed { at, .. } => Some(at),
            NotifyJob::Read { .. }
            | NotifyJob::NotificationsRead { .. }
            | NotifyJob::PreferencesChanged { .. } => None,
        };
        if let Some(oldest) = batch.iter().filter_map(at).min() {
            self.metrics.age_seconds.observe(oldest.age_at(self.parts.clock.now()).as_secs_f64());
        }
    }
}

#[async_trait]
impl BatchHandler for Decision {
    type Value = NotifyJob;
    type Outbox = DecisionOutbox;

    /// Jobs go to the store one by one, a few at the same time: one that the store fails at must not hold up
    /// the others.
    async fn perform(&self, batch: &[Item<NotifyJob>]) -> Result<Performed<DecisionOutbox>, Unavailable> {
        self.observe_age(batch);
        let decisions: Vec<_> = batch.iter().map(|item| self.decide(&item.value)).collect();
        let mut decisions = iter(decisions).buffered(DECIDED_AT_ONCE);
        let (mut outcomes, mut told) = (Vec::with_capacity(batch.len()), Vec::new());
        while let Some(decided) = decisions.next().await {
            outcomes.push(match decided {
                Ok(of_this) => {
                    told.extend(of_this);
                    Outcome::Done
                }
                Err(error @ StoreError::Unavailable { .. }) => {
                    return Err(Unavailable::new("the store", error));
                }
                Err(error @ StoreError::Failed { .. }) => Outcome::retry_for(&error),
                Err(error @ StoreError::Refused { .. }) => Outcome::reject_for(&error),
            });
        }
        let is_read = |item: &&Item<NotifyJob>| {
            matches!(item.value, NotifyJob::Read { .. } | NotifyJob::NotificationsRead { .. })
        };
        let read = batch.iter().filter(is_read);
        let cleared = read.map(|item| Envelope { trace: item.trace, ..clear(item) }).collect();
        Ok(Performed { outcomes, outbox: DecisionOutbox { cleared, told } })
    }

    async fn announce(&self, outbox: &DecisionOutbox) -> Result<(), Unavailable> {
        let messages = self.messages(outbox);
        if messages.is_empty() {
            return Ok(());
        }
        for result in self.publisher.lock().await.publish(messages).await {
            result.map_err(|error| Unavailable::new("the broker", error))?;
        }
        Ok(())
    }
}

impl Decision {
    fn messages(&self, outbox: &DecisionOutbox) -> Vec<Outgoing> {
        let mut by_queue: BTreeMap<String, Vec<Envelope>> = BTreeMap::new();
        if !outbox.cleared.is_empty() {
            by_queue.insert(PUSH.name().to_owned(), outbox.cleared.clone());
        }
        for (user_id, thread_id) in &outbox.told {
            let shard = self.parts.topology.shard_of(&Subject::Thread(*thread_id));
            let queue = FANOUT.shard(shard).name().to_owned();
            let (command, at) = (CommandId::new(), self.parts.clock.now());
            let event = Event::ToldOutside { thread_id: *thread_id, user_id: user_id.clone(), command, at };
            let envelope = event.envelope(None).expect("ids and times always encode");
            by_queue.entry(queue).or_default().push(envelope);
        }
        let messages = |(queue, envelopes)| Outgoing::of_envelopes(&Destination::Queue(queue), envelopes);
        by_queue.into_iter().flat_map(messages).collect()
    }
}

impl Wish {
    fn reason_against(&self, channel: Channel) -> Option<Reason> {
        let not_chosen = (!wants(self.chosen, channel)).then_some(Reason::NotChosen);
        let unwanted = (!wants(self.channels, channel)).then_some(Reason::Preference);
        self.reason.or(not_chosen).or(unwanted)
    }

    fn hold(&self, channel: Channel, grace: Grace, now: Timestamp) -> Hold {
        let grace = if self.told.critical { Duration::ZERO } else { grace.of(channel) };
        let ready = self.told.at.plus(grace).max(now);
        let due_at = self.preferences.due_at(channel, self.told.critical, ready);
        let waits_for = self.preferences.waits_for(channel, self.told.critical, ready);
        Hold { user_id: self.user_id.clone(), channel, told: self.told, due_at, waits_for, now }
    }

    fn row(&self, channel: Channel, reason: Reason, now: Timestamp) -> DeliveryEntry {
        let outcome = DeliveryOutcome::Suppressed { reason };
        DeliveryEntry::new(self.user_id.clone(), channel, self.told.about, None, outcome, now)
    }
}

/// Whether the channel is on.
pub(crate) fn wants(channels: Channels, channel: Channel) -> bool {
    match channel {
        Channel::Email => channels.email,
        Channel::Push => channels.push,
    }
}

/// Whether a notification passes quiet hours, digests and preferences of kinds.
fn is_critical(notification: &Notification) -> bool {
    let (field, value) = PRIORITY;
    notification.data.get(field).and_then(serde_json::Value::as_str) == Some(value)
}

/// The notification in the form in which this person wants it: hidden, if not in their inbox. `None` if there
/// is no way by which they want it and its sender chose.
pub fn wanted_form(mut notification: Notification, preferences: &Preferences) -> Option<Notification> {
    let channels = preferences.channels_of(&notification.kind, is_critical(&notification));
    let chosen = chosen_channels(&notification.data);
    let is_told_by = |channel| wants(chosen, channel) && wants(channels, channel);
    notification.is_hidden = !channels.in_app;
    let is_wanted = channels.in_app || Channel::ALL.into_iter().any(is_told_by);
    is_wanted.then_some(notification)
}

/// The channels that the sender of a notification with this data chose: all, unless it lists some.
pub(crate) fn chosen_channels(data: &serde_json::Map<String, serde_json::Value>) -> Channels {
    let Some(serde_json::Value::Array(names)) = data.get(DELIVER_BY) else { return Channels::default() };
    let has = |channel: Channel| names.iter().any(|name| name.as_str() == Some(channel.name()));
    Channels { in_app: true, email: has(Channel::Email), push: has(Channel::Push) }
}

/// Whether the person looks: one of their lines is live, and they are at it.
async fn is_online(presence: &dyn PresenceStore, user: &UserId, now: Timestamp) -> bool {
    status(presence, user, now).await == Status::Online
}

/// How likely the person sees what their sockets are sent. If nobody can say, they are offline: what is told
/// twice does less harm than what is not told.
async fn status(presence: &dyn PresenceStore, user: &UserId, now: Timestamp) -> Status {
    match presence.attention(std::slice::from_ref(user), now).await {
        Ok(known) => known.get(user).copied().unwrap_or_default(),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "nobody can say who is there");
            Status::Offline
        }
    }
}

/// The job of a reader for the push workers, which take it as it is.
fn clear(item: &Item<NotifyJob>) -> Envelope {
    let body = codec::encode(&item.value).expect("ids and numbers always encode");
    Envelope { id: item.id, attempt: 0, body, trace: None }
}
