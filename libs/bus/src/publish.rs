//! Group commit: envelopes that wait for the same queue travel as one confirmed broker message.
//!
//! Input: single envelopes from many tasks. Output: frames, one in flight per lane, in arrival order. The
//! lane sends a lone envelope at once. It collects envelopes while a confirm is outstanding, and for a short
//! time after the last flush. Repeating a frame whose confirm was lost is safe because the receiving handler
//! recognises the id of each envelope.

pub use crate::publish_error::PublishError;

use crate::port::{Broker, BrokerError, Destination, Health, Outgoing, Publish, ReplyTo};
use crate::reshard::gate::Permit;
use bytes::Bytes;
use eventflow_metrics::QueueMetrics;
use eventflow_protocol::frame::{Envelope, FRAME_MAX_BYTES, FRAME_MAX_ITEMS, Frame};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::TaskTracker;

/// Linger: the time between two flushes of a busy lane. An envelope that comes after a longer silence goes at
/// once. A frame costs every later stage the same whatever it holds, so this value decides the CPU per
/// message at 500–10,000 messages/s (docs/PERFORMANCE.md).
const LINGER: Duration = Duration::from_millis(4);
/// Lane capacity: the number of envelopes that may wait in a lane, about one second of the whole system's
/// peak. When the lane is full, callers are told to slow down ([`PublishError::Overloaded`]).
const LANE_CAPACITY: usize = 4_096;
/// Full lane: how long a caller waits for a place. A burst passes in that time, an overload does not.
const FULL_LANE_PATIENCE: Duration = Duration::from_millis(250);
/// Lost confirm: how long the lane repeats a frame before it tells the callers. A reconnect takes 0.1–2 s.
/// Callers wait as long ([`crate::request::ANSWER_PATIENCE`]), so the caller of an older envelope has already
/// been answered with a failure.
const LOST_CONFIRM_PATIENCE: Duration = Duration::from_secs(3);
/// Pause between two attempts to publish a frame whose confirm was lost.
const LOST_CONFIRM_PAUSE: Duration = Duration::from_millis(100);

/// The broker's pending answer for one envelope.
#[derive(Debug)]
pub struct Confirmation(oneshot::Receiver<Result<(), PublishError>>);

impl Confirmation {
    /// Waits until the broker has confirmed the envelope, or returns the reason why it did not.
    pub async fn wait(self) -> Result<(), PublishError> {
        self.0.await.unwrap_or(Err(PublishError::Unavailable))
    }
}

struct Job {
    envelope: Envelope,
    taken_at: Instant,
    /// Of an envelope whose shard was chosen by the number in force.
    permit: Option<Permit>,
    confirmed: oneshot::Sender<Result<(), PublishError>>,
}

impl Job {
    /// Whether the envelope must not be sent any more: its caller has been told that it failed (one that
    /// merely left early may still expect it to be carried out), or its number of shards may have changed.
    fn is_given_up(&self) -> bool {
        let is_late = self.confirmed.is_closed() && self.taken_at.elapsed() >= LOST_CONFIRM_PATIENCE;
        is_late || self.permit.as_ref().is_some_and(Permit::is_lapsed)
    }
}

/// The publishing side of one queue, shared by all tasks of a process.
#[derive(Clone)]
pub struct Lane {
    jobs: mpsc::Sender<Job>,
    health: watch::Receiver<Health>,
}

impl Lane {
    /// Opens a lane to `queue`. Its task runs on `tracker` until every clone of the lane is dropped and
    /// everything in the lane is sent.
    ///
    /// Replies: with `replies`, the answers to the envelopes arrive on that channel.
    pub async fn open(
        broker: &Arc<dyn Broker>,
        queue: &str,
        replies: Option<mpsc::Sender<Bytes>>,
        metrics: QueueMetrics,
        tracker: &TaskTracker,
    ) -> Result<Self, BrokerError> {
        let reply_to = replies.as_ref().map(|_| ReplyTo::Me);
        let publisher = broker.publisher(replies).await?;
        let (jobs, waiting) = mpsc::channel(LANE_CAPACITY);
        let health = broker.health();
        let task = LaneTask {
            queue: queue.to_owned(),
            reply_to,
            publisher,
            waiting,
            held_back: None,
            health: health.clone(),
            metrics,
        };
        tracker.spawn(task.run());
        Ok(Self { jobs, health })
    }

    /// Takes a place in the lane. The lane publishes in the order of the calls. Fails at once while the
    /// broker cannot be reached, and with [`PublishError::Overloaded`] when the lane stays full.
    pub async fn send(&self, envelope: Envelope) -> Result<Confirmation, PublishError> {
        self.take(envelope, None).await
    }

    /// As [`Self::send`], for an envelope whose shard was chosen by the number in force. The permit lives
    /// until the envelope's fate is known.
    pub(crate) async fn send_permitted(
        &self,
        envelope: Envelope,
        permit: Permit,
    ) -> Result<Confirmation, PublishError> {
        self.take(envelope, Some(permit)).await
    }

    async fn take(&self, envelope: Envelope, permit: Option<Permit>) -> Result<Confirmation, PublishError> {
        match *self.health.borrow() {
            Health::Up => {}
            Health::Down(_) => return Err(PublishError::Unavailable),
            Health::Blocked(_) => return Err(PublishError::Overloaded),
        }
        let (confirmed, confirmation) = oneshot::channel();
        let job = Job { envelope, taken_at: Instant::now(), permit, confirmed };
        let sent = self.jobs.send_timeout(job, FULL_LANE_PATIENCE).await;
        sent.map_err(|_| PublishError::Overloaded)?;
        Ok(Confirmation(confirmation))
    }
}

struct LaneTask {
    queue: String,
    reply_to: Option<ReplyTo>,
    publisher: Box<dyn Publish>,
    waiting: mpsc::Receiver<Job>,
    /// The envelope that did not fit into the last frame; it begins the next one.
    held_back: Option<Job>,
    health: watch::Receiver<Health>,
    metrics: QueueMetrics,
}

impl LaneTask {
    async fn run(mut self) {
        let mut last_flush: Option<Instant> = None;
        loop {
            let first = match self.held_back.take() {
                Some(job) => job,
                None => match self.waiting.recv().await {
                    Some(job) => job,
                    None => return,
                },
            };
            if let Some(flushed) = last_flush {
                self.linger(flushed + LINGER).await;
            }
            if self.is_down() {
                self.held_back = Some(first);
                self.fail_waiting();
                continue;
            }
            let jobs = self.collect(first);
            if !jobs.is_empty() {
                last_flush = Some(Instant::now());
                self.flush(jobs).await;
            }
        }
    }

    fn is_down(&self) -> bool {
        matches!(*self.health.borrow(), Health::Down(_))
    }

    /// Fails every envelope that waits in the lane while the broker is down. They were never sent, so they
    /// need no second attempt.
    fn fail_waiting(&mut self) {
        let waiting =
            self.held_back.take().into_iter().chain(std::iter::from_fn(|| self.waiting.try_recv().ok()));
        let mut failed = false;
        for job in waiting {
            // The caller may have left; then nobody needs the answer.
            let _ = job.confirmed.send(Err(PublishError::Unavailable));
            failed = true;
        }
        self.metrics.publish_failures.inc_by(u64::from(failed));
    }

    /// Lets a busy lane collect envelopes until `until`, unless a full frame is waiting already.
    async fn linger(&mut self, until: Instant) {
        if self.waiting.len() < FRAME_MAX_ITEMS && until > Instant::now() {
            sleep_until(until).await;
        }
    }

    /// Collects the envelopes of one frame and leaves out those whose callers were told of a failure.
    /// Otherwise a command that failed long ago would still be carried out when a broker that hung comes
    /// back.
    fn collect(&mut self, first: Job) -> Vec<Job> {
        let mut bytes = 0;
        let mut jobs = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            if !job.is_given_up() {
                bytes += job.envelope.body.len();
                if bytes > FRAME_MAX_BYTES && !jobs.is_empty() {
                    self.held_back = Some(job);
                    break;
                }
                jobs.push(job);
            }
            next = if jobs.len() < FRAME_MAX_ITEMS { self.waiting.try_recv().ok() } else { None };
        }
        jobs
    }

    async fn flush(&mut self, jobs: Vec<Job>) {
        let mut items = Vec::with_capacity(jobs.len());
        let mut callers = Vec::with_capacity(jobs.len());
        let mut permits = Vec::with_capacity(jobs.len());
        for Job { envelope, permit, confirmed, .. } in jobs {
            items.push(envelope);
            callers.push(confirmed);
            permits.extend(permit);
        }
        let count = items.len();
        let to = Destination::Queue(self.queue.clone());
        let generation = permits.first().map(Permit::generation);
        let result = match Outgoing::of_frame(to, &Frame { items, generation }) {
            Ok(message) => {
                let message = Outgoing { reply_to: self.reply_to.clone(), ..message };
                self.publish(message, permits.first()).await
            }
            Err(error) => {
                tracing::error!(
                    queue = self.queue,
                    error = &error as &dyn std::error::Error,
                    "a frame cannot be encoded"
                );
                Err(PublishError::Refused)
            }
        };
        match result {
            Ok(()) => self.metrics.published.inc_by(count as u64),
            Err(_) => self.metrics.publish_failures.inc(),
        }
        self.metrics.publish_batch.observe(count as f64);
        for caller in callers {
            // The caller may have left; then nobody needs the answer.
            let _ = caller.send(result);
        }
        drop(permits);
    }

    /// Publishes a frame, and repeats it while its confirm may have been lost with the connection.
    async fn publish(&mut self, message: Outgoing, permit: Option<&Permit>) -> Result<(), PublishError> {
        let started = Instant::now();
        loop {
            // Each attempt gets the remaining time and one pause more, so that the last attempt gets some
            // time too.
            let patience = LOST_CONFIRM_PATIENCE.saturating_sub(started.elapsed());
            let answer =
                timeout(patience + LOST_CONFIRM_PAUSE, self.publisher.publish(vec![message.clone()])).await;
            let result = answer.map_or(Err(PublishError::Unavailable), |mut results| {
                results.pop().unwrap_or(Ok(())).map_err(|error| self.explain(&error))
            });
            let is_over = started.elapsed() >= LOST_CONFIRM_PATIENCE || permit.is_some_and(Permit::is_lapsed);
            if result != Err(PublishError::Unavailable) || is_over {
                self.metrics.confirm_seconds.observe(started.elapsed().as_secs_f64());
                return result;
            }
            // The envelopes behind this frame were never sent, so their callers need not wait.
            if self.is_down() {
                self.fail_waiting();
            }
            sleep(LOST_CONFIRM_PAUSE).await;
        }
    }

    fn explain(&self, error: &BrokerError) -> PublishError {
        tracing::warn!(
            queue = self.queue,
            error = error as &dyn std::error::Error,
            "a frame was not confirmed"
        );
        error.into()
    }
}
