//! The decision: who is told what by e-mail and push, and when.
//!
//! In come jobs of the stages that notice something; out go items into windows, and rows of the delivery log
//! for what is not told. Nothing is sent here: [`dispatch`] hands windows that are due to the workers of
//! their channels, which decide again ([`again`]) just before they send. Safe to repeat because a person is
//! told one thing by one channel once ([`Outbound::hold`]), and because rows have ids that follow from what
//! they say.

pub mod again;
pub mod dispatch;
mod missed;

use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Destination, Outgoing, Publish};
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{NOTIFY, PUSH};
use eventflow_metrics::{Metrics, QueueMetrics};
use eventflow_ports::{Clock, Hold, Inbox, Outbound, PresenceStore, Store, StoreError};
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::inbox::{Channels, Notification, Preferences};
use eventflow_protocol::outbound::{
    About, Channel, DELIVER_BY, DeliveryEntry, DeliveryOutcome, NotifyJob, PRIORITY, Reason, Told,
};
use eventflow_protocol::presence::Status;
use eventflow_protocol::{MessageId, NotificationId, ThreadId, Timestamp, UserId, codec};
use futures_util::stream::iter;
use futures_util::{StreamExt, TryStreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// What messages are called among the kinds of notifications that people set channels for.
pub const MESSAGE_KIND: &str = "message";
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
    /// Carries what is cleared to the push workers.
    pub broker: Arc<dyn Broker>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// How long people have to see it by themselves.
    pub grace: Grace,
}

/// The decision. Run it as the handler of [`NOTIFY`], in any number of processes.
pub struct Decision {
    parts: DecisionParts,
    pushes: Mutex<Box<dyn Publish>>,
    metrics: QueueMetrics,
}

/// Jobs for the push workers: what readers have read, so that their devices show it no more.
#[derive(Debug, Default)]
pub struct Cleared(Vec<Envelope>);

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
        let pushes = Mutex::new(parts.broker.publisher(None).await?);
        Ok(Self { parts, pushes, metrics: metrics.bus.queue(NOTIFY.name()) })
    }

    async fn decide(&self, job: &NotifyJob) -> Result<(), StoreError> {
        match job {
            NotifyJob::Message { thread_id, message_id, seq, at, absent, .. } => {
                self.message(*thread_id, *message_id, *seq, *at, absent).await
            }
            NotifyJob::Notification { user_id, notification_id, .. } => {
                self.notification(user_id, *notification_id).await
            }
            NotifyJob::Departed { user_id, since, .. } => self.departed(user_id, *since).await,
            NotifyJob::Read { .. } => Ok(()),
        }
    }

    async fn message(
        &self,
        thread_id: ThreadId,
        message_id: MessageId,
        seq: u64,
        at: Timestamp,
        absent: &[UserId],
    ) -> Result<(), StoreError> {
        let told = Told { about: About::Message { thread_id, message_id, seq }, at, critical: false };
        let wishes: Vec<_> = absent.iter().map(|user| self.wish_for_message(user, told)).collect();
        self.settle(&iter(wishes).buffered(READ_AT_ONCE).try_collect::<Vec<_>>().await?).await
    }

    async fn notification(&self, user: &UserId, id: NotificationId) -> Result<(), StoreError> {
        // Whoever has deleted it knows of it.
        let Some(notification) = self.parts.inbox.notification(user, id).await? else { return Ok(()) };
        let preferences = self.parts.inbox.preferences(user).await?;
        let told = Told {
            about: About::Notification { notification_id: id },
            at: notification.created_at,
            critical: is_critical(&notification),
        };
        let channels = preferences.channels_for(&notification.kind);
        let reason = notification.is_read.then_some(Reason::Read);
        self.settle(&[Wish {
            user_id: user.clone(),
            told,
            preferences,
            channels,
            chosen: chosen_channels(&notification),
            reason,
        }])
        .await
    }

    /// Tells somebody who has gone of the unread messages that came shortly before, unless they are back.
    async fn departed(&self, user: &UserId, since: Timestamp) -> Result<(), StoreError> {
        if is_online(&*self.parts.presence, user, self.parts.clock.now()).await {
            return Ok(());
        }
        let missed = missed::messages(&*self.parts.store, user, since).await?;
        let wishes: Vec<_> = missed.into_iter().map(|told| self.wish_for_message(user, told)).collect();
        self.settle(&iter(wishes).buffered(READ_AT_ONCE).try_collect::<Vec<_>>().await?).await
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
            NotifyJob::Read { .. } => None,
        };
        if let Some(oldest) = batch.iter().filter_map(at).min() {
            self.metrics.age_seconds.observe(oldest.age_at(self.parts.clock.now()).as_secs_f64());
        }
    }
}

#[async_trait]
impl BatchHandler for Decision {
    type Value = NotifyJob;
    type Outbox = Cleared;

    /// Jobs go to the store one by one, a few at the same time: one that the store fails at must not hold up
    /// the others.
    async fn perform(&self, batch: &[Item<NotifyJob>]) -> Result<Performed<Cleared>, Unavailable> {
        self.observe_age(batch);
        let decisions: Vec<_> = batch.iter().map(|item| self.decide(&item.value)).collect();
        let mut decisions = iter(decisions).buffered(DECIDED_AT_ONCE);
        let mut outcomes = Vec::with_capacity(batch.len());
        while let Some(decided) = decisions.next().await {
            outcomes.push(match decided {
                Ok(()) => Outcome::Done,
                Err(error @ StoreError::Unavailable { .. }) => {
                    return Err(Unavailable::new("the store", error));
                }
                Err(error @ StoreError::Failed { .. }) => Outcome::retry_for(&error),
                Err(error @ StoreError::Refused { .. }) => Outcome::reject_for(&error),
            });
        }
        let read = batch.iter().filter(|item| matches!(item.value, NotifyJob::Read { .. }));
        let cleared = read.map(|item| Envelope { trace: item.trace, ..clear(item) }).collect();
        Ok(Performed { outcomes, outbox: Cleared(cleared) })
    }

    async fn announce(&self, Cleared(cleared): &Cleared) -> Result<(), Unavailable> {
        if cleared.is_empty() {
            return Ok(());
        }
        let to = Destination::Queue(PUSH.name().to_owned());
        let frames = Frame::pack(cleared.iter().cloned());
        let message =
            |frame| Outgoing::of_frame(to.clone(), frame).expect("envelopes of bytes always encode");
        for result in self.pushes.lock().await.publish(frames.iter().map(message).collect()).await {
            result.map_err(|error| Unavailable::new("the broker", error))?;
        }
        Ok(())
    }
}

impl Wish {
    fn reason_against(&self, channel: Channel) -> Option<Reason> {
        let is_wanted = self.told.critical || wants(self.channels, channel);
        let not_chosen = (!wants(self.chosen, channel)).then_some(Reason::NotChosen);
        self.reason.or(not_chosen).or((!is_wanted).then_some(Reason::Preference))
    }

    fn hold(&self, channel: Channel, grace: Grace, now: Timestamp) -> Hold {
        let grace = if self.told.critical { Duration::ZERO } else { grace.of(channel) };
        let ready = self.told.at.plus(grace).max(now);
        let due_at = self.preferences.due_at(channel, self.told.critical, ready);
        Hold { user_id: self.user_id.clone(), channel, told: self.told, due_at, now }
    }

    fn row(&self, channel: Channel, reason: Reason, now: Timestamp) -> DeliveryEntry {
        let outcome = DeliveryOutcome::Suppressed { reason };
        DeliveryEntry::new(self.user_id.clone(), channel, self.told.about, None, outcome, now)
    }
}

/// Whether the channel is on.
fn wants(channels: Channels, channel: Channel) -> bool {
    match channel {
        Channel::Email => channels.email,
        Channel::Push => channels.push,
    }
}

/// Whether a notification passes quiet hours and digests, also those of people who do not want its kind.
pub fn is_critical(notification: &Notification) -> bool {
    let (field, value) = PRIORITY;
    notification.data.get(field).and_then(serde_json::Value::as_str) == Some(value)
}

/// The channels that a notification's sender chose: all, unless its data lists some.
fn chosen_channels(notification: &Notification) -> Channels {
    let Some(serde_json::Value::Array(names)) = notification.data.get(DELIVER_BY) else {
        return Channels::default();
    };
    let has = |channel: Channel| names.iter().any(|name| name.as_str() == Some(channel.name()));
    Channels { in_app: true, email: has(Channel::Email), push: has(Channel::Push) }
}

/// Whether the person is active. If nobody can say, they are not: what is told twice does less harm than what
/// is not told.
async fn is_online(presence: &dyn PresenceStore, user: &UserId, now: Timestamp) -> bool {
    match presence.presence(std::slice::from_ref(user), now).await {
        Ok(known) => known.get(user).is_some_and(|one| one.status == Status::Online),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "nobody can say who is there");
            false
        }
    }
}

/// The job of a reader for the push workers, which take it as it is.
fn clear(item: &Item<NotifyJob>) -> Envelope {
    let body = codec::encode(&item.value).expect("ids and numbers always encode");
    Envelope { id: item.id, attempt: 0, body, trace: None }
}
