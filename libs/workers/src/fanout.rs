//! The fan-out stage: it sends each event to every gateway where one of the thread's people is connected.
//!
//! In come events of one shard, in order; out go frames, one per gateway and batch, and jobs for the decision
//! about those who are not connected. The stage writes the client's JSON, once, and stores nothing. It is
//! safe to repeat because a gateway delivers each event id once, and the decision tells nobody anything
//! twice. [`client_events`] says what clients hear of an event, [`absent`] which events make jobs,
//! [`overflow`] what happens to a gateway that does not empty its queue, [`doubt`] when the registry is not
//! believed.

pub(crate) mod absent;
mod client_events;
pub mod doubt;
mod inattentive;
mod known_gateways;
mod overflow;

use self::absent::Absent;
use self::doubt::{Doubt, Trust};
use self::inattentive::Inattentive;
use self::known_gateways::KnownGateways;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Destination, Outgoing, Publish};
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{self, FANOUT, NOTIFY};
use eventflow_metrics::{FanoutMetrics, Metrics, QueueMetrics};
use eventflow_ports::{Clock, Located, Membership, People, PresenceStore, Registry, StoreError};
use eventflow_protocol::Participants;
use eventflow_protocol::event::{Audience, Event};
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::person::Participant;
use eventflow_protocol::{GatewayId, ThreadId, Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The fan-out stage of one shard.
pub struct Fanout {
    membership: Membership,
    people: People,
    registry: Arc<dyn Registry>,
    doubt: Arc<Doubt>,
    broker: Arc<dyn Broker>,
    gateways: Mutex<Box<dyn Publish>>,
    clock: Arc<dyn Clock>,
    metrics: QueueMetrics,
    series: FanoutMetrics,
    known_gateways: KnownGateways,
    /// Makes jobs for the decision; none if nobody is told anything by e-mail and push.
    absent: Option<(Absent, Inattentive)>,
}

/// What a batch of events leaves to be sent: envelopes by gateway, in event order, and jobs.
#[derive(Debug, Default)]
pub struct Routes {
    to_all: Vec<Envelope>,
    /// Threads whose people change in this batch. What follows goes to every gateway too, behind that: before
    /// it, a gateway would still write to who has gone.
    changed: BTreeSet<ThreadId>,
    by_gateway: BTreeMap<GatewayId, Vec<Envelope>>,
    jobs: Vec<Envelope>,
}

/// Who is in the threads of a batch, and how the members of new ones are shown.
#[derive(Debug, Default)]
struct Audiences {
    known: HashMap<ThreadId, Participants>,
    /// The threads that the store fails at, and what becomes of their events.
    failed: HashMap<ThreadId, Outcome>,
    /// How the members of new threads are shown.
    shown: HashMap<UserId, Participant>,
}

/// What the fan-out stage needs.
pub struct FanoutParts {
    /// Tells who is in a thread.
    pub membership: Membership,
    /// Knows what people are called.
    pub people: People,
    /// Tells at which gateways people are connected.
    pub registry: Arc<dyn Registry>,
    /// When the registry is not believed; the shards of a process share it.
    pub doubt: Arc<Doubt>,
    /// Carries frames to the gateways.
    pub broker: Arc<dyn Broker>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// Knows who looks, for telling people by e-mail and push who are not connected or do not look; none if
    /// nobody is told so.
    pub absent: Option<Arc<dyn PresenceStore>>,
}

impl Fanout {
    /// Opens the stage of shard `shard`.
    pub async fn open(shard: u16, parts: FanoutParts, metrics: &Metrics) -> Result<Self, BrokerError> {
        let FanoutParts { membership, people, registry, doubt, broker, clock, absent } = parts;
        let gateways = Mutex::new(broker.publisher(None).await?);
        let series = metrics.fanout.clone();
        let metrics = metrics.bus.queue(FANOUT.shard(shard).name());
        Ok(Self {
            membership,
            registry,
            doubt,
            broker,
            people,
            gateways,
            clock,
            metrics,
            series,
            known_gateways: KnownGateways::default(),
            absent: absent.map(|presence| (Absent::default(), Inattentive::new(presence))),
        })
    }

    fn observe_age(&self, batch: &[Item<Event>]) {
        let now = self.clock.now();
        self.metrics.observe_ages(batch.iter().map(|item| item.value.accepted_at().age_at(now)));
    }

    /// Who is in the threads of this batch. When a thread begins or comes back, or somebody leaves, the
    /// store is asked again: for whom a thread is away, and from where on the people of a group see it, no
    /// event says.
    async fn people(&self, batch: &[Item<Event>]) -> Result<Audiences, Unavailable> {
        for item in batch {
            match &item.value {
                Event::ThreadCreated { thread, .. } => self.membership.forget(thread.id),
                Event::ParticipantLeft { thread_id, .. } => self.membership.forget(*thread_id),
                Event::GatewayUnlisted { .. } => self.doubt.heard(),
                Event::MembersAdded { .. }
                | Event::GroupChanged { .. }
                | Event::MessageStored { .. }
                | Event::MessageChanged { .. }
                | Event::CursorAdvanced { .. }
                | Event::ThreadChanged { .. }
                | Event::BlockChanged { .. }
                | Event::DraftSaved { .. }
                | Event::ScheduledChanged { .. }
                | Event::NotificationStored { .. }
                | Event::NotificationsChanged { .. }
                | Event::ToldOutside { .. }
                | Event::PreferencesChanged { .. }
                | Event::PresenceChosen { .. }
                | Event::Typing { .. }
                | Event::Revoked { .. } => {}
            }
        }
        let mut threads: Vec<ThreadId> = Vec::new();
        for item in batch {
            if let Audience::Thread(thread) = item.value.audience() {
                threads.push(thread);
            }
        }
        match self.membership.of_all(&threads).await {
            Ok(known) => Ok(Audiences { known, ..Audiences::default() }),
            Err(error @ StoreError::Unavailable { .. }) => Err(Unavailable::new("the store", error)),
            Err(StoreError::Failed { .. } | StoreError::Refused { .. }) => {
                self.people_one_by_one(&threads).await
            }
        }
    }

    /// The store fails at one of these threads: events of that one are tried again or parked, and the others
    /// go on.
    async fn people_one_by_one(&self, threads: &[ThreadId]) -> Result<Audiences, Unavailable> {
        let mut people = Audiences::default();
        for thread in threads {
            match self.membership.of_all(&[*thread]).await {
                Ok(known) => people.known.extend(known),
                Err(error @ StoreError::Unavailable { .. }) => {
                    return Err(Unavailable::new("the store", error));
                }
                Err(error @ StoreError::Failed { .. }) => {
                    people.failed.insert(*thread, Outcome::retry_for(&error));
                }
                Err(error @ StoreError::Refused { .. }) => {
                    people.failed.insert(*thread, Outcome::reject_for(&error));
                }
            }
        }
        Ok(people)
    }

    /// How the members of the batch's new threads and the new members are shown.
    async fn members(&self, batch: &[Item<Event>]) -> HashMap<UserId, Participant> {
        let mut members: Vec<UserId> = Vec::new();
        for item in batch {
            if let Event::ThreadCreated { thread, .. } = &item.value {
                members.extend_from_slice(thread.members());
            }
            if let Event::MembersAdded { added, .. } = &item.value {
                members.extend_from_slice(added);
            }
        }
        if members.is_empty() { HashMap::new() } else { self.people.shown(&members).await }
    }

    /// Where the people of these threads are, and those of whom an event is for them alone. If the registry
    /// cannot say, the answer is incomplete and everything goes to every gateway.
    async fn locate(&self, batch: &[Item<Event>], people: &Audiences) -> Located {
        let mut users: BTreeSet<UserId> =
            people.known.values().flat_map(|people| people.stored().iter().cloned()).collect();
        for item in batch {
            if let Audience::User(user) = item.value.audience() {
                users.insert(user);
            }
        }
        let users: Vec<UserId> = users.into_iter().collect();
        let mut located = self.registry.locate(&users).await.unwrap_or_else(|error| {
            tracing::debug!(error = &error as &dyn std::error::Error, "the registry cannot say who is where");
            Located::default()
        });
        self.known_gateways.remember(located.gateways.values().flatten());
        let trust = self.doubt.trust();
        if !located.complete || trust == Trust::None {
            self.series.broadcasts.inc();
        }
        located.complete &= trust == Trust::Full;
        located
    }

    async fn publish(&self, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>> {
        self.gateways.lock().await.publish(messages).await
    }
}

#[async_trait]
impl BatchHandler for Fanout {
    type Value = Event;
    type Outbox = Routes;

    fn accepted_at(event: &Event) -> Option<Timestamp> {
        Some(event.accepted_at())
    }

    fn forget(&self) {
        self.membership.forget_all();
        self.doubt.begins();
        if let Some((absent, _)) = &self.absent {
            absent.forget_all();
        }
    }

    async fn perform(&self, batch: &[Item<Event>]) -> Result<Performed<Routes>, Unavailable> {
        self.observe_age(batch);
        let mut people = self.people(batch).await?;
        people.shown = self.members(batch).await;
        let located = self.locate(batch, &people).await;
        let mut routes = Routes::default();
        let now = self.clock.now();
        let outcomes = batch.iter().map(|item| routes.add(item, now, &people, &located)).collect();
        if let Some((absent, inattentive)) = &self.absent {
            let connected = absent::recipients(batch, &people.known, &located);
            let not_looking = inattentive.among(connected, now).await;
            routes.jobs = absent.jobs(batch, &people.known, &located, &not_looking);
        }
        Ok(Performed { outcomes, outbox: routes })
    }

    async fn announce(&self, routes: &Routes) -> Result<(), Unavailable> {
        let messages = routes.messages();
        if !messages.is_empty() {
            self.announce_to_gateways(messages).await?;
        }
        let jobs = notify_frames(&routes.jobs);
        if !jobs.is_empty() {
            for result in self.publish(jobs).await {
                result.map_err(|error| Unavailable::new("the broker", error))?;
            }
        }
        Ok(())
    }
}

impl Fanout {
    async fn announce_to_gateways(&self, messages: Vec<Outgoing>) -> Result<(), Unavailable> {
        let results = self.publish(messages.clone()).await;
        for (message, result) in messages.into_iter().zip(results) {
            match result {
                Ok(()) => self.series.routed.inc(),
                // The gateway and its sockets are gone; their clients connect to another gateway and read
                // what they missed.
                Err(BrokerError::Unroutable(_)) => self.series.gone.inc(),
                Err(BrokerError::Refused(at)) => self.overflowed(message, &at).await?,
                Err(error) => return Err(Unavailable::new("the broker", error)),
            }
        }
        Ok(())
    }
}

impl Routes {
    fn add(&mut self, item: &Item<Event>, now: Timestamp, people: &Audiences, located: &Located) -> Outcome {
        if client_events::concerns_no_gateway(&item.value) || client_events::is_stale(&item.value, now) {
            return Outcome::Done;
        }
        let known = match item.value.audience() {
            Audience::Thread(thread) => people.known.get(&thread),
            Audience::User(_) | Audience::Watchers(_) | Audience::Gateways => None,
        };
        let envelope = match client_events::delivery(&item.value, item.redelivered, &people.shown, known) {
            Ok(envelope) => Envelope { trace: item.trace, ..envelope },
            Err(error) => return Outcome::reject_for(&error),
        };
        // Every gateway has to forget what it remembers of the people, whoever is connected there.
        if item.value.changes_membership() {
            if let Audience::Thread(thread) = item.value.audience() {
                self.changed.insert(thread);
            }
            self.to_all.push(envelope);
            return Outcome::Done;
        }
        let gateways: BTreeSet<&GatewayId> = match item.value.audience() {
            Audience::Thread(thread) => {
                let Some(people) = people.known.get(&thread) else {
                    let unknown = || Outcome::reject("the thread of this event does not exist");
                    return people.failed.get(&thread).cloned().unwrap_or_else(unknown);
                };
                if self.changed.contains(&thread) {
                    log_routed(&item.value, &envelope.id, None);
                    self.to_all.push(envelope);
                    return Outcome::Done;
                }
                // Whom a thread is away for is decided at the gateways, which hear of it at once.
                people.stored().iter().filter_map(|user| located.gateways.get(user)).flatten().collect()
            }
            Audience::User(user) => located.gateways.get(&user).into_iter().flatten().collect(),
            Audience::Watchers(_) | Audience::Gateways => {
                self.to_all.push(envelope);
                return Outcome::Done;
            }
        };
        let known = located.complete.then_some(gateways.len());
        log_routed(&item.value, &envelope.id, known);
        if !located.complete {
            self.to_all.push(envelope);
            return Outcome::Done;
        }
        for gateway in gateways {
            self.by_gateway.entry(gateway.clone()).or_default().push(envelope.clone());
        }
        Outcome::Done
    }

    fn messages(&self) -> Vec<Outgoing> {
        let direct = self.by_gateway.iter().flat_map(|(gateway, envelopes)| {
            let queue = topology::gateway(gateway);
            Outgoing::of_envelopes(&Destination::Queue(queue.name().to_owned()), envelopes.iter().cloned())
        });
        let to_all = Outgoing::of_envelopes(&Destination::AllGateways, self.to_all.iter().cloned());
        direct.chain(to_all).collect()
    }
}

/// Says to how many gateways a message goes, by its ids; to all of them if nobody knows.
fn log_routed(event: &Event, event_id: &impl Display, gateways: Option<usize>) {
    if let Event::MessageStored { message, .. } = event {
        tracing::debug!(
            message_id = %message.id,
            event = %event_id,
            thread = %message.thread_id,
            seq = message.seq,
            gateways,
            "a message was routed"
        );
    }
}

/// Jobs in the frames in which they go to the decision.
pub(crate) fn notify_frames(jobs: &[Envelope]) -> Vec<Outgoing> {
    Outgoing::of_envelopes(&Destination::Queue(NOTIFY.name().to_owned()), jobs.iter().cloned())
}
