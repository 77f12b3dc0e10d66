//! Events become deliveries: each event goes to every gateway where one of the thread's people is connected.
//!
//! In come events of one shard, in order; out go frames, one per gateway and batch. The client's JSON is written here, once.
//! Nothing is stored; safe to repeat because a gateway delivers each event id once. What clients are told is in [`wording`], what becomes
//! of a gateway that does not empty its queue in [`overflow`].

mod overflow;
mod wording;

use self::overflow::Seen;
use async_trait::async_trait;
use eventflow_bus::handler::{Handler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Destination, Outgoing, Publish};
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{self, FANOUT};
use eventflow_metrics::{FanoutMetrics, Metrics, QueueMetrics};
use eventflow_ports::{Clock, Located, Membership, Registry};
use eventflow_protocol::event::{Audience, Event, Participants};
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::{GatewayId, ThreadId, Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The fan-out stage of one shard.
pub struct Fanout {
    membership: Membership,
    registry: Arc<dyn Registry>,
    broker: Arc<dyn Broker>,
    gateways: Mutex<Box<dyn Publish>>,
    clock: Arc<dyn Clock>,
    metrics: QueueMetrics,
    series: FanoutMetrics,
    seen: Seen,
}

/// Envelopes by gateway, in event order.
#[derive(Debug, Default)]
pub struct Routes {
    to_all: Vec<Envelope>,
    by_gateway: BTreeMap<GatewayId, Vec<Envelope>>,
}

/// What the stage needs.
pub struct FanoutParts {
    /// Who is in a thread.
    pub membership: Membership,
    /// Where they are.
    pub registry: Arc<dyn Registry>,
    /// Where gateways listen.
    pub broker: Arc<dyn Broker>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl Fanout {
    /// The stage of shard `shard`.
    pub async fn open(shard: u16, parts: FanoutParts, metrics: &Metrics) -> Result<Self, BrokerError> {
        let FanoutParts { membership, registry, broker, clock } = parts;
        let gateways = Mutex::new(broker.publisher(None).await?);
        let series = metrics.fanout.clone();
        let metrics = metrics.bus.queue(FANOUT.shard(shard).name());
        Ok(Self { membership, registry, broker, gateways, clock, metrics, series, seen: Seen::default() })
    }

    fn observe_age(&self, batch: &[Item<Event>]) {
        if let Some(oldest) = batch.iter().map(|item| item.value.accepted_at()).min() {
            self.metrics.age_seconds.observe((self.clock.now().0 - oldest.0).max(0) as f64 / 1_000.0);
        }
    }

    /// Who is in the threads of this batch. A thread's own event says it, and replaces what was remembered.
    async fn people(&self, batch: &[Item<Event>]) -> Result<HashMap<ThreadId, Participants>, Unavailable> {
        for item in batch {
            if let Event::ThreadCreated { thread } = &item.value {
                self.membership.remember(thread.id, thread.participants.clone().into());
            }
        }
        let thread = |item: &Item<Event>| match item.value.audience() {
            Audience::Thread(thread) => Some(thread),
            _ => None,
        };
        let threads: Vec<ThreadId> = batch.iter().filter_map(thread).collect();
        let people = self.membership.of_all(&threads).await;
        people.map_err(|error| Unavailable { what: "the store", source: Box::new(error) })
    }

    /// Where they and those who are told alone are; if nobody can say, the answer is incomplete and everything goes to every gateway.
    async fn locate(&self, batch: &[Item<Event>], people: &HashMap<ThreadId, Participants>) -> Located {
        let mut users: BTreeSet<UserId> = people.values().flat_map(|people| people.iter().cloned()).collect();
        users.extend(batch.iter().filter_map(|item| match item.value.audience() {
            Audience::User(user) => Some(user),
            _ => None,
        }));
        let users: Vec<UserId> = users.into_iter().collect();
        let located = self.registry.locate(&users).await.unwrap_or_else(|error| {
            tracing::debug!(error = &error as &dyn std::error::Error, "the registry cannot say who is where");
            Located::default()
        });
        self.seen.remember(located.gateways.values().flatten());
        if !located.complete {
            self.series.broadcasts.inc();
        }
        located
    }
}

impl Fanout {
    async fn publish(&self, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>> {
        self.gateways.lock().await.publish(messages).await
    }
}

#[async_trait]
impl Handler for Fanout {
    type Value = Event;
    type Effect = Routes;

    async fn perform(&self, batch: &[Item<Event>]) -> Result<Performed<Routes>, Unavailable> {
        self.observe_age(batch);
        let people = self.people(batch).await?;
        let located = self.locate(batch, &people).await;
        let mut routes = Routes::default();
        let now = self.clock.now();
        let outcomes = batch.iter().map(|item| routes.add(item, now, &people, &located)).collect();
        Ok(Performed { outcomes, effect: routes })
    }

    async fn announce(&self, routes: &Routes) -> Result<(), Unavailable> {
        let messages = routes.messages();
        if messages.is_empty() {
            return Ok(());
        }
        let results = self.publish(messages.clone()).await;
        for (message, result) in messages.into_iter().zip(results) {
            match result {
                Ok(()) => self.series.routed.inc(),
                // The gateway and its sockets are gone; their clients come back elsewhere and read what they missed.
                Err(BrokerError::Unroutable(_)) => self.series.gone.inc(),
                Err(BrokerError::Refused(at)) => self.overflowed(message, &at).await?,
                Err(error) => return Err(Unavailable { what: "the broker", source: Box::new(error) }),
            }
        }
        Ok(())
    }
}

impl Routes {
    fn add(
        &mut self,
        item: &Item<Event>,
        now: Timestamp,
        people: &HashMap<ThreadId, Participants>,
        located: &Located,
    ) -> Outcome {
        if wording::is_stale(&item.value, now) {
            return Outcome::Done;
        }
        let envelope = match wording::deliver(&item.value, item.redelivered) {
            Ok(envelope) => Envelope { trace: item.trace, ..envelope },
            Err(reason) => return Outcome::Reject { reason },
        };
        let gateways: BTreeSet<&GatewayId> = match item.value.audience() {
            Audience::Thread(thread) => {
                let Some(people) = people.get(&thread) else {
                    return Outcome::reject("the thread of this event does not exist");
                };
                people.iter().filter_map(|user| located.gateways.get(user)).flatten().collect()
            }
            Audience::User(user) => located.gateways.get(&user).into_iter().flatten().collect(),
            Audience::Watchers(_) | Audience::Gateways => {
                self.to_all.push(envelope);
                return Outcome::Done;
            }
        };
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
            frames(Destination::Queue(queue.name().to_owned()), envelopes)
        });
        direct.chain(frames(Destination::AllGateways, &self.to_all)).collect()
    }
}

fn frames(to: Destination, envelopes: &[Envelope]) -> impl Iterator<Item = Outgoing> + use<> {
    let frames = Frame::pack(envelopes.iter().cloned()).into_iter();
    frames.map(move |frame| Outgoing::of_frame(to.clone(), &frame).expect("envelopes of bytes always encode"))
}
