//! The decision: who is told what by e-mail and push, and when.
//!
//! In come jobs of the stages that notice something; out go items into windows, and rows of the delivery log
//! for what is not told. Nothing is sent here: [`dispatch`] hands windows that are due to the workers of
//! their channels, which decide again ([`again`]) just before they send. Safe to repeat because a person is
//! told one thing by one channel once ([`eventflow_ports::Outbound::hold`]), and because rows have ids that
//! follow from what they say.

pub mod again;
mod attention;
pub(crate) mod busy;
pub mod dispatch;
mod fair;
mod known;
mod missed;
mod parts;
mod unreachable;
mod wish;

use self::attention::{status, was_there};
use self::fair::in_fair_order;
use self::known::{Known, Person};
use self::missed::LeftOut;
pub(crate) use self::parts::wants;
pub use self::parts::{DecisionParts, Grace};
use self::unreachable::Noted;
use self::wish::Wish;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{BrokerError, Destination, Outgoing, Publish};
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{FANOUT, NOTIFY, PUSH};
use eventflow_metrics::{Metrics, QueueMetrics};
use eventflow_ports::StoreError;
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::inbox::{Channels, MESSAGE_KIND, Notification, Preferences};
use eventflow_protocol::outbound::{About, Channel, DELIVER_BY, NotifyJob, PRIORITY, Reason, Told};
use eventflow_protocol::presence::Status;
use eventflow_protocol::{CommandId, NotificationId, ThreadId, Timestamp, UserId, codec};
use futures_util::stream::iter;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long after a change of preferences what waits is decided again at the earliest: people change more
/// than one thing. What came just before has the longest grace in any case.
const DECIDED_AGAIN_AFTER: Duration = Duration::from_mins(1);
/// Preferences read at the same time: half of what a store's connections carry.
const READ_AT_ONCE: usize = 16;

/// Jobs decided at the same time. Each may write a thousand windows, so a few fill the store's connections.
const DECIDED_AT_ONCE: usize = 4;

/// Limit of a batch: 512 jobs, four at a time, each with a thousand writes.
pub const BATCH_LIMIT: Duration = Duration::from_mins(5);

/// The decision. Run it as the handler of [`NOTIFY`], in any number of processes.
pub struct Decision {
    parts: DecisionParts,
    publisher: Mutex<Box<dyn Publish>>,
    /// Whose rows say that nothing reaches them.
    noted: Noted,
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

impl Decision {
    /// Opens the decision.
    pub async fn open(parts: DecisionParts, metrics: &Metrics) -> Result<Self, BrokerError> {
        let publisher = Mutex::new(parts.broker.publisher(None).await?);
        Ok(Self { parts, publisher, noted: Noted::default(), metrics: metrics.bus.queue(NOTIFY.name()) })
    }

    /// Decides, and gives who is told of which thread although a socket of theirs was taken for alive.
    async fn decide(
        &self,
        job: &NotifyJob,
        known: &Known<'_>,
    ) -> Result<Vec<(UserId, ThreadId)>, StoreError> {
        match job {
            &NotifyJob::Message { thread_id, message_id, seq, at, ref absent, away, mention, .. } => {
                let about = About::Message { thread_id, message_id, seq, mention };
                // Whoever is away has an open page that shows it once they look.
                let told = Told { about, at, critical: false, was_online: away };
                self.message(known, told, absent, away).await?;
            }
            NotifyJob::Notification { user_id, notification_id, .. } => {
                self.notification(known, user_id, *notification_id).await?;
            }
            NotifyJob::Departed { user_id, since, .. } => return self.departed(known, user_id, *since).await,
            NotifyJob::PreferencesChanged { user_id, .. } => {
                let wait = DECIDED_AGAIN_AFTER.max(self.parts.grace.email).max(self.parts.grace.push);
                let soon = self.parts.clock.now().plus(wait);
                self.parts.outbound.hasten_windows(user_id, soon).await?;
            }
            NotifyJob::Read { .. } | NotifyJob::NotificationsRead { .. } => {}
        }
        Ok(Vec::new())
    }

    /// `is_away`: these people have live sockets, so what they do not want to be told is no news, and no row.
    async fn message(
        &self,
        known: &Known<'_>,
        told: Told,
        absent: &[UserId],
        is_away: bool,
    ) -> Result<(), StoreError> {
        let wishes: Vec<_> = absent.iter().map(|user| self.wish_for_message(known, user, told)).collect();
        let mut wishes = iter(wishes).buffered(READ_AT_ONCE).try_collect::<Vec<_>>().await?;
        wishes.retain(|wish| !is_away || wish.person.preferences.when_away);
        self.settle(&wishes).await
    }

    async fn notification(
        &self,
        known: &Known<'_>,
        user: &UserId,
        id: NotificationId,
    ) -> Result<(), StoreError> {
        // Whoever has deleted it knows of it.
        let Some(notification) = self.parts.inbox.notification(user, id).await? else { return Ok(()) };
        let (presence, now) = (&*self.parts.presence, self.parts.clock.now());
        let was_online = was_there(presence, user, now, notification.created_at).await;
        self.settle(&[wish_for_notification(known.person(user).await?, &notification, was_online)]).await
    }

    /// Tells somebody who has gone of the unread messages and notifications that came shortly before, unless
    /// they are back. The same for somebody who is away, if they want that.
    async fn departed(
        &self,
        known: &Known<'_>,
        user: &UserId,
        since: Timestamp,
    ) -> Result<Vec<(UserId, ThreadId)>, StoreError> {
        if self.parts.erased.includes(user) {
            return Ok(Vec::new());
        }
        match status(&*self.parts.presence, user, self.parts.clock.now()).await {
            Status::Online => return Ok(Vec::new()),
            Status::Away if !known.person(user).await?.preferences.when_away => return Ok(Vec::new()),
            Status::Away | Status::Offline => {}
        }
        let missed = missed::messages(&*self.parts.store, user, since).await?;
        let threads: BTreeSet<ThreadId> = missed.iter().filter_map(|told| told.about.thread_id()).collect();
        let wishes: Vec<_> =
            missed.into_iter().map(|told| self.wish_for_message(known, user, told)).collect();
        let wishes = iter(wishes).buffered(READ_AT_ONCE).try_collect::<Vec<_>>().await?;
        self.settle(&wishes).await?;
        self.tell_again(known, user, since, wishes).await?;
        Ok(threads.into_iter().map(|thread| (user.clone(), thread)).collect())
    }

    /// Holds once more what was left out because the person was taken for connected: their line may have been
    /// dead by then, or they have gone without reading it. What waits in a window needs nothing, since it is
    /// decided again.
    async fn tell_again(
        &self,
        known: &Known<'_>,
        user: &UserId,
        since: Timestamp,
        mut wishes: Vec<Wish>,
    ) -> Result<(), StoreError> {
        for notification in missed::notifications(&self.parts, user, since).await? {
            wishes.push(wish_for_notification(known.person(user).await?, &notification, false));
        }
        // Mostly nothing was missed, and the log need not be read.
        if wishes.is_empty() {
            return Ok(());
        }
        let left_out = LeftOut::read(&*self.parts.outbound, user, since).await?;
        let (now, grace) = (self.parts.clock.now(), self.parts.grace);
        let again = |wish: &Wish| wish.holds_again(&left_out.channels(&wish.told.about), grace, now);
        let holds: Vec<_> = wishes.iter().flat_map(again).collect();
        if holds.is_empty() { Ok(()) } else { self.parts.outbound.hold(&holds).await.map(drop) }
    }

    async fn wish_for_message(
        &self,
        known: &Known<'_>,
        user: &UserId,
        told: Told,
    ) -> Result<Wish, StoreError> {
        let person = known.person(user).await?;
        let channels = channels_of_message(&person.preferences, told);
        let now = self.parts.clock.now();
        let is_muted = is_muted(&person.preferences, told, now);
        let reason = is_muted.then_some(Reason::Muted);
        Ok(Wish { user_id: user.clone(), told, person, channels, chosen: Channels::default(), reason })
    }

    /// Puts what is to be told into windows, and the rest into the log. Whoever is erased has neither.
    async fn settle(&self, wishes: &[Wish]) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let mut holds = Vec::new();
        let (mut rows, mut unreachable) = (Vec::new(), Vec::new());
        for wish in wishes.iter().filter(|wish| !self.parts.erased.includes(&wish.user_id)) {
            for channel in Channel::ALL {
                // Of messages, that nothing reaches the person comes first: one row an hour says it.
                let is_message = wish.told.about.thread_id().is_some();
                match (wish.person.unreachable(channel), wish.reason_against(channel)) {
                    (Some(reason), _) if is_message => unreachable.push(wish.row(channel, reason, now)),
                    (_, Some(reason)) | (Some(reason), None) => rows.push(wish.row(channel, reason, now)),
                    (None, None) => holds.push(wish.hold(channel, self.parts.grace, now)),
                }
            }
        }
        self.parts.outbound.hold(&holds).await?;
        let news = self.noted.news(unreachable);
        rows.extend_from_slice(&news);
        if rows.is_empty() {
            return Ok(());
        }
        let written = self.parts.outbound.log_deliveries(&rows).await;
        if written.is_err() {
            self.noted.forget(&news);
        }
        written
    }

    fn observe_age(&self, batch: &[Item<NotifyJob>]) {
        let now = self.parts.clock.now();
        let ages = batch.iter().filter_map(|item| Some(Self::accepted_at(&item.value)?.age_at(now)));
        self.metrics.observe_ages(ages);
    }
}

#[async_trait]
impl BatchHandler for Decision {
    type Value = NotifyJob;
    type Outbox = DecisionOutbox;

    fn accepted_at(job: &NotifyJob) -> Option<Timestamp> {
        match *job {
            NotifyJob::Message { at, .. }
            | NotifyJob::Notification { at, .. }
            | NotifyJob::Departed { at, .. } => Some(at),
            NotifyJob::Read { .. }
            | NotifyJob::NotificationsRead { .. }
            | NotifyJob::PreferencesChanged { .. } => None,
        }
    }

    /// Jobs go to the store one by one, a few at the same time: one that the store fails at must not hold up
    /// the others.
    async fn perform(&self, batch: &[Item<NotifyJob>]) -> Result<Performed<DecisionOutbox>, Unavailable> {
        self.observe_age(batch);
        self.parts.erased.refresh().await.map_err(|error| Unavailable::new("the store", error))?;
        let known = Known::new(&self.parts);
        match known.read_ahead(&absent_people(batch)).await {
            Ok(()) => {}
            Err(error @ StoreError::Unavailable { .. }) => return Err(Unavailable::new("the store", error)),
            // One of them cannot be read: only the jobs that name that one are tried again.
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "people are read one by one");
            }
        }
        let order = in_fair_order(batch.iter().map(|item| &item.value));
        let decisions: Vec<_> = order.iter().map(|place| self.decide(&batch[*place].value, &known)).collect();
        let mut decisions = iter(decisions).buffered(DECIDED_AT_ONCE).zip(iter(&order));
        let (mut outcomes, mut told) = (vec![Outcome::Done; batch.len()], Vec::new());
        while let Some((decided, place)) = decisions.next().await {
            outcomes[*place] = match decided {
                Ok(of_this) => {
                    told.extend(of_this);
                    Outcome::Done
                }
                Err(error @ StoreError::Unavailable { .. }) => {
                    return Err(Unavailable::new("the store", error));
                }
                Err(error @ StoreError::Failed { .. }) => Outcome::retry_for(&error),
                Err(error @ StoreError::Refused { .. }) => Outcome::reject_for(&error),
            };
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
            let (command, at) = (CommandId::new(), self.parts.clock.now());
            let event = Event::ToldOutside { thread_id: *thread_id, user_id: user_id.clone(), command, at };
            let envelope = event.envelope(None).expect("ids and times always encode");
            // The thread's shard follows from the number in force, which gateways know and this stage does
            // not. To hear it without need costs a shard nothing, and it is rare.
            for shard in 0..self.parts.topology.shards() {
                by_queue.entry(FANOUT.shard(shard).name().to_owned()).or_default().push(envelope.clone());
            }
        }
        let messages = |(queue, envelopes)| Outgoing::of_envelopes(&Destination::Queue(queue), envelopes);
        by_queue.into_iter().flat_map(messages).collect()
    }
}

/// Everybody whom messages of this batch name as absent, or whom its notifications are for.
fn absent_people(batch: &[Item<NotifyJob>]) -> BTreeSet<&UserId> {
    let people = batch.iter().flat_map(|item| match &item.value {
        NotifyJob::Message { absent, .. } => absent.as_slice(),
        NotifyJob::Notification { user_id, .. } => std::slice::from_ref(user_id),
        NotifyJob::Departed { .. }
        | NotifyJob::PreferencesChanged { .. }
        | NotifyJob::Read { .. }
        | NotifyJob::NotificationsRead { .. } => &[],
    });
    people.collect()
}

fn wish_for_notification(person: Arc<Person>, notification: &Notification, was_online: bool) -> Wish {
    let critical = is_critical(notification);
    let about = About::Notification { notification_id: notification.id };
    Wish {
        user_id: notification.user_id.clone(),
        told: Told { about, at: notification.created_at, critical, was_online },
        channels: person.preferences.channels_of(&notification.kind, critical),
        person,
        chosen: chosen_channels(&notification.data),
        reason: notification.is_read.then_some(Reason::Read),
    }
}

/// The channels by which a person wants to be told of a message like this.
fn channels_of_message(preferences: &Preferences, told: Told) -> Channels {
    if told.about.is_mention() {
        preferences.channels_for_mentions()
    } else {
        preferences.channels_for(MESSAGE_KIND)
    }
}

/// Whether the person has muted this: mentions pass muted threads.
fn is_muted(preferences: &Preferences, told: Told, now: Timestamp) -> bool {
    let thread = told.about.thread_id().filter(|_| !told.about.is_mention());
    thread.is_some_and(|thread| preferences.is_muted(thread, now))
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

/// The job of a reader for the push workers, which take it as it is.
fn clear(item: &Item<NotifyJob>) -> Envelope {
    let body = codec::encode(&item.value).expect("ids and numbers always encode");
    Envelope { id: item.id, attempt: 0, body, trace: None }
}
