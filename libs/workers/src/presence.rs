//! Signals of devices become presence: who is online, away or offline, said to those who look.
//!
//! In come signals of gateways, and the passing of time: a lease, a grace or the time to away runs out. Out goes each change of a person
//! to every gateway, whose sockets know whom they look at. Safe to repeat because a signal heard again changes nothing, and
//! because whoever was judged and perhaps not told of is told of again.

mod patience;

use self::patience::Patience;
use async_trait::async_trait;
use eventflow_bus::handler::{Handler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Destination, Headers, Health, Outgoing, Publish};
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::PRESENCE;
use eventflow_metrics::{Metrics, PresenceMetrics, PresenceStatus, QueueMetrics};
use eventflow_ports::presence::DEVICE_LEASE;
use eventflow_ports::{Clock, PresenceError, PresenceStore, ticks};
use eventflow_protocol::event::{Audience, Delivery};
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::presence::{Presence, Signal, Status};
use eventflow_protocol::{CommandId, EventId, Timestamp, UserId, codec};
use parking_lot::Mutex as Lock;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is asked who is due. Asking costs one look at an ordered set, and a departure is told within the grace and this.
pub const SWEEP_TICK: Duration = Duration::from_secs(1);
/// People judged at once: one round trip's worth.
const JUDGED_AT_ONCE: usize = 500;
/// Rounds of one sweep, so that it ends even if more become due than it can judge.
const ROUNDS_MAX: usize = 40;

/// How long the end waits for the broker to take what was not told yet.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The presence stage: a handler for the queue of signals, and a loop that lets time pass.
pub struct Sweeper {
    store: Arc<dyn PresenceStore>,
    gateways: Mutex<Box<dyn Publish>>,
    broker_health: watch::Receiver<Health>,
    clock: Arc<dyn Clock>,
    /// People whose change may have been judged without being told: a judgement that was not answered, a batch that was not finished.
    doubtful: Lock<HashSet<UserId>>,
    metrics: QueueMetrics,
    series: PresenceMetrics,
}

/// What the stage needs.
pub struct SweeperParts {
    /// Who is there.
    pub store: Arc<dyn PresenceStore>,
    /// To every gateway.
    pub gateways: Box<dyn Publish>,
    /// Whether signals can come in at all.
    pub broker_health: watch::Receiver<Health>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

/// Changes to tell, one delivery each.
#[derive(Debug, Default)]
pub struct Announcement(Vec<Envelope>);

impl Sweeper {
    /// The stage on this store and broker. Run it as the handler of [`PRESENCE`], and [`Sweeper::run`] beside it.
    pub async fn open(
        store: Arc<dyn PresenceStore>,
        broker: &dyn Broker,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<Self, BrokerError> {
        let (gateways, broker_health) = (broker.publisher(None).await?, broker.health());
        Ok(Self::new(SweeperParts { store, gateways, broker_health, clock }, metrics))
    }

    /// The stage made of these parts.
    pub fn new(parts: SweeperParts, metrics: &Metrics) -> Self {
        let SweeperParts { store, gateways, broker_health, clock } = parts;
        let (doubtful, series) = (Lock::default(), metrics.presence.clone());
        let metrics = metrics.bus.queue(PRESENCE.name());
        Self { store, gateways: Mutex::new(gateways), broker_health, clock, doubtful, metrics, series }
    }

    /// Judges who is due every [`SWEEP_TICK`] until `shutdown`, several sweepers at once if there are.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut ticks = ticks(SWEEP_TICK);
        let mut patience = Patience::new(Instant::now());
        let mut untold = Announcement::default();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = ticks.tick() => self.sweep(&mut patience, &mut untold).await,
            }
        }
        self.tell_at_the_end(&untold).await;
    }

    /// Nobody else knows of what was judged and not told: the next sweeper finds it judged.
    async fn tell_at_the_end(&self, untold: &Announcement) {
        match timeout(LAST_WORDS, self.announce(untold)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "changes of presence stay untold")
            }
            Err(_) => tracing::warn!("changes of presence stay untold: the broker did not take them in time"),
        }
    }

    /// One look at who is due, and the outage before or after it. `untold` keeps what could not be told.
    async fn sweep(&self, patience: &mut Patience, untold: &mut Announcement) {
        let swept = match self.probe().await {
            Ok(()) => {
                if patience.succeeded(Instant::now()) {
                    tracing::info!(
                        "presence can be judged again, once every device has had the time to renew"
                    );
                }
                if patience.is_over(Instant::now()) { self.judge_due(untold).await } else { Ok(()) }
            }
            Err(error) => Err(error),
        };
        match swept {
            Ok(()) => self.series.last_sweep_seconds.set(self.clock.now().0 / 1_000),
            Err(error) => {
                if patience.failed(Instant::now()) {
                    tracing::warn!(error = &error as &dyn std::error::Error, "presence cannot be judged");
                }
            }
        }
    }

    /// Whether signals come in and can be kept.
    async fn probe(&self) -> Result<(), Unavailable> {
        if let Health::Down(reason) = &*self.broker_health.borrow() {
            return Err(Unavailable { what: "the broker", source: reason.clone().into() });
        }
        self.store.due(self.clock.now(), 1).await.map(|_| ()).map_err(away)
    }

    async fn judge_due(&self, untold: &mut Announcement) -> Result<(), Unavailable> {
        for _ in 0..ROUNDS_MAX {
            self.announce(untold).await?;
            *untold = Announcement::default();
            let now = self.clock.now();
            let mut users = self.store.due(now, JUDGED_AT_ONCE).await.map_err(away)?;
            let all_at_once = users.len() < JUDGED_AT_ONCE;
            users.extend(self.doubtful.lock().iter().take(JUDGED_AT_ONCE).cloned());
            *untold = self.judge(&users, now).await?;
            if all_at_once {
                break;
            }
        }
        self.announce(untold).await?;
        *untold = Announcement::default();
        Ok(())
    }

    /// Judges these people: what there is to tell of them. The one way from a status to an announcement.
    async fn judge(&self, users: &[UserId], now: Timestamp) -> Result<Announcement, Unavailable> {
        if users.is_empty() {
            return Ok(Announcement::default());
        }
        let doubtful: Vec<UserId> = {
            let doubtful = self.doubtful.lock();
            users.iter().filter(|user| doubtful.contains(*user)).cloned().collect()
        };
        // Before the judgement: what fails after it would lose its changes.
        let mut told = if doubtful.is_empty() {
            HashMap::default()
        } else {
            self.store.presence(&doubtful, now).await.map_err(away)?
        };
        match self.store.judge(users, now).await {
            Ok(changes) => {
                told.extend(changes.into_iter().map(|change| (change.user_id.clone(), change)));
                self.doubtful.lock().retain(|user| !doubtful.contains(user));
                Ok(Announcement(told.values().map(|presence| self.tell(presence, now)).collect()))
            }
            Err(error) => {
                self.doubtful.lock().extend(users.iter().cloned());
                Err(away(error))
            }
        }
    }

    fn tell(&self, presence: &Presence, now: Timestamp) -> Envelope {
        let status = match presence.status {
            Status::Online => PresenceStatus::Online,
            Status::Away => PresenceStatus::Away,
            Status::Offline => PresenceStatus::Offline,
        };
        self.series.changes.of(status).inc();
        let payload = serde_json::to_string(presence).expect("an id, a status and a time always encode");
        let event_id = EventId::caused_by(CommandId::new(), "presence changed");
        let audience = Audience::Watchers(presence.user_id.clone());
        let delivery =
            Delivery { ephemeral: true, ..Delivery::new(event_id, audience, "presence:sync", payload, now) };
        let body = codec::encode(&delivery).expect("a delivery always encodes");
        Envelope { id: event_id.0, attempt: 0, body, trace: None }
    }

    fn observe_age(&self, batch: &[Item<Signal>]) {
        if let Some(oldest) = batch.iter().map(|item| item.value.at).min() {
            let age_ms = self.clock.now().0.saturating_sub(oldest.0).max(0);
            self.metrics.age_seconds.observe(age_ms as f64 / 1_000.0);
        }
    }
}

#[async_trait]
impl Handler for Sweeper {
    type Value = Signal;
    type Effect = Announcement;

    /// Without the store the batch waits, but no longer than its signals are worth something: so what waits at the broker is bounded by
    /// what is said within one lease.
    async fn perform(&self, batch: &[Item<Signal>]) -> Result<Performed<Announcement>, Unavailable> {
        self.observe_age(batch);
        let now = self.clock.now();
        let fresh: Vec<&Item<Signal>> = batch.iter().filter(|item| is_fresh(&item.value, now)).collect();
        let mut seen = HashSet::new();
        let users: Vec<UserId> =
            fresh.iter().map(|item| &item.value.user_id).filter(|user| seen.insert(*user)).cloned().collect();
        let signals: Vec<Signal> = fresh.iter().map(|item| item.value.clone()).collect();
        if !signals.is_empty() {
            self.store.record(&signals).await.map_err(away)?;
        }
        let repeated = fresh.iter().filter(|item| item.redelivered).map(|item| item.value.user_id.clone());
        self.doubtful.lock().extend(repeated);
        let effect = self.judge(&users, now).await?;
        self.series.recorded.inc_by(signals.len() as u64);
        self.series.stale.inc_by((batch.len() - signals.len()) as u64);
        Ok(Performed { outcomes: vec![Outcome::Done; batch.len()], effect })
    }

    async fn announce(&self, Announcement(envelopes): &Announcement) -> Result<(), Unavailable> {
        if envelopes.is_empty() {
            return Ok(());
        }
        let messages = Frame::pack(envelopes.iter().cloned()).into_iter().map(|frame| Outgoing {
            to: Destination::AllGateways,
            payload: frame.encode().expect("envelopes of bytes always encode"),
            headers: Headers::default(),
            reply_to: None,
            trace: None,
        });
        for result in self.gateways.lock().await.publish(messages.collect()).await {
            match result {
                Ok(()) | Err(BrokerError::Unroutable(_)) => {}
                // The fan-out stage finds out which gateway it is and cuts it off; presence is not worth holding up the others for.
                Err(BrokerError::Refused(_)) => self.series.refused.inc(),
                Err(error) => return Err(Unavailable { what: "the broker", source: Box::new(error) }),
            }
        }
        Ok(())
    }
}

/// Whether a signal can still say something: the lease that an older one would give is over.
fn is_fresh(signal: &Signal, now: Timestamp) -> bool {
    let lease_ms = i64::try_from(DEVICE_LEASE.as_millis()).unwrap_or(i64::MAX);
    now.0.saturating_sub(signal.at.0) < lease_ms
}

fn away(error: PresenceError) -> Unavailable {
    Unavailable { what: "the presence store", source: Box::new(error) }
}
