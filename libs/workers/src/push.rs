//! The push stage: it sends due windows to the devices of their people, and takes away what was read
//! elsewhere.
//!
//! In come jobs; out go pushes, rows of the delivery log, and nothing to another stage. A window is taken
//! before it is sent and closed afterwards, so two jobs for one window send it once, and a job for a
//! closed one sends nothing. A crash between a service's answer and the note of it repeats that push,
//! under the same tag: the device shows it once.
//!
//! [`crate::notify::again`] decides again what is to be told, [`content`] writes it, [`deliver`] sends it to
//! every device, and [`breaker`] pauses the stage while FCM is down. [`in_flight`] keeps the wait for a push
//! service's room apart from its answer. Nobody waits for somebody else's devices: [`aside`] tells who is not
//! asked for a while. [`clear`] takes away what was read.

mod aside;
mod breaker;
mod clear;
mod content;
mod deliver;
mod in_flight;
mod outcome;
mod parts;
mod turns;

use self::aside::Aside;
use self::breaker::Breaker;
use self::deliver::{Delivered, Delivery};
use self::in_flight::InFlight;
use self::outcome::{outcome_of, suppressed};
pub use self::parts::PushParts;
use self::turns::Turn;
use crate::notify::again::{Remaining, decide_again, held_again, put_off, rows};
use crate::notify::busy::busy;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::settle::{Outcome, RETRY_LIMIT, waits};
use eventflow_bus::topology::PUSH;
use eventflow_metrics::{Metrics, PushMetrics, PushWindowOutcome, QueueMetrics};
use eventflow_ports::StoreError;
use eventflow_ports::outbound::Taken;
use eventflow_ports::push_devices::Shown;
use eventflow_ports::pusher::Push;
use eventflow_protocol::outbound::{DeliveryEntry, DeliveryOutcome, Reason, Window, WindowJob};
use eventflow_protocol::push::{PushDevice, PushJob};
use eventflow_protocol::{Timestamp, UserId};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::iter;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Jobs that use the store at the same time. Those that wait for a push service are not among them.
const STORE_AT_ONCE: usize = 64;
/// Jobs of one person carried out at the same time: the first ones learn which devices are late, and the
/// others leave these out.
const OF_ONE_PERSON: usize = 8;
/// How long a window is taken for: longer than a batch begins pushes and the last of them take. After a crash
/// it is sent when this has passed.
const TAKEN_FOR: Duration = Duration::from_mins(2);
/// Time in which a batch begins pushes. At 100 requests at a time it is enough for 512 jobs with 20 devices
/// each at a service that answers within half a second. What is left goes back ([`ASKED_AFTER`]).
const BEGINS_FOR: Duration = Duration::from_mins(1);
/// When devices are asked that a batch had no time or no permission to ask: another batch has its turn first,
/// and the breaker closes.
const ASKED_AFTER: Duration = Duration::from_secs(15);
/// Limit of a batch: it begins pushes for a minute, and FCM may take four requests of five seconds one after
/// the other. The rest is for the store.
pub const BATCH_LIMIT: Duration = Duration::from_mins(3);

/// The push stage.
pub struct PushWorker {
    parts: PushParts,
    breaker: Breaker,
    aside: Aside,
    in_flight: InFlight,
    begins_for: Duration,
    turns: Semaphore,
    metrics: PushMetrics,
    queue: QueueMetrics,
}

/// The place of a job in its batch, and what became of it.
type Ended = (usize, Result<Outcome, Unavailable>);

/// Why a job has no outcome of its own.
enum Stop {
    /// The store is down: the whole batch waits.
    Unavailable(Unavailable),
    /// The job ends so.
    Ended(Outcome),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => Self::Unavailable(Unavailable::new("the store", error)),
            StoreError::Failed { .. } => Self::Ended(Outcome::retry_for(&error)),
            StoreError::Refused { .. } => Self::Ended(Outcome::reject_for(&error)),
        }
    }
}

impl PushWorker {
    /// A push stage of these parts.
    pub fn new(parts: PushParts, metrics: &Metrics) -> Self {
        let queue = metrics.bus.queue(PUSH.name());
        Self {
            parts,
            breaker: Breaker::default(),
            aside: Aside::default(),
            in_flight: InFlight::default(),
            begins_for: BEGINS_FOR,
            turns: Semaphore::new(STORE_AT_ONCE),
            metrics: metrics.push.clone(),
            queue,
        }
    }

    /// The stage, whose batches begin pushes for this long.
    #[must_use]
    pub fn beginning_for(self, begins_for: Duration) -> Self {
        Self { begins_for, ..self }
    }

    /// Carries out the jobs of one person, which stand at these places of the batch.
    async fn of_one_person(&self, batch: &[Item<PushJob>], places: &[usize], until: Instant) -> Vec<Ended> {
        let mut work = Vec::with_capacity(places.len());
        for place in places {
            work.push(self.carry_out(*place, &batch[*place], until));
        }
        iter(work).buffered(OF_ONE_PERSON).collect().await
    }

    async fn carry_out(&self, place: usize, item: &Item<PushJob>, until: Instant) -> Ended {
        let mut turn = Turn::of(&self.turns, until).await;
        let done = match &item.value {
            PushJob::Window(job) => self.window(&mut turn, job, item.attempt).await,
            PushJob::Clear(clear) => self.clear_thread(&mut turn, clear, item.attempt).await,
            PushJob::ClearNotifications(clear) => {
                self.clear_notifications(&mut turn, clear, item.attempt).await
            }
        };
        let ended = match done {
            Ok(outcome) | Err(Stop::Ended(outcome)) => Ok(outcome),
            Err(Stop::Unavailable(unavailable)) => Err(unavailable),
        };
        (place, ended)
    }

    async fn window(&self, turn: &mut Turn<'_>, job: &WindowJob, attempt: u32) -> Result<Outcome, Stop> {
        let now = self.parts.clock().now();
        match self.parts.outbound.take_window(job.window_id, now, TAKEN_FOR).await? {
            Taken::Closed => {
                self.count(PushWindowOutcome::Repeated);
                Ok(Outcome::Done)
            }
            Taken::Busy(until) => Ok(busy(now, until)),
            Taken::Window(window) => {
                self.queue.age_seconds.observe(window.due_at.age_at(now).as_secs_f64());
                let sent = self.send(turn, &window, attempt).await;
                if !matches!(sent, Ok(Outcome::Done)) {
                    // What was taken is noted by device, so whoever takes the window next goes on from there.
                    self.parts.outbound.release_window(window.id).await?;
                }
                sent
            }
        }
    }

    async fn send(&self, turn: &mut Turn<'_>, window: &Window, attempt: u32) -> Result<Outcome, Stop> {
        let left = decide_again(&self.parts.again, window).await?;
        if left.left.is_empty() {
            // An earlier attempt may have shown it before it was read.
            if let Some(again) = self.clear_what_is_over(turn, window, attempt).await? {
                return Ok(again);
            }
            self.close(window, &left, None, PushWindowOutcome::Suppressed).await?;
            return Ok(Outcome::Done);
        }
        if let Some(until) = left.waits_until {
            let rows = held_again(window, &left, until, self.parts.clock().now());
            self.parts.outbound.log_deliveries(&rows).await?;
            self.parts.outbound.postpone_window(window.id, until).await?;
            self.count(PushWindowOutcome::Postponed);
            return Ok(Outcome::Done);
        }
        let devices = match self.devices_of(&window.user_id).await? {
            Ok(devices) => devices,
            Err(reason) => {
                let outcome = DeliveryOutcome::Suppressed { reason };
                self.close(window, &left, Some(outcome), PushWindowOutcome::NoDevice).await?;
                return Ok(Outcome::Done);
            }
        };
        let badge = self.badge(&window.user_id).await?;
        let Some(push) = content::show(window, &left, &self.parts.people, badge).await else {
            return Ok(Outcome::reject("a window without content"));
        };
        let delivered = self.send_to_devices(turn, window, &left, &push, devices).await?;
        // Whoever read it while it was on its way may have found nothing to take away.
        if let Some(again) = self.clear_what_is_over(turn, window, attempt).await? {
            return Ok(again);
        }
        self.settle(window, &left, delivered, attempt).await
    }

    /// The devices that a person is told by, or why there is none: a device that was registered before the
    /// person's credentials were revoked may be in other hands.
    async fn devices_of(&self, user: &UserId) -> Result<Result<Vec<PushDevice>, Reason>, StoreError> {
        let mut devices = self.parts.devices.devices_of(user).await?;
        if devices.is_empty() {
            return Ok(Err(Reason::NoDevice));
        }
        let revocations = self.parts.again.directory.revocations(user).await?;
        let revoked_at = revocations.iter().filter(|one| one.session.is_none()).map(|one| one.at).max();
        devices.retain(|device| revoked_at.is_none_or(|at| device.at > at));
        Ok(if devices.is_empty() { Err(Reason::Revoked) } else { Ok(devices) })
    }

    /// Sends to the devices that do not show this window yet.
    async fn send_to_devices(
        &self,
        turn: &mut Turn<'_>,
        window: &Window,
        left: &Remaining,
        push: &Push,
        mut devices: Vec<PushDevice>,
    ) -> Result<Delivered, StoreError> {
        let id = window.id.to_string();
        let shown = self.parts.devices.shown(&window.user_id, &push.tag).await?;
        let before = devices.len();
        devices.retain(|device| shown.iter().all(|one| one.device_id != device.id || one.push != id));
        let repeated = before - devices.len();
        let seq = left.left.iter().map(|(told, _)| content::seq_of(told)).max().unwrap_or(0);
        let note = |device: &PushDevice, at: Timestamp| {
            let (user_id, tag) = (device.user_id.clone(), push.tag.clone());
            Some(Shown { device_id: device.id, user_id, tag, push: id.clone(), seq, at })
        };
        let mut delivered = self.delivery().send(turn, &devices, push, note).await?;
        delivered.taken += repeated;
        Ok(delivered)
    }

    /// Decides what becomes of a window whose devices were asked.
    async fn settle(
        &self,
        window: &Window,
        left: &Remaining,
        mut delivered: Delivered,
        attempt: u32,
    ) -> Result<Outcome, Stop> {
        if let Some(why) = delivered.unasked
            && delivered.again.is_none()
        {
            if delivered.taken == 0 {
                return self.wait_for_room(window, left, why).await;
            }
            // What some devices show must not take in what comes now, as a postponed window would.
            (delivered.again, delivered.after) = (Some(why.to_owned()), Some(ASKED_AFTER));
        }
        if let Some(answer) = delivered.again.clone() {
            let is_last = attempt >= RETRY_LIMIT;
            if !is_last || delivered.is_providers {
                self.count(PushWindowOutcome::Retried);
                let log = if is_last {
                    let (outcome, _) = outcome_of(delivered.clone());
                    self.entries(window, left, Some(&outcome))
                } else {
                    let now = self.parts.clock().now();
                    let failed = DeliveryOutcome::Failed { answer: answer.clone() };
                    let until = now.plus(waits(attempt, delivered.after));
                    put_off(&rows(window, &left.left, &failed, now), until, &answer)
                };
                self.parts.outbound.log_deliveries(&log).await?;
                return Ok(Outcome::Retry { reason: answer, after: delivered.after });
            }
            // A dead letter is for the operator, who can do nothing about a browser's service.
        }
        let (outcome, counted) = outcome_of(delivered);
        self.close(window, left, Some(outcome), counted).await?;
        Ok(Outcome::Done)
    }

    /// No device was asked that could have it: the window waits, and it counts as no attempt.
    async fn wait_for_room(&self, window: &Window, left: &Remaining, why: &str) -> Result<Outcome, Stop> {
        let now = self.parts.clock().now();
        let until = now.plus(ASKED_AFTER);
        let failed = DeliveryOutcome::Failed { answer: why.to_owned() };
        let log = put_off(&rows(window, &left.left, &failed, now), until, why);
        self.parts.outbound.log_deliveries(&log).await?;
        self.parts.outbound.postpone_window(window.id, until).await?;
        self.count(PushWindowOutcome::Postponed);
        Ok(Outcome::Done)
    }

    async fn close(
        &self,
        window: &Window,
        left: &Remaining,
        outcome: Option<DeliveryOutcome>,
        counted: PushWindowOutcome,
    ) -> Result<(), StoreError> {
        let entries = self.entries(window, left, outcome.as_ref());
        if self.parts.outbound.close_window(window.id, &entries).await? {
            for entry in &entries {
                if let DeliveryOutcome::Suppressed { reason } = entry.outcome {
                    self.metrics.suppressed.of(suppressed(reason)).inc();
                }
            }
        }
        self.count(counted);
        Ok(())
    }

    /// The rows of the log: why some things were not told, and what became of the others.
    fn entries(
        &self,
        window: &Window,
        left: &Remaining,
        outcome: Option<&DeliveryOutcome>,
    ) -> Vec<DeliveryEntry> {
        let now = self.parts.clock().now();
        let told = outcome.map(|outcome| rows(window, &left.left, outcome, now));
        left.suppressed.iter().cloned().chain(told.into_iter().flatten()).collect()
    }

    fn delivery(&self) -> Delivery<'_> {
        Delivery {
            parts: &self.parts,
            breaker: &self.breaker,
            aside: &self.aside,
            in_flight: &self.in_flight,
            metrics: &self.metrics,
        }
    }

    fn count(&self, outcome: PushWindowOutcome) {
        self.metrics.windows.of(outcome).inc();
    }
}

#[async_trait]
impl BatchHandler for PushWorker {
    type Value = PushJob;
    type Outbox = ();

    async fn perform(&self, batch: &[Item<PushJob>]) -> Result<Performed<()>, Unavailable> {
        if let Err(open) = self.breaker.check(self.parts.clock().now()) {
            return Err(Unavailable::new("FCM", open));
        }
        let until = Instant::now() + self.begins_for;
        let mut of_people: HashMap<&UserId, Vec<usize>> = HashMap::new();
        for (place, item) in batch.iter().enumerate() {
            of_people.entry(item.value.user_id()).or_default().push(place);
        }
        let people: Vec<Vec<usize>> = of_people.into_values().collect();
        let mut work = Vec::with_capacity(people.len());
        for places in &people {
            work.push(self.of_one_person(batch, places, until));
        }
        // All of them end before the batch may wait for the store: a push on its way must not be cut off.
        let mut ended: Vec<Ended> = join_all(work).await.into_iter().flatten().collect();
        ended.sort_by_key(|(place, _)| *place);
        let outcomes: Result<Vec<Outcome>, Unavailable> = ended.into_iter().map(|(_, ended)| ended).collect();
        Ok(Performed { outcomes: outcomes?, outbox: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}
