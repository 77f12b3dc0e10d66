//! The steps of a batch: perform it, announce it with its retries and dead letters confirmed, finalize it.
//!
//! In comes a batch; out comes, after all three steps, the right to acknowledge its messages. A panic or a
//! hang is pinned on the envelope that causes it, so that its neighbours are not held up.

use super::batch::{Batch, Passing, Unreadable};
use super::batch_spans::BatchSpans;
use super::guard::{Guard, Stopping};
use super::leftovers::{Leftovers, Settled};
use crate::handler::{BatchHandler, Item, Performed};
use crate::port::DeliveryTag;
use crate::settle::{NO_OUTCOME, Outcome};
use eventflow_metrics::QueueMetrics;
use std::sync::Arc;

/// The steps of one queue.
pub(super) struct Stage<H> {
    pub(super) handler: Arc<H>,
    pub(super) guard: Arc<Guard>,
    pub(super) leftovers: Leftovers,
}

/// A batch whose effects are durable and that still has to be announced.
pub(super) struct ToAnnounce<O> {
    outboxes: Vec<O>,
    settled: Vec<Settled>,
    unreadable: Vec<Unreadable>,
    barriers: Vec<Passing>,
    tags: Vec<DeliveryTag>,
    spans: BatchSpans,
}

/// A batch that the next stage knows of.
pub(super) struct Announced<O> {
    outboxes: Vec<Arc<O>>,
    tags: Vec<DeliveryTag>,
}

/// One or more items performed together. There is no outbox if the handler had nothing to do, or crashed.
struct PerformedPart<O> {
    outcomes: Vec<Outcome>,
    outbox: Option<O>,
}

impl<O> ToAnnounce<O> {
    /// Whether nothing of the batch is to be tried again or parked.
    pub(super) fn leaves_nothing(&self) -> bool {
        self.unreadable.is_empty() && self.settled.iter().all(|settled| settled.outcome == Outcome::Done)
    }
}

impl<O> Announced<O> {
    /// How many broker messages wait for the batch's last step.
    pub(super) fn messages(&self) -> usize {
        self.tags.len()
    }
}

impl<H: BatchHandler> Stage<H> {
    fn queue(&self) -> &str {
        &self.guard.queue
    }

    fn metrics(&self) -> &QueueMetrics {
        &self.guard.metrics
    }

    /// The first step. It is repeated while something it needs is down.
    pub(super) async fn perform(
        &self,
        batch: Batch<H::Value>,
        spans: BatchSpans,
    ) -> Result<ToAnnounce<H::Outbox>, Stopping> {
        let Batch { items, sources, unreadable, barriers, tags, .. } = batch;
        let timer = self.metrics().perform_seconds.start_timer();
        let items = Arc::new(items);
        let parts = match self.attempt(&items).await? {
            Ok(performed) => vec![performed],
            Err(reason) => self.perform_one_by_one(&items, reason).await?,
        };
        timer.observe_duration();
        let mut outboxes = Vec::new();
        let mut outcomes = Vec::with_capacity(items.len());
        for part in parts {
            outboxes.extend(part.outbox);
            outcomes.extend(part.outcomes);
        }
        let mut settled = Vec::with_capacity(items.len());
        for ((source, item), outcome) in sources.into_iter().zip(items.iter()).zip(outcomes) {
            settled.push(Settled { source, reply_to: item.reply_to.clone(), outcome });
        }
        Ok(ToAnnounce { outboxes, settled, unreadable, barriers, tags, spans })
    }

    /// Performs `items` together; `Err(reason)` if that panics or hangs.
    async fn attempt(
        &self,
        items: &Arc<Vec<Item<H::Value>>>,
    ) -> Result<Result<PerformedPart<H::Outbox>, String>, Stopping> {
        if items.is_empty() {
            return Ok(Ok(PerformedPart { outcomes: Vec::new(), outbox: None }));
        }
        let mut is_first_try = true;
        let performed = self.guard.run(|| {
            let handler = Arc::clone(&self.handler);
            let batch = if is_first_try { Arc::clone(items) } else { perhaps_done(items) };
            is_first_try = false;
            async move { handler.perform(&batch).await }
        });
        Ok(performed.await?.map(|performed| self.with_every_outcome(performed, items.len())))
    }

    /// A handler that gives fewer outcomes than it got items has a fault; the other items count as crashed
    /// rather than as done.
    fn with_every_outcome(
        &self,
        performed: Performed<H::Outbox>,
        expected: usize,
    ) -> PerformedPart<H::Outbox> {
        let Performed { mut outcomes, outbox } = performed;
        if outcomes.len() != expected {
            tracing::error!(
                queue = self.queue(),
                expected,
                got = outcomes.len(),
                "a handler did not give an outcome for every envelope"
            );
            outcomes.resize(expected, Outcome::Crashed { reason: NO_OUTCOME.to_owned() });
        }
        PerformedPart { outcomes, outbox: Some(outbox) }
    }

    /// Finds the envelope that crashes the handler: each is performed alone. Those that crash alone have
    /// crashed; their neighbours are done.
    async fn perform_one_by_one(
        &self,
        items: &Arc<Vec<Item<H::Value>>>,
        reason: String,
    ) -> Result<Vec<PerformedPart<H::Outbox>>, Stopping> {
        self.metrics().crashes.inc();
        tracing::error!(queue = self.queue(), envelopes = items.len(), reason, "a handler crashed");
        if items.len() == 1 {
            return Ok(vec![PerformedPart::crashed(reason)]);
        }
        let mut parts = Vec::with_capacity(items.len());
        for item in items.iter() {
            let alone = perhaps_done(std::slice::from_ref(item));
            parts.push(match self.attempt(&alone).await? {
                Ok(performed) => performed,
                Err(reason) => {
                    self.metrics().crashes.inc();
                    tracing::error!(queue = self.queue(), envelope = %item.id, reason, "an envelope crashes its handler");
                    PerformedPart::crashed(reason)
                }
            });
        }
        Ok(parts)
    }

    /// The second step: tells the next stage, then publishes retries and dead letters.
    pub(super) async fn announce(
        &self,
        work: ToAnnounce<H::Outbox>,
    ) -> Result<Announced<H::Outbox>, Stopping> {
        let ToAnnounce { outboxes, mut settled, unreadable, barriers, tags, spans } = work;
        let timer = self.metrics().announce_seconds.start_timer();
        let outboxes: Vec<_> = outboxes.into_iter().map(Arc::new).collect();
        for outbox in &outboxes {
            if let Err(reason) = self.announce_outbox(outbox).await? {
                self.metrics().crashes.inc();
                tracing::error!(queue = self.queue(), reason, "a handler crashed while it announced a batch");
                count_as_crashed(&mut settled, &reason);
            }
        }
        timer.observe_duration();
        let done = settled.iter().filter(|settled| settled.outcome == Outcome::Done).count();
        self.metrics().done.inc_by(done as u64);
        self.leftovers.publish(settled, unreadable).await?;
        if !barriers.is_empty() {
            self.handler.forget();
            self.leftovers.pass_on(barriers).await;
        }
        // Spans end here: the envelopes are on their way, and what is left of the batch waits for other
        // batches.
        drop(spans);
        Ok(Announced { outboxes, tags })
    }

    async fn announce_outbox(&self, outbox: &Arc<H::Outbox>) -> Result<Result<(), String>, Stopping> {
        let step = || {
            let handler = Arc::clone(&self.handler);
            let outbox = Arc::clone(outbox);
            async move { handler.announce(&outbox).await }
        };
        self.guard.run(step).await
    }

    /// The last step, for all batches that have been announced. Their tags may be acknowledged after it.
    pub(super) async fn finalize(
        &self,
        announced: Vec<Announced<H::Outbox>>,
    ) -> Result<Vec<DeliveryTag>, Stopping> {
        let outboxes = announced.iter().flat_map(|batch| batch.outboxes.iter().cloned()).collect();
        if let Err(reason) = self.finalize_outboxes(Arc::new(outboxes)).await? {
            // What matters is durable and announced. Repeating all of it would not help what crashes here.
            self.metrics().crashes.inc();
            tracing::error!(queue = self.queue(), reason, "a handler crashed while it finalized batches");
        }
        Ok(announced.into_iter().flat_map(|batch| batch.tags).collect())
    }

    async fn finalize_outboxes(
        &self,
        outboxes: Arc<Vec<Arc<H::Outbox>>>,
    ) -> Result<Result<(), String>, Stopping> {
        let step = || {
            let handler = Arc::clone(&self.handler);
            let outboxes = Arc::clone(&outboxes);
            async move { handler.finalize(&outboxes).await }
        };
        self.guard.run(step).await
    }
}

impl<O> PerformedPart<O> {
    fn crashed(reason: String) -> Self {
        Self { outcomes: vec![Outcome::Crashed { reason }], outbox: None }
    }
}

/// What was done and could not be announced is done again.
fn count_as_crashed(settled: &mut [Settled], reason: &str) {
    for settled in settled.iter_mut().filter(|settled| settled.outcome == Outcome::Done) {
        settled.outcome = Outcome::Crashed { reason: reason.to_owned() };
    }
}

/// The same items for another try: an answer that got lost does not say whether they were done.
fn perhaps_done<T: Clone>(items: &[Item<T>]) -> Arc<Vec<Item<T>>> {
    Arc::new(items.iter().map(|item| Item { redelivered: true, ..item.clone() }).collect())
}
