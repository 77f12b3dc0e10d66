//! The push stage: it sends due windows to the devices of their people, and takes away what was read
//! elsewhere.
//!
//! In come jobs; out go pushes, rows of the delivery log, and nothing to another stage. A window is taken
//! before it is sent and closed afterwards, so two jobs for one window send it once, and a job for a
//! closed one sends nothing. A crash between a service's answer and the note of it repeats that push,
//! under the same tag: the device shows it once.
//!
//! [`crate::notify::again`] decides again what is to be told, [`content`] writes it, [`deliver`] sends it to
//! every device, and [`breaker`] pauses the stage while FCM is down.

mod breaker;
mod content;
mod deliver;
mod parts;

use self::breaker::Breaker;
use self::deliver::{Delivered, Delivery};
pub use self::parts::PushParts;
use crate::notify::again::{Remaining, decide_again, held_again, rows};
use crate::notify::busy::busy;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed, Unavailable};
use eventflow_bus::settle::{Outcome, RETRY_LIMIT};
use eventflow_bus::topology::PUSH;
use eventflow_metrics::{Metrics, PushMetrics, PushWindowOutcome, QueueMetrics, SuppressedPush};
use eventflow_ports::outbound::Taken;
use eventflow_ports::push_devices::Shown;
use eventflow_ports::pusher::Push;
use eventflow_ports::{StoreError, ThreadPage};
use eventflow_protocol::document::ThreadStatus;
use eventflow_protocol::outbound::{DeliveryEntry, DeliveryOutcome, Reason, Window, WindowJob};
use eventflow_protocol::push::{ClearNotifications, ClearPushes, PushDevice, PushJob};
use eventflow_protocol::{Timestamp, UserId};
use futures_util::StreamExt;
use futures_util::stream::iter;
use std::time::Duration;

/// Jobs carried out at the same time. Most of the time of one goes into waiting for a service.
const JOBS_AT_ONCE: usize = 64;
/// How long a window is taken for: several times what its devices can take. After a crash it is sent when
/// this has passed.
const TAKEN_FOR: Duration = Duration::from_mins(2);
/// Limit of a batch: 512 jobs, 64 at a time, each at most four requests of five seconds one after the other.
pub const BATCH_LIMIT: Duration = Duration::from_mins(3);
/// Threads whose unread messages the number on an app's icon counts: those on the first page of a list.
const BADGE_THREADS: u32 = 50;
/// Largest number on an app's icon.
const BADGE_MAX: u64 = 999;

/// The push stage.
pub struct PushWorker {
    parts: PushParts,
    breaker: Breaker,
    metrics: PushMetrics,
    queue: QueueMetrics,
}

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
        Self { parts, breaker: Breaker::default(), metrics: metrics.push.clone(), queue }
    }

    async fn carry_out(&self, item: &Item<PushJob>) -> Result<Outcome, Unavailable> {
        let done = match &item.value {
            PushJob::Window(job) => self.window(job, item.attempt).await,
            PushJob::Clear(clear) => self.clear_thread(clear).await,
            PushJob::ClearNotifications(clear) => self.clear_notifications(clear).await,
        };
        match done {
            Ok(outcome) | Err(Stop::Ended(outcome)) => Ok(outcome),
            Err(Stop::Unavailable(unavailable)) => Err(unavailable),
        }
    }

    async fn window(&self, job: &WindowJob, attempt: u32) -> Result<Outcome, Stop> {
        let now = self.parts.clock().now();
        match self.parts.outbound.take_window(job.window_id, now, TAKEN_FOR).await? {
            Taken::Closed => {
                self.count(PushWindowOutcome::Repeated);
                Ok(Outcome::Done)
            }
            Taken::Busy(until) => Ok(busy(now, until)),
            Taken::Window(window) => {
                self.queue.age_seconds.observe(window.due_at.age_at(now).as_secs_f64());
                let sent = self.send(&window, attempt).await;
                if !matches!(sent, Ok(Outcome::Done)) {
                    // What was taken is noted by device, so whoever takes the window next goes on from there.
                    self.parts.outbound.release_window(window.id).await?;
                }
                sent
            }
        }
    }

    async fn send(&self, window: &Window, attempt: u32) -> Result<Outcome, Stop> {
        let left = decide_again(&self.parts.again, window).await?;
        if left.left.is_empty() {
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
        let devices = self.parts.devices.devices_of(&window.user_id).await?;
        if devices.is_empty() {
            let outcome = DeliveryOutcome::Suppressed { reason: Reason::NoDevice };
            self.close(window, &left, Some(outcome), PushWindowOutcome::NoDevice).await?;
            return Ok(Outcome::Done);
        }
        let badge = self.badge(&window.user_id).await?;
        let Some(push) = content::show(window, &left, &self.parts.people, badge).await else {
            return Ok(Outcome::reject("a window without content"));
        };
        let delivered = self.send_to_devices(window, &left, &push, devices).await?;
        self.settle(window, &left, delivered, attempt).await
    }

    /// Sends to the devices that do not show this window yet.
    async fn send_to_devices(
        &self,
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
        let mut delivered = self.delivery().send(&devices, push, note).await?;
        delivered.taken += repeated;
        Ok(delivered)
    }

    /// Decides what becomes of a window whose devices were asked.
    async fn settle(
        &self,
        window: &Window,
        left: &Remaining,
        delivered: Delivered,
        attempt: u32,
    ) -> Result<Outcome, Stop> {
        if let Some(answer) = delivered.again {
            self.count(PushWindowOutcome::Retried);
            if attempt >= RETRY_LIMIT {
                let failed = DeliveryOutcome::Failed { answer: answer.clone() };
                self.parts.outbound.log_deliveries(&self.entries(window, left, Some(&failed))).await?;
            }
            return Ok(Outcome::Retry { reason: answer, after: delivered.after });
        }
        let (outcome, counted) = if delivered.taken > 0 {
            let (provider, answer) = match delivered.accepted {
                Some(accepted) => (accepted.provider.to_owned(), accepted.answer),
                // All of them had it before this attempt.
                None => ("push".to_owned(), String::new()),
            };
            let devices = delivered.taken;
            let answer = format!("{answer}, {devices} device{}", if devices == 1 { "" } else { "s" });
            (DeliveryOutcome::Sent { provider, answer }, PushWindowOutcome::Sent)
        } else if let Some(answer) = delivered.refused {
            (DeliveryOutcome::Failed { answer }, PushWindowOutcome::Failed)
        } else {
            (DeliveryOutcome::Suppressed { reason: Reason::NoDevice }, PushWindowOutcome::NoDevice)
        };
        self.close(window, left, Some(outcome), counted).await?;
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

    /// Takes away what devices show of a thread up to the message that was read.
    async fn clear_thread(&self, clear: &ClearPushes) -> Result<Outcome, Stop> {
        self.clear(&clear.user_id, &content::tag_of_thread(clear.thread_id), clear.up_to).await
    }

    /// Takes away what devices show of notifications that are read or deleted. Of several tags the worst
    /// outcome counts: a repetition finds those that are taken away already.
    async fn clear_notifications(&self, clear: &ClearNotifications) -> Result<Outcome, Stop> {
        let user = &clear.user_id;
        let tags = match clear.notification_id {
            Some(id) => vec![content::tag_of_notification(id)],
            None => self.parts.devices.shown_tags(user, content::NOTIFICATION_TAG).await?,
        };
        let mut outcome = Outcome::Done;
        for tag in tags {
            if self.is_unread(user, &tag).await? {
                continue;
            }
            match self.clear(user, &tag, u64::MAX).await? {
                Outcome::Done => {}
                failed => outcome = failed,
            }
        }
        Ok(outcome)
    }

    /// Whether the notification of this tag is there and not read: one that came later stays, and one that
    /// was never in the inbox.
    async fn is_unread(&self, user: &UserId, tag: &str) -> Result<bool, StoreError> {
        let id = tag.strip_prefix(content::NOTIFICATION_TAG).and_then(|id| id.parse().ok());
        let Some(id) = id else { return Ok(false) };
        let found = self.parts.again.inbox.notification(user, id).await?;
        Ok(found.is_some_and(|notification| !notification.is_read))
    }

    /// Takes away what devices show under this tag, unless it tells of messages after `up_to`.
    async fn clear(&self, user: &UserId, tag: &str, up_to: u64) -> Result<Outcome, Stop> {
        let shown = self.parts.devices.shown(user, tag).await?;
        let is_read = |id| shown.iter().any(|one: &Shown| one.device_id == id && one.seq <= up_to);
        let mut devices = self.parts.devices.devices_of(user).await?;
        devices.retain(|device| is_read(device.id));
        if devices.is_empty() {
            return Ok(Outcome::Done);
        }
        let push = content::clear(tag, self.badge(user).await?);
        let delivered = self.delivery().send(&devices, &push, |_, _| None).await?;
        if let Some(reason) = delivered.again {
            return Ok(Outcome::Retry { reason, after: delivered.after });
        }
        let ids: Vec<_> = devices.iter().map(|device| device.id).collect();
        self.parts.devices.forget_shown(&ids, tag, up_to).await?;
        Ok(Outcome::Done)
    }

    /// How much a person has not read: messages of the threads on the first page of their list, and
    /// notifications.
    async fn badge(&self, user: &UserId) -> Result<u64, StoreError> {
        let page = ThreadPage { status: ThreadStatus::Active, after: None, skip: 0, limit: BADGE_THREADS };
        let threads = self.parts.again.store.threads_of(user, page).await?;
        let messages: u64 = threads.iter().map(|view| view.unread_count).sum();
        Ok((messages + self.parts.again.inbox.unread_notifications(user).await?).min(BADGE_MAX))
    }

    fn delivery(&self) -> Delivery<'_> {
        Delivery { parts: &self.parts, breaker: &self.breaker, metrics: &self.metrics }
    }

    fn count(&self, outcome: PushWindowOutcome) {
        self.metrics.windows.of(outcome).inc();
    }
}

/// The reason as metrics name it. Those of e-mail never come here.
fn suppressed(reason: Reason) -> SuppressedPush {
    match reason {
        Reason::Read => SuppressedPush::Read,
        Reason::TakenBack => SuppressedPush::TakenBack,
        Reason::Muted => SuppressedPush::Muted,
        Reason::Archived => SuppressedPush::Archived,
        Reason::Left => SuppressedPush::Left,
        Reason::Preference => SuppressedPush::Preference,
        Reason::Revoked => SuppressedPush::Revoked,
        Reason::NoDevice => SuppressedPush::NoDevice,
        Reason::Online => SuppressedPush::Online,
        Reason::Gone => SuppressedPush::Gone,
        Reason::NoAddress
        | Reason::AddressSuppressed
        | Reason::Cancelled
        | Reason::SwitchedOff
        | Reason::NotChosen => SuppressedPush::Other,
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
        let mut work = Vec::with_capacity(batch.len());
        for item in batch {
            work.push(self.carry_out(item));
        }
        // All of them end before the batch may wait for the store: a push on its way must not be cut off.
        let ended: Vec<Result<Outcome, Unavailable>> = iter(work).buffered(JOBS_AT_ONCE).collect().await;
        let outcomes: Result<Vec<Outcome>, Unavailable> = ended.into_iter().collect();
        Ok(Performed { outcomes: outcomes?, outbox: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}
