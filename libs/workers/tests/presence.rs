//! The presence sweeper on a presence store in memory, with a clock that follows the paused time of the test.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::{BrokerError, Destination, Health, Outgoing, Publish};
use eventflow_bus::settle::Outcome;
use eventflow_metrics::Metrics;
use eventflow_ports::devices::Contact;
use eventflow_ports::presence::{AWAY_AFTER, DEVICE_LEASE, HEARTBEAT, OFFLINE_GRACE};
use eventflow_ports::{Clock, GatewayReport, GatewayStats, MemoryPresence, PresenceError, PresenceStore};
use eventflow_protocol::event::{Audience, GatewayEvent};
use eventflow_protocol::frame::Frame;
use eventflow_protocol::presence::{DeviceSignal, DeviceState, Presence, Status};
use eventflow_protocol::{CommandId, Timestamp, UserId, codec};
use eventflow_workers::presence::{SWEEP_TICK, Sweeper, SweeperParts};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Of the time that a change is told after it happened, beyond what the rules say.
const SLACK: Duration = Duration::from_secs(2);
/// Far beyond the half hour after which connected people were forgotten by the old server.
const HOURS: Duration = Duration::from_hours(3);

#[tokio::test(start_paused = true)]
async fn a_change_is_told_once_to_those_who_look_at_the_person() {
    let mut stage = Stage::new();
    stage
        .perform(&[stage.here("ann", "phone"), stage.here("bob", "phone"), stage.here("ann", "laptop")])
        .await;
    let mut told = stage.told();
    told.sort_by(|a, b| a.presence.user_id.cmp(&b.presence.user_id));
    assert_eq!(
        told.iter().map(Told::short).collect::<Vec<_>>(),
        [("ann", Status::Online), ("bob", Status::Online)]
    );
    for told in told {
        assert_eq!(told.delivery.audience, Audience::Watchers(told.presence.user_id.clone()));
        assert_eq!((told.delivery.name.as_str(), told.delivery.ephemeral), ("presence:sync", true));
        let last_seen = told.presence.last_seen.unwrap().to_iso();
        let payload =
            format!(r#"{{"userId":"{}","status":"online","lastSeen":"{last_seen}"}}"#, told.presence.user_id);
        assert_eq!(told.delivery.payload, payload);
    }
    stage.perform(&[stage.here("ann", "phone")]).await;
    assert!(stage.told().is_empty(), "a renewal is no news");
    assert_eq!(stage.metrics.presence.recorded.get(), 4);
}

#[tokio::test(start_paused = true)]
async fn who_closes_their_last_page_is_told_to_be_offline_after_the_grace() {
    let mut stage = Stage::swept().await;
    stage.perform(&[stage.here("ann", "phone")]).await;
    stage.told();
    let left = Instant::now();
    stage.perform(&[stage.signal("ann", "phone", DeviceState::Gone)]).await;
    assert_eq!(stage.next().await.short(), ("ann", Status::Offline));
    assert!((OFFLINE_GRACE..=OFFLINE_GRACE + SLACK).contains(&left.elapsed()), "{:?}", left.elapsed());
}

#[tokio::test(start_paused = true)]
async fn old_fault_19_a_device_whose_gateway_died_is_told_to_be_offline_after_its_lease() {
    let mut stage = Stage::swept().await;
    let started = Instant::now();
    stage.perform(&[stage.here("ann", "phone")]).await;
    stage.told();
    assert_eq!(stage.next().await.short(), ("ann", Status::Offline));
    assert!((DEVICE_LEASE..=DEVICE_LEASE + SLACK).contains(&started.elapsed()), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn old_fault_9_who_does_nothing_is_told_to_be_away_and_never_offline_while_their_device_is_renewed() {
    let mut stage = Stage::swept().await;
    let active_at = stage.clock.now();
    let started = Instant::now();
    let mut told = Vec::new();
    while told.len() < 2 {
        stage
            .perform(&[stage.signal(
                "ann",
                "phone",
                DeviceState::Here { active_at, wants_away: false, parked: false },
            )])
            .await;
        tokio::time::advance(HEARTBEAT).await;
        tokio::task::yield_now().await;
        told.extend(stage.told().into_iter().map(|told| told.presence.status));
        assert!(started.elapsed() < AWAY_AFTER + HEARTBEAT * 3, "{told:?}");
    }
    assert_eq!(told, [Status::Online, Status::Away]);
}

#[tokio::test(start_paused = true)]
async fn old_fault_19_who_stays_connected_for_hours_is_not_forgotten() {
    let mut stage = Stage::swept().await;
    let active_at = stage.clock.now();
    for _ in 0..HOURS.as_secs() / HEARTBEAT.as_secs() {
        stage
            .perform(&[stage.signal(
                "ann",
                "phone",
                DeviceState::Here { active_at, wants_away: false, parked: false },
            )])
            .await;
        stage.let_pass(HEARTBEAT).await;
    }
    let statuses: Vec<Status> = stage.told().into_iter().map(|told| told.presence.status).collect();
    assert_eq!(statuses, [Status::Online, Status::Away]);
    stage.let_pass(DEVICE_LEASE + SLACK).await;
    assert_eq!(
        stage.told().iter().map(Told::short).collect::<Vec<_>>(),
        [("ann", Status::Offline)],
        "and leaves with the lease"
    );
}

#[tokio::test(start_paused = true)]
async fn signals_whose_lease_is_over_are_passed_over_without_asking_the_store() {
    let stage = Stage::new();
    let old = stage.here("ann", "phone");
    tokio::time::advance(DEVICE_LEASE).await;
    stage.store.down.store(true, Ordering::SeqCst);
    let outcomes = stage.try_perform(&[old]).await.expect("nothing to wait for");
    assert_eq!(outcomes, [Outcome::Done]);
    assert_eq!(stage.metrics.presence.stale.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_store_a_batch_waits_and_is_told_of_when_it_is_back() {
    let mut stage = Stage::new();
    let batch = [stage.here("ann", "phone")];
    stage.store.down.store(true, Ordering::SeqCst);
    assert!(stage.try_perform(&batch).await.is_none());
    stage.store.down.store(false, Ordering::SeqCst);
    stage.perform(&batch).await;
    assert_eq!(stage.next().await.short(), ("ann", Status::Online));
}

#[tokio::test(start_paused = true)]
async fn a_judgement_whose_answer_was_lost_is_told_all_the_same() {
    let mut stage = Stage::new();
    let batch = [stage.here("ann", "phone")];
    stage.store.loses_the_next_judgement.store(true, Ordering::SeqCst);
    assert!(stage.try_perform(&batch).await.is_none());
    stage.perform(&batch).await;
    assert_eq!(stage.told().iter().map(Told::short).collect::<Vec<_>>(), [("ann", Status::Online)]);
    stage.perform(&batch).await;
    assert!(stage.told().is_empty(), "and once");
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_a_sweeper_that_died_is_told_of_again() {
    let mut stage = Stage::new();
    let mut batch = [stage.here("ann", "phone")];
    stage.perform(&batch).await;
    stage.told();
    batch[0].redelivered = true;
    stage.perform(&batch).await;
    assert_eq!(stage.told().iter().map(Told::short).collect::<Vec<_>>(), [("ann", Status::Online)]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_to_be_offline_because_the_broker_carried_no_renewals() {
    let mut stage = Stage::swept().await;
    stage.perform(&[stage.here("ann", "phone")]).await;
    stage.told();
    stage.broker_health.send_replace(Health::Down("restarting".into()));
    stage.let_pass(DEVICE_LEASE * 2).await;
    stage.broker_health.send_replace(Health::Up);
    stage.let_pass(HEARTBEAT).await;
    stage.perform(&[stage.here("ann", "phone")]).await;
    stage.let_pass(HEARTBEAT).await;
    assert!(stage.told().is_empty(), "she was there all the time");
    assert_eq!(stage.next().await.short(), ("ann", Status::Offline), "now she is not");
}

#[tokio::test(start_paused = true)]
async fn what_the_broker_did_not_take_is_told_when_it_does() {
    let mut stage = Stage::swept().await;
    stage.perform(&[stage.here("ann", "phone"), stage.here("bob", "phone")]).await;
    stage.told();
    stage.publishing.store(false, Ordering::SeqCst);
    stage.let_pass(DEVICE_LEASE + SLACK).await;
    assert!(stage.told().is_empty());
    stage.publishing.store(true, Ordering::SeqCst);
    let mut told = [stage.next().await, stage.next().await];
    told.sort_by(|a, b| a.presence.user_id.cmp(&b.presence.user_id));
    assert_eq!(
        told.iter().map(Told::short).collect::<Vec<_>>(),
        [("ann", Status::Offline), ("bob", Status::Offline)]
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_not_told_yet_is_told_once_more_at_the_end() {
    let mut stage = Stage::swept().await;
    stage.perform(&[stage.here("ann", "phone")]).await;
    stage.told();
    stage.publishing.store(false, Ordering::SeqCst);
    stage.let_pass(DEVICE_LEASE + SLACK).await;
    stage.publishing.store(true, Ordering::SeqCst);
    stage.end().await;
    assert_eq!(stage.told().iter().map(Told::short).collect::<Vec<_>>(), [("ann", Status::Offline)]);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_takes_nothing_does_not_hold_up_the_end() {
    let mut stage = Stage::swept().await;
    stage.perform(&[stage.here("ann", "phone")]).await;
    stage.told();
    stage.publishing.store(false, Ordering::SeqCst);
    stage.let_pass(DEVICE_LEASE + SLACK).await;
    stage.hanging.store(true, Ordering::SeqCst);
    stage.end().await;
    assert!(stage.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_is_dated_and_not_while_the_store_is_away() {
    let stage = Stage::swept().await;
    let last = || stage.metrics.presence.last_sweep_seconds.get();
    assert!(stage.clock.now().0 / 1_000 - last() <= 1);
    stage.store.down.store(true, Ordering::SeqCst);
    stage.let_pass(SWEEP_TICK * 2).await;
    let before = last();
    stage.let_pass(SWEEP_TICK * 60).await;
    assert_eq!(last(), before);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_that_leaves_at_once_is_told_of_within_one_sweep() {
    let mut stage = Stage::swept().await;
    let crowd: Vec<Item<DeviceSignal>> =
        (0..1_300).map(|n| stage.here(&format!("user-{n}"), "phone")).collect();
    stage.perform(&crowd).await;
    assert_eq!(stage.told().len(), 1_300);
    let first = stage.next().await;
    assert_eq!(first.presence.status, Status::Offline);
    stage.let_pass(Duration::from_millis(1)).await;
    assert_eq!(stage.told().len(), 1_299);
}

/// A sweeper with everything around it.
struct Stage {
    sweeper: Arc<Sweeper>,
    store: Arc<FailingStore>,
    clock: Arc<PausedClock>,
    metrics: Metrics,
    broker_health: watch::Sender<Health>,
    publishing: Arc<AtomicBool>,
    hanging: Arc<AtomicBool>,
    published: mpsc::Receiver<Told>,
    shutdown: CancellationToken,
    running: tokio::task::JoinSet<()>,
}

impl Stage {
    /// Without its loop: time passes for nobody.
    fn new() -> Self {
        let (clock, store) = (Arc::new(PausedClock::default()), Arc::new(FailingStore::default()));
        let (into, published) = mpsc::channel(4_096);
        let (publishing, hanging) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let (broker_health, health) = watch::channel(Health::Up);
        let gateways = Box::new(Gateways { into, publishing: publishing.clone(), hanging: hanging.clone() });
        let metrics = Metrics::default();
        let parts =
            SweeperParts { store: store.clone(), gateways, broker_health: health, clock: clock.clone() };
        let sweeper = Arc::new(Sweeper::new(parts, &metrics));
        let (shutdown, running) = (CancellationToken::new(), tokio::task::JoinSet::new());
        Self {
            sweeper,
            store,
            clock,
            metrics,
            broker_health,
            publishing,
            hanging,
            published,
            shutdown,
            running,
        }
    }

    /// With its loop, past the time it waits at its start.
    async fn swept() -> Self {
        let mut stage = Self::new();
        let (sweeper, shutdown) = (stage.sweeper.clone(), stage.shutdown.clone());
        stage.running.spawn(async move { sweeper.run(shutdown).await });
        stage.let_pass(SWEEP_TICK * 10).await;
        stage
    }

    fn signal(&self, user: &str, device: &str, state: DeviceState) -> Item<DeviceSignal> {
        let at = Timestamp(self.clock.now().0 + i64::from(state == DeviceState::Gone));
        let value = DeviceSignal { user_id: user.parse().unwrap(), device: device.to_owned(), state, at };
        Item { id: CommandId::new().0, attempt: 0, redelivered: false, value, reply_to: None, trace: None }
    }

    fn here(&self, user: &str, device: &str) -> Item<DeviceSignal> {
        self.signal(
            user,
            device,
            DeviceState::Here { active_at: self.clock.now(), wants_away: false, parked: false },
        )
    }

    /// As the consume loop does, once.
    async fn try_perform(&self, batch: &[Item<DeviceSignal>]) -> Option<Vec<Outcome>> {
        let performed = self.sweeper.perform(batch).await.ok()?;
        self.sweeper.announce(&performed.outbox).await.ok()?;
        Some(performed.outcomes)
    }

    async fn perform(&self, batch: &[Item<DeviceSignal>]) {
        assert_eq!(self.try_perform(batch).await.expect("performed"), vec![Outcome::Done; batch.len()]);
    }

    /// What was told up to now.
    fn told(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.published.try_recv().ok()).collect()
    }

    /// What is told next, whenever that is.
    async fn next(&mut self) -> Told {
        timeout(Duration::from_mins(10), self.published.recv())
            .await
            .expect("told in time")
            .expect("a sweeper that lives")
    }

    /// Tells the loop to end, and waits until it has.
    async fn end(&mut self) {
        self.shutdown.cancel();
        let ended = timeout(Duration::from_secs(5), self.running.join_next()).await;
        ended.expect("it ends in time").expect("it runs").unwrap();
    }

    /// Lets the paused time pass: the loop does in it what it would.
    async fn let_pass(&self, duration: Duration) {
        let never = std::future::pending::<()>();
        timeout(duration, never).await.expect_err("time passes");
    }
}

/// What gateways got.
#[derive(Debug)]
struct Told {
    delivery: GatewayEvent,
    presence: Presence,
}

impl Told {
    fn short(&self) -> (&str, Status) {
        (self.presence.user_id.as_str(), self.presence.status)
    }
}

struct Gateways {
    into: mpsc::Sender<Told>,
    publishing: Arc<AtomicBool>,
    hanging: Arc<AtomicBool>,
}

#[async_trait]
impl Publish for Gateways {
    async fn publish(&mut self, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>> {
        if self.hanging.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let publishing = self.publishing.load(Ordering::SeqCst);
        messages
            .into_iter()
            .map(|message| {
                assert_eq!(message.to, Destination::AllGateways);
                if !publishing {
                    return Err(BrokerError::Blocked);
                }
                for envelope in Frame::decode(&message.payload).unwrap().items {
                    let delivery: GatewayEvent = codec::decode(&envelope.body).unwrap();
                    assert_eq!(delivery.event_id.0, envelope.id);
                    let presence = serde_json::from_str(&delivery.payload).unwrap();
                    self.into.try_send(Told { delivery, presence }).unwrap();
                }
                Ok(())
            })
            .collect()
    }
}

/// Tells the paused time of the test.
struct PausedClock(Instant);

impl Default for PausedClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000 + i64::try_from(self.0.elapsed().as_millis()).unwrap())
    }
}

/// [`MemoryPresence`] that can be away.
#[derive(Default)]
struct FailingStore {
    inner: MemoryPresence,
    down: AtomicBool,
    loses_the_next_judgement: AtomicBool,
}

impl FailingStore {
    fn up(&self) -> Result<&MemoryPresence, PresenceError> {
        if self.down.load(Ordering::SeqCst) { Err(lost()) } else { Ok(&self.inner) }
    }
}

fn lost() -> PresenceError {
    PresenceError { what: "answer", source: "down".into() }
}

#[async_trait]
impl PresenceStore for FailingStore {
    async fn record(&self, signals: &[DeviceSignal]) -> Result<(), PresenceError> {
        self.up()?.record(signals).await
    }

    async fn judge(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Presence>, PresenceError> {
        let judged = self.up()?.judge(users, now).await;
        if self.loses_the_next_judgement.swap(false, Ordering::SeqCst) { Err(lost()) } else { judged }
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, PresenceError> {
        self.up()?.due(now, limit).await
    }

    async fn presence(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Presence>, PresenceError> {
        self.up()?.presence(users, now).await
    }

    async fn attention(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Status>, PresenceError> {
        self.up()?.attention(users, now).await
    }

    async fn online_since(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Timestamp>, PresenceError> {
        self.up()?.online_since(users, now).await
    }

    async fn contact(
        &self,
        user: &UserId,
        sent: (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Option<Contact>, PresenceError> {
        self.up()?.contact(user, sent, now).await
    }

    async fn report(&self, gateway: &str, stats: &GatewayStats) -> Result<(), PresenceError> {
        self.up()?.report(gateway, stats).await
    }

    async fn reports(&self) -> Result<Vec<GatewayReport>, PresenceError> {
        self.up()?.reports().await
    }

    async fn retire(&self, gateway: &str) -> Result<(), PresenceError> {
        self.up()?.retire(gateway).await
    }

    async fn connected(&self, now: Timestamp) -> Result<u64, PresenceError> {
        self.up()?.connected(now).await
    }

    async fn connected_people(&self, now: Timestamp) -> Result<Vec<UserId>, PresenceError> {
        self.up()?.connected_people(now).await
    }
}
