//! The steps of a batch, guarded: a panic or a hang is pinned on the envelope that causes it, a down
//! dependency is waited for.
//!
//! In comes a batch; out come its outcomes and then, announced and with retries and dead letters confirmed,
//! the right to acknowledge it.

use crate::batch::{Batch, Unreadable};
use crate::batch_spans::BatchSpans;
use crate::consume::{StageState, StageStatus};
use crate::explain::explain;
use crate::handler::{Handler, Item, Performed, Unavailable};
use crate::port::{Destination, Headers, Outgoing, Publish, ReplyTo, Tag};
use crate::settle::{Outcome, Settlement, settle};
use crate::topology;
use eventflow_metrics::QueueMetrics;
use eventflow_protocol::frame::{Envelope, Frame};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// First pause when a dependency is down; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause: how much later than the dependency a stage may come back.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The system is stopping and a dependency is down: what was not done returns to the queue.
pub(crate) struct Stopping;

/// What the steps of one queue share.
pub(crate) struct Stage<H> {
    pub(crate) queue: String,
    pub(crate) handler: Arc<H>,
    /// For retries and dead letters.
    pub(crate) publisher: Mutex<Box<dyn Publish>>,
    pub(crate) handler_timeout: Duration,
    pub(crate) metrics: QueueMetrics,
    pub(crate) status: StageStatus,
    pub(crate) tracker: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

/// A batch whose effects are durable and that still has to be announced.
pub(crate) struct ToAnnounce<E> {
    effects: Vec<E>,
    settled: Vec<(Envelope, Option<Arc<str>>, Outcome)>,
    unreadable: Vec<Unreadable>,
    tags: Vec<Tag>,
    spans: BatchSpans,
}

/// A batch that the next stage knows of.
pub(crate) struct Announced<E> {
    effects: Vec<Arc<E>>,
    tags: Vec<Tag>,
}

impl<E> Announced<E> {
    /// How many broker messages wait for it.
    pub(crate) fn messages(&self) -> usize {
        self.tags.len()
    }
}

/// Why a guarded step has no result.
enum Broken {
    Unavailable(Unavailable),
    Crashed(String),
}

impl<H: Handler> Stage<H> {
    /// The first step, repeated while something it needs is down.
    pub(crate) async fn perform(
        &self,
        batch: Batch<H::Value>,
        spans: BatchSpans,
    ) -> Result<ToAnnounce<H::Effect>, Stopping> {
        let Batch { items, envelopes, unreadable, tags } = batch;
        let timer = self.metrics.perform_seconds.start_timer();
        let items = Arc::new(items);
        let performed = match self.attempt(&items).await? {
            Ok(performed) => vec![performed],
            Err(reason) => self.one_by_one(&items, reason).await?,
        };
        timer.observe_duration();
        let (mut effects, mut outcomes) = (Vec::new(), Vec::new());
        for part in performed {
            effects.extend(part.effect);
            outcomes.extend(part.outcomes);
        }
        let replies = items.iter().map(|item| item.reply_to.clone());
        let settled = envelopes
            .into_iter()
            .zip(replies)
            .zip(outcomes)
            .map(|((envelope, to), outcome)| (envelope, to, outcome));
        Ok(ToAnnounce { effects, settled: settled.collect(), unreadable, tags, spans })
    }

    /// Performs `items` together; `Err(reason)` if that panics or hangs.
    async fn attempt(
        &self,
        items: &Arc<Vec<Item<H::Value>>>,
    ) -> Result<Result<Performed<Option<H::Effect>>, String>, Stopping> {
        if items.is_empty() {
            return Ok(Ok(Performed { outcomes: Vec::new(), effect: None }));
        }
        let mut tries = 0..;
        let performed = self.patiently(|| {
            let handler = Arc::clone(&self.handler);
            let batch = if tries.next() == Some(0) { Arc::clone(items) } else { perhaps_done(items) };
            async move { handler.perform(&batch).await }
        });
        Ok(performed.await?.map(|performed| self.checked(performed, items.len())))
    }

    /// A handler that answers for fewer items than it got has a fault; the rest counts as crashed rather than
    /// as done.
    fn checked(&self, performed: Performed<H::Effect>, expected: usize) -> Performed<Option<H::Effect>> {
        let Performed { mut outcomes, effect } = performed;
        if outcomes.len() != expected {
            tracing::error!(
                queue = self.queue,
                expected,
                got = outcomes.len(),
                "a handler did not answer for every envelope"
            );
            outcomes.resize(expected, Outcome::Crashed { reason: "the handler gave no outcome".into() });
        }
        Performed { outcomes, effect: Some(effect) }
    }

    /// Finds who is to blame: each envelope alone; the ones that fail alone have crashed, their neighbours
    /// are done.
    async fn one_by_one(
        &self,
        items: &Arc<Vec<Item<H::Value>>>,
        reason: String,
    ) -> Result<Vec<Performed<Option<H::Effect>>>, Stopping> {
        self.metrics.crashes.inc();
        tracing::error!(queue = self.queue, envelopes = items.len(), reason, "a handler crashed");
        if items.len() == 1 {
            return Ok(vec![crashed(reason)]);
        }
        let mut parts = Vec::with_capacity(items.len());
        for item in items.iter() {
            let alone = perhaps_done(std::slice::from_ref(item));
            parts.push(match self.attempt(&alone).await? {
                Ok(performed) => performed,
                Err(reason) => {
                    self.metrics.crashes.inc();
                    tracing::error!(queue = self.queue, envelope = %item.id, reason, "an envelope crashes its handler");
                    crashed(reason)
                }
            });
        }
        Ok(parts)
    }

    /// Runs a step until what it needs is there; `Err(reason)` if it panics or hangs.
    async fn patiently<R, F>(&self, mut step: impl FnMut() -> F) -> Result<Result<R, String>, Stopping>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, Unavailable>> + Send + 'static,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.guard(step()).await {
                Ok(result) => {
                    self.resume();
                    return Ok(Ok(result));
                }
                Err(Broken::Crashed(reason)) => return Ok(Err(reason)),
                Err(Broken::Unavailable(cause)) => self.pause(&cause, &mut pause).await?,
            }
        }
    }

    /// Runs a step in a task of its own, so that a panic stays there and a hang can be ended.
    async fn guard<R: Send + 'static>(
        &self,
        step: impl Future<Output = Result<R, Unavailable>> + Send + 'static,
    ) -> Result<R, Broken> {
        let task = self.tracker.spawn(step.in_current_span());
        let abort = task.abort_handle();
        match timeout(self.handler_timeout, task).await {
            Ok(Ok(result)) => result.map_err(Broken::Unavailable),
            Ok(Err(_)) => Err(Broken::Crashed("the handler panicked".into())),
            Err(_) => {
                abort.abort();
                Err(Broken::Crashed(format!("the handler did not answer within {:?}", self.handler_timeout)))
            }
        }
    }

    async fn pause(&self, cause: &Unavailable, pause: &mut Duration) -> Result<(), Stopping> {
        if *pause == FIRST_PAUSE {
            tracing::warn!(queue = self.queue, error = cause as &dyn std::error::Error, "paused");
            self.metrics.paused.set(1);
            self.status.set(StageState::Paused(explain(cause)));
        }
        tokio::select! {
            () = sleep(*pause) => {}
            () = self.shutdown.cancelled() => return Err(Stopping),
        }
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }

    fn resume(&self) {
        if self.metrics.paused.get() != 0 {
            tracing::info!(queue = self.queue, "resumed");
            self.metrics.paused.set(0);
            self.status.set(StageState::Consuming);
        }
    }

    /// The second step, then retries and dead letters.
    pub(crate) async fn announce(
        &self,
        work: ToAnnounce<H::Effect>,
    ) -> Result<Announced<H::Effect>, Stopping> {
        let ToAnnounce { effects, mut settled, unreadable, tags, spans } = work;
        let timer = self.metrics.announce_seconds.start_timer();
        let effects: Vec<_> = effects.into_iter().map(Arc::new).collect();
        for effect in &effects {
            if let Err(reason) = self.announce_one(effect).await? {
                self.metrics.crashes.inc();
                tracing::error!(queue = self.queue, reason, "announcing crashed");
                let undone = settled.iter_mut().filter(|(_, _, outcome)| *outcome == Outcome::Done);
                undone.for_each(|(_, _, outcome)| *outcome = Outcome::Crashed { reason: reason.clone() });
            }
        }
        timer.observe_duration();
        let done = settled.iter().filter(|(_, _, outcome)| *outcome == Outcome::Done).count();
        self.metrics.done.inc_by(done as u64);
        let messages = self.leftovers(settled, unreadable);
        self.publish(messages).await?;
        // What is left of the batch waits for others; its envelopes are on their way.
        drop(spans);
        Ok(Announced { effects, tags })
    }

    /// The last step, for all that has been announced; the tags may be acknowledged after it.
    pub(crate) async fn conclude(&self, announced: Vec<Announced<H::Effect>>) -> Result<Vec<Tag>, Stopping> {
        let effects = announced.iter().flat_map(|batch| batch.effects.iter().cloned()).collect();
        if let Err(reason) = self.conclude_all(Arc::new(effects)).await? {
            // What matters is durable and announced; repeating all of it would not help what crashes here.
            self.metrics.crashes.inc();
            tracing::error!(queue = self.queue, reason, "concluding crashed");
        }
        Ok(announced.into_iter().flat_map(|batch| batch.tags).collect())
    }

    async fn conclude_all(&self, effects: Arc<Vec<Arc<H::Effect>>>) -> Result<Result<(), String>, Stopping> {
        self.patiently(|| {
            let (handler, effects) = (Arc::clone(&self.handler), Arc::clone(&effects));
            async move { handler.conclude(&effects).await }
        })
        .await
    }

    async fn announce_one(&self, effect: &Arc<H::Effect>) -> Result<Result<(), String>, Stopping> {
        self.patiently(|| {
            let (handler, effect) = (Arc::clone(&self.handler), Arc::clone(effect));
            async move { handler.announce(&effect).await }
        })
        .await
    }

    /// What has to be published before the batch may be acknowledged: envelopes to retry or to park.
    fn leftovers(
        &self,
        settled: Vec<(Envelope, Option<Arc<str>>, Outcome)>,
        unreadable: Vec<Unreadable>,
    ) -> Vec<Outgoing> {
        let mut messages: Vec<Outgoing> = settled
            .into_iter()
            .filter(|(_, _, outcome)| *outcome != Outcome::Done)
            .filter_map(|(envelope, reply_to, outcome)| self.leftover(envelope, reply_to, outcome))
            .collect();
        messages
            .extend(unreadable.into_iter().map(|what| self.parked(what.payload, what.attempt, what.reason)));
        messages
    }

    fn leftover(
        &self,
        mut envelope: Envelope,
        reply_to: Option<Arc<str>>,
        outcome: Outcome,
    ) -> Option<Outgoing> {
        let (id, failed_before) = (envelope.id, envelope.attempt);
        envelope.attempt += 1;
        let (attempt, trace) = (envelope.attempt, envelope.trace);
        let payload = Frame::of(envelope).encode().unwrap_or_default();
        match settle(outcome, failed_before) {
            Settlement::Ack => None,
            Settlement::Park { reason } => {
                tracing::error!(queue = self.queue, envelope = %id, attempt, reason, "parked");
                Some(Outgoing { trace, ..self.parked(payload, attempt, reason) })
            }
            Settlement::Retry { delay, reason } => {
                tracing::warn!(queue = self.queue, envelope = %id, attempt, reason, delay = ?delay, "to be retried");
                self.metrics.retried.inc();
                let to = Destination::Retry { delay, queue: self.queue.clone() };
                let headers = Headers { attempt, reason: Some(reason), origin: Some(self.queue.clone()) };
                let reply_to = reply_to.map(|address| ReplyTo::Address(address.as_ref().to_owned()));
                Some(Outgoing { to, payload, headers, reply_to, trace })
            }
        }
    }

    fn parked(&self, payload: bytes::Bytes, attempt: u32, reason: String) -> Outgoing {
        self.metrics.parked.inc();
        let to = Destination::Queue(topology::dead(&self.queue));
        let headers = Headers { attempt, reason: Some(reason), origin: Some(self.queue.clone()) };
        Outgoing { to, payload, headers, reply_to: None, trace: None }
    }

    /// Splits a message that may be killing its worker into frames of one, at the end of the same queue.
    pub(crate) async fn split(&self, payload: &[u8], reply_to: Option<&str>) -> Result<bool, Stopping> {
        let Ok(frame) = Frame::decode(payload) else { return Ok(false) };
        if frame.items.len() < 2 {
            return Ok(false);
        }
        tracing::warn!(
            queue = self.queue,
            envelopes = frame.items.len(),
            "a frame that was never finished is split"
        );
        let alone = frame.items.into_iter().map(|envelope| {
            let trace = envelope.trace;
            let payload = Frame::of(envelope).encode().unwrap_or_default();
            let reply_to = reply_to.map(|address| ReplyTo::Address(address.to_owned()));
            Outgoing { reply_to, trace, ..Outgoing::to_queue(self.queue.clone(), payload) }
        });
        self.publish(alone.collect()).await?;
        Ok(true)
    }

    /// Publishes until every message is confirmed.
    async fn publish(&self, mut messages: Vec<Outgoing>) -> Result<(), Stopping> {
        let mut pause = FIRST_PAUSE;
        while !messages.is_empty() {
            let results = self.publisher.lock().await.publish(messages.clone()).await;
            let mut failed = results
                .into_iter()
                .zip(messages)
                .filter_map(|(result, message)| result.err().map(|error| (error, message)));
            let Some((error, first)) = failed.next() else { return Ok(()) };
            messages = std::iter::once(first).chain(failed.map(|(_, message)| message)).collect();
            self.pause(&Unavailable { what: "the broker", source: Box::new(error) }, &mut pause).await?;
        }
        self.resume();
        Ok(())
    }
}

/// The same items for another try: an answer that got lost does not say whether they were done.
fn perhaps_done<T: Clone>(items: &[Item<T>]) -> Arc<Vec<Item<T>>> {
    Arc::new(items.iter().map(|item| Item { redelivered: true, ..item.clone() }).collect())
}

fn crashed<E>(reason: String) -> Performed<Option<E>> {
    Performed { outcomes: vec![Outcome::Crashed { reason }], effect: None }
}
