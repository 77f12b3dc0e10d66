//! Group commit: envelopes that wait for the same queue travel as one confirmed broker message.
//!
//! In come single envelopes from many tasks, out go frames, one in flight per lane, in arrival order. A lone
//! envelope is sent at once; while a confirm is outstanding, or shortly after the last flush, envelopes
//! collect. Repeating a frame whose confirm was lost is safe because whoever handles an envelope recognises
//! its id.

use crate::port::{Broker, BrokerError, Destination, Health, Outgoing, Publish, ReplyTo};
use bytes::Bytes;
use eventflow_metrics::QueueMetrics;
use eventflow_protocol::frame::{Envelope, FRAME_MAX_BYTES, FRAME_MAX_ITEMS, Frame};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::TaskTracker;

/// Time between two flushes of a lane while it is busy; what comes after a longer silence goes at once. Every
/// frame costs each stage behind it the same whatever it holds, so this decides the CPU per message at
/// 500–10,000/s (docs/PERFORMANCE.md).
const LINGER: Duration = Duration::from_millis(4);
/// Envelopes waiting in a lane. About a second of the whole system's peak; past it, callers are told to slow
/// down.
const LANE_CAPACITY: usize = 4_096;
/// How long a caller waits for a place in a full lane: a burst passes in that time, an overload does not.
const FULL_LANE_PATIENCE: Duration = Duration::from_millis(250);
/// How long a frame whose confirm was lost is repeated before its callers are told. A reconnect takes 0.1–2
/// s. Callers wait as long ([`crate::request::ANSWER_PATIENCE`]), so what is older and whose caller has gone
/// was answered with a failure.
const LOST_CONFIRM_PATIENCE: Duration = Duration::from_secs(3);
/// Pause between two tries of such a frame.
const LOST_CONFIRM_PAUSE: Duration = Duration::from_millis(100);

/// Why an envelope was not taken over by the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// There is no broker now. If the envelope had been sent before, it is unknown whether the broker has it.
    #[error("publish: the broker is unavailable")]
    Unavailable,
    /// The broker holds publishers back, or more waits here than can be sent.
    #[error("publish: overloaded")]
    Overloaded,
    /// The broker refused it for good: no such queue, or the queue is full.
    #[error("publish: the broker refused")]
    Refused,
}

impl From<&BrokerError> for PublishError {
    fn from(error: &BrokerError) -> Self {
        match error {
            BrokerError::Unavailable(_) | BrokerError::Lost { .. } => Self::Unavailable,
            BrokerError::Blocked => Self::Overloaded,
            BrokerError::Unroutable(_) | BrokerError::Refused(_) | BrokerError::Mismatch { .. } => {
                Self::Refused
            }
        }
    }
}

/// The broker's word on one envelope, awaited.
#[derive(Debug)]
pub struct Confirmation(oneshot::Receiver<Result<(), PublishError>>);

impl Confirmation {
    /// Waits until the broker has taken the envelope over, or for the reason why not.
    pub async fn wait(self) -> Result<(), PublishError> {
        self.0.await.unwrap_or(Err(PublishError::Unavailable))
    }
}

struct Job {
    envelope: Envelope,
    taken_at: Instant,
    confirmed: oneshot::Sender<Result<(), PublishError>>,
}

impl Job {
    /// Whether its caller has been told that it failed. One that merely left early may still expect it to be
    /// done.
    fn is_given_up(&self) -> bool {
        self.confirmed.is_closed() && self.taken_at.elapsed() >= LOST_CONFIRM_PATIENCE
    }
}

/// The way into one queue, shared by all tasks of a process.
#[derive(Clone)]
pub struct Lane {
    jobs: mpsc::Sender<Job>,
    health: watch::Receiver<Health>,
}

impl Lane {
    /// Opens a lane to `queue`; its task runs on `tracker` until every clone of the lane is gone and all it
    /// held is sent.
    ///
    /// With `replies`, answers to the envelopes arrive there.
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

    /// Takes a place in the lane. Order of calls is order of publishing. Fails at once while there is no
    /// broker.
    pub async fn send(&self, envelope: Envelope) -> Result<Confirmation, PublishError> {
        match *self.health.borrow() {
            Health::Up => {}
            Health::Down(_) => return Err(PublishError::Unavailable),
            Health::Blocked(_) => return Err(PublishError::Overloaded),
        }
        let (confirmed, confirmation) = oneshot::channel();
        let job = Job { envelope, taken_at: Instant::now(), confirmed };
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
    /// The first envelope that did not fit into the last frame.
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

    /// Tells all that wait here that there is no broker: what never went out needs no second try.
    fn fail_waiting(&mut self) {
        let waiting =
            self.held_back.take().into_iter().chain(std::iter::from_fn(|| self.waiting.try_recv().ok()));
        let mut failed = false;
        for job in waiting {
            // A caller that no longer waits does not need the answer.
            let _ = job.confirmed.send(Err(PublishError::Unavailable));
            failed = true;
        }
        self.metrics.publish_failures.inc_by(u64::from(failed));
    }

    /// Lets a busy lane collect: waits until `until`, unless a full frame is waiting already.
    async fn linger(&mut self, until: Instant) {
        if self.waiting.len() < FRAME_MAX_ITEMS && until > Instant::now() {
            sleep_until(until).await;
        }
    }

    /// What fits into one frame, without what was given up meanwhile: after a broker that hung nobody must
    /// find done what failed long ago.
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
        let (items, callers): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.envelope, job.confirmed)).unzip();
        let count = items.len();
        let to = Destination::Queue(self.queue.clone());
        let result = match Outgoing::of_frame(to, &Frame { items }) {
            Ok(message) => self.publish(Outgoing { reply_to: self.reply_to.clone(), ..message }).await,
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
            // A caller that no longer waits does not need the answer.
            let _ = caller.send(result);
        }
    }

    /// Publishes, and repeats while the confirm may have been lost with its connection.
    async fn publish(&mut self, message: Outgoing) -> Result<(), PublishError> {
        let started = Instant::now();
        loop {
            let patience = LOST_CONFIRM_PATIENCE.saturating_sub(started.elapsed());
            let answer =
                timeout(patience + LOST_CONFIRM_PAUSE, self.publisher.publish(vec![message.clone()])).await;
            let result = answer.map_or(Err(PublishError::Unavailable), |mut results| {
                results.pop().unwrap_or(Ok(())).map_err(|error| self.explain(&error))
            });
            if result != Err(PublishError::Unavailable) || started.elapsed() >= LOST_CONFIRM_PATIENCE {
                self.metrics.confirm_seconds.observe(started.elapsed().as_secs_f64());
                return result;
            }
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
