//! The presence stage: it makes signals of devices into presence (who is online, away or offline) and
//! announces each change.
//!
//! In come signals of gateways, and the passing of time: a lease, a grace period or the time to away runs
//! out. Out goes each person's change to every gateway, whose sockets know whom they watch, and a job for the
//! decision for whoever has gone ([`departure`]). The stage is safe to repeat because a signal heard again
//! changes nothing, and because it announces again whoever it judged and perhaps did not announce.

mod broken_lines;
mod departure;
mod outage_guard;

use self::broken_lines::{BrokenLines, distinct_users};
use self::outage_guard::OutageGuard;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::port::{Broker, BrokerError, Destination, Health, Outgoing, Publish};
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::PRESENCE;
use eventflow_metrics::{Label as _, Metrics, PresenceMetrics, PresenceStatus, QueueMetrics};
use eventflow_ports::presence::DEVICE_LEASE;
use eventflow_ports::{Clock, PresenceError, PresenceStore, ticks};
use eventflow_protocol::client::events::{PresenceSync, ServerEvent as _};
use eventflow_protocol::event::{Audience, GatewayEvent};
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::presence::{DeviceSignal, Presence, Status};
use eventflow_protocol::{CommandId, EventId, Timestamp, UserId, codec};
use parking_lot::Mutex as Lock;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// How often the sweeper asks who is due. Asking costs one look at an ordered set. A departure is announced
/// within the grace period and this.
pub const SWEEP_TICK: Duration = Duration::from_secs(1);
/// People judged in one call: what one round trip carries well.
const JUDGED_AT_ONCE: usize = 500;
/// Rounds of one sweep, so that a sweep ends even if more people become due than it can judge.
const ROUNDS_MAX: usize = 40;
/// How long a sweeper that ends waits for the broker to take the changes it has not announced yet.
const LAST_ANNOUNCEMENT_LIMIT: Duration = Duration::from_secs(2);

/// The presence stage: a handler for the queue of signals, and a loop that lets time pass.
pub struct Sweeper {
    store: Arc<dyn PresenceStore>,
    gateways: Mutex<Box<dyn Publish>>,
    broker_health: watch::Receiver<Health>,
    clock: Arc<dyn Clock>,
    /// People whose change may have been judged and not announced: the store did not answer a judgement, or a
    /// batch was not finished.
    unannounced: Lock<HashSet<UserId>>,
    lines: BrokenLines,
    /// Whether people who have gone are told by e-mail and push what they may have missed.
    tells_absent: bool,
    metrics: QueueMetrics,
    series: PresenceMetrics,
}

/// What the presence stage needs.
pub struct SweeperParts {
    /// Keeps the devices and their leases.
    pub store: Arc<dyn PresenceStore>,
    /// Publishes to every gateway.
    pub gateways: Box<dyn Publish>,
    /// Tells whether signals can come in at all.
    pub broker_health: watch::Receiver<Health>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
}

/// Changes of people's presence that are left to announce.
#[derive(Debug, Default)]
pub struct PresenceOutbox {
    /// One delivery for each change.
    deliveries: Vec<Envelope>,
    /// Who has gone, or is away.
    departed: Vec<Presence>,
    /// Whose lines broke: their sessions wait.
    broken: Vec<UserId>,
}

impl Sweeper {
    /// Opens the stage on this store and broker. Run it as the handler of [`PRESENCE`], and [`Sweeper::run`]
    /// beside it.
    pub async fn open(
        store: Arc<dyn PresenceStore>,
        broker: &dyn Broker,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<Self, BrokerError> {
        let gateways = broker.publisher(None).await?;
        let broker_health = broker.health();
        Ok(Self::new(SweeperParts { store, gateways, broker_health, clock }, metrics))
    }

    /// Makes the stage of these parts.
    pub fn new(parts: SweeperParts, metrics: &Metrics) -> Self {
        let SweeperParts { store, gateways, broker_health, clock } = parts;
        Self {
            store,
            gateways: Mutex::new(gateways),
            broker_health,
            clock,
            unannounced: Lock::default(),
            lines: BrokenLines::default(),
            tells_absent: false,
            metrics: metrics.bus.queue(PRESENCE.name()),
            series: metrics.presence.clone(),
        }
    }

    /// The same stage, which also makes jobs for the decision about people who have gone.
    #[must_use]
    pub fn telling_absent(mut self) -> Self {
        self.tells_absent = true;
        self
    }

    /// Judges who is due every [`SWEEP_TICK`] until `shutdown`. Several sweepers may run at once.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut ticks = ticks(SWEEP_TICK);
        let mut outages = OutageGuard::new(Instant::now());
        let mut unsent = PresenceOutbox::default();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = ticks.tick() => self.sweep(&mut outages, &mut unsent).await,
            }
        }
        self.announce_at_the_end(&unsent).await;
    }

    /// Announces what this sweeper judged and did not announce yet. The next sweeper finds it judged, so
    /// nobody else would announce it.
    async fn announce_at_the_end(&self, unsent: &PresenceOutbox) {
        match timeout(LAST_ANNOUNCEMENT_LIMIT, self.announce(unsent)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "changes of presence were not announced"
                );
            }
            Err(_) => {
                tracing::warn!(
                    "changes of presence were not announced: the broker did not take them in time"
                );
            }
        }
    }

    /// One sweep, unless a dependency is down or was down lately. `unsent` keeps what could not be announced.
    async fn sweep(&self, outages: &mut OutageGuard, unsent: &mut PresenceOutbox) {
        match self.try_sweep(outages, unsent).await {
            Ok(()) => self.series.last_sweep_seconds.set(self.clock.now().0 / 1_000),
            Err(error) => {
                if outages.failed(Instant::now()) {
                    tracing::warn!(error = &error as &dyn std::error::Error, "presence cannot be judged");
                }
            }
        }
    }

    async fn try_sweep(
        &self,
        outages: &mut OutageGuard,
        unsent: &mut PresenceOutbox,
    ) -> Result<(), Unavailable> {
        self.probe().await?;
        if outages.succeeded(Instant::now()) {
            tracing::info!("presence can be judged again, once every device has had the time to renew");
        }
        if outages.trusts_absence(Instant::now()) {
            self.judge_due(unsent).await?;
        }
        Ok(())
    }

    /// Fails if signals cannot come in or cannot be kept.
    async fn probe(&self) -> Result<(), Unavailable> {
        if let Health::Down(reason) = &*self.broker_health.borrow() {
            return Err(Unavailable { what: "the broker", source: reason.clone().into() });
        }
        self.store.due(self.clock.now(), 1).await.map_err(store_unavailable)?;
        Ok(())
    }

    async fn judge_due(&self, unsent: &mut PresenceOutbox) -> Result<(), Unavailable> {
        for _ in 0..ROUNDS_MAX {
            self.announce_unsent(unsent).await?;
            let now = self.clock.now();
            let mut users = self.store.due(now, JUDGED_AT_ONCE).await.map_err(store_unavailable)?;
            let is_last_round = users.len() < JUDGED_AT_ONCE;
            users.extend(self.unannounced.lock().iter().take(JUDGED_AT_ONCE).cloned());
            *unsent = self.judge(&users, now).await?;
            if is_last_round {
                break;
            }
        }
        self.announce_unsent(unsent).await
    }

    async fn announce_unsent(&self, unsent: &mut PresenceOutbox) -> Result<(), Unavailable> {
        self.announce(unsent).await?;
        *unsent = PresenceOutbox::default();
        Ok(())
    }

    /// Judges these people, and gives what there is to announce of them. Every announcement comes from here.
    async fn judge(&self, users: &[UserId], now: Timestamp) -> Result<PresenceOutbox, Unavailable> {
        if users.is_empty() {
            return Ok(PresenceOutbox::default());
        }
        let again: Vec<UserId> = {
            let unannounced = self.unannounced.lock();
            users.iter().filter(|user| unannounced.contains(*user)).cloned().collect()
        };
        // Read before the judgement: if reading failed after it, the judgement's changes would be lost.
        let mut changes = if again.is_empty() {
            HashMap::default()
        } else {
            self.store.presence(&again, now).await.map_err(store_unavailable)?
        };
        match self.store.judge(users, now).await {
            Ok(judged) => {
                changes.extend(judged.into_iter().map(|change| (change.user_id.clone(), change)));
                self.unannounced.lock().retain(|user| !again.contains(user));
                let departed =
                    if self.tells_absent { departure::departed(changes.values()) } else { Vec::new() };
                let deliveries = changes.values().map(|presence| self.delivery(presence, now)).collect();
                Ok(PresenceOutbox { deliveries, departed, broken: Vec::new() })
            }
            Err(error) => {
                // The store may have judged them all the same.
                self.unannounced.lock().extend(users.iter().cloned());
                Err(store_unavailable(error))
            }
        }
    }

    /// The delivery of a change, in the envelope in which it goes to every gateway.
    fn delivery(&self, presence: &Presence, now: Timestamp) -> Envelope {
        let status = match presence.status {
            Status::Online => PresenceStatus::Online,
            Status::Away => PresenceStatus::Away,
            Status::Offline => PresenceStatus::Offline,
        };
        self.series.changes.of(status).inc();
        tracing::debug!(user = %presence.user_id, status = status.as_str(), "a person's presence changed");
        let sync = PresenceSync(Cow::Borrowed(presence));
        let payload = serde_json::to_string(&sync).expect("an id, a status and a time always encode");
        let event_id = EventId::caused_by(CommandId::new(), "presence changed");
        let audience = Audience::Watchers(presence.user_id.clone());
        let delivery = GatewayEvent {
            ephemeral: true,
            ..GatewayEvent::new(event_id, audience, PresenceSync::NAME, payload, now)
        };
        let body = codec::encode(&delivery).expect("a delivery always encodes");
        Envelope { id: event_id.0, attempt: 0, body, trace: None }
    }

    /// Records signals. Returns whose lines broke, if anybody wants to know.
    async fn record(
        &self,
        fresh: &[&Item<DeviceSignal>],
        now: Timestamp,
    ) -> Result<Vec<UserId>, Unavailable> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        if self.tells_absent {
            return self.lines.record(&*self.store, fresh, now).await.map_err(store_unavailable);
        }
        let signals: Vec<DeviceSignal> = fresh.iter().map(|item| item.value.clone()).collect();
        self.store.record(&signals).await.map_err(store_unavailable)?;
        Ok(Vec::new())
    }

    fn observe_age(&self, batch: &[Item<DeviceSignal>]) {
        let now = self.clock.now();
        self.metrics.observe_ages(batch.iter().map(|item| item.value.at.age_at(now)));
    }
}

#[async_trait]
impl BatchHandler for Sweeper {
    type Value = DeviceSignal;
    type Outbox = PresenceOutbox;

    fn accepted_at(signal: &DeviceSignal) -> Option<Timestamp> {
        Some(signal.at)
    }

    /// Without the store the batch waits, but no longer than its signals can say something. So what waits at
    /// the broker is at most what gateways send within one lease.
    async fn perform(&self, batch: &[Item<DeviceSignal>]) -> Result<Performed<PresenceOutbox>, Unavailable> {
        self.observe_age(batch);
        let now = self.clock.now();
        let fresh: Vec<&Item<DeviceSignal>> =
            batch.iter().filter(|item| is_fresh(&item.value, now)).collect();
        let users = distinct_users(&fresh);
        let broken = self.record(&fresh, now).await?;
        let repeated = fresh.iter().filter(|item| item.redelivered).map(|item| item.value.user_id.clone());
        self.unannounced.lock().extend(repeated);
        let mut outbox = match self.judge(&users, now).await {
            Ok(outbox) => outbox,
            Err(error) => {
                self.lines.were_not_told(broken);
                return Err(error);
            }
        };
        outbox.broken = broken;
        self.series.recorded.inc_by(fresh.len() as u64);
        self.series.stale.inc_by((batch.len() - fresh.len()) as u64);
        Ok(Performed { outcomes: vec![Outcome::Done; batch.len()], outbox })
    }

    async fn announce(&self, outbox: &PresenceOutbox) -> Result<(), Unavailable> {
        let PresenceOutbox { deliveries, departed, broken } = outbox;
        if deliveries.is_empty() && broken.is_empty() {
            return Ok(());
        }
        let mut messages = Outgoing::of_envelopes(&Destination::AllGateways, deliveries.iter().cloned());
        messages.extend(departure::jobs(departed, self.clock.now()));
        messages.extend(departure::jobs_of_broken_lines(broken, self.clock.now()));
        for result in self.gateways.lock().await.publish(messages).await {
            match result {
                Ok(()) | Err(BrokerError::Unroutable(_)) => {}
                // The fan-out stage finds out which gateway it is and cuts it off. Presence is not worth
                // holding up the others for.
                Err(BrokerError::Refused(_)) => self.series.refused.inc(),
                Err(error) => return Err(Unavailable::new("the broker", error)),
            }
        }
        Ok(())
    }
}

/// Whether a signal can still say something: the lease that an older one would give is over.
fn is_fresh(signal: &DeviceSignal, now: Timestamp) -> bool {
    signal.at.age_at(now) < DEVICE_LEASE
}

fn store_unavailable(error: PresenceError) -> Unavailable {
    Unavailable::new("the presence store", error)
}
