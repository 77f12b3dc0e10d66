//! One life of a subscription: batches pass through their three steps, and each step works on another batch
//! at the same time.
//!
//! A batch is performed in this task while the one before it is announced and those before that are
//! finalized, each in a task of its own. Acknowledging is the end of a batch; whatever ends the subscription
//! before that returns its messages to the queue.

use super::batch::Batch;
use super::batch_spans::BatchSpans;
use super::guard::Stopping;
use super::in_hand::InHand;
use super::stage::{Announced, Stage, ToAnnounce};
use super::status::StageState;
use super::unnumbered::Unnumbered;
use crate::handler::BatchHandler;
use crate::port::{Broker, BrokerError, DeliveryTag, Incoming, Subscription};
use crate::topology::{DELIVERY_LIMIT, SUSPECT_DELIVERIES};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument, Span};

/// Messages (frames) taken ahead: up to 16,384 envelopes, which keeps the next batch ready without hoarding.
pub(super) const PREFETCH: u16 = 64;
/// How often announced batches are finalized and acknowledged. At light load this lets several batches share
/// one write to the store and one acknowledgement; no client waits for either.
const FINALIZE_EVERY: Duration = Duration::from_millis(20);

/// Unfinished deliveries up to which a message that is done may be left for one more, so that it stays far
/// from the limit at which the broker parks it.
const LEAVE_DELIVERIES: u32 = DELIVERY_LIMIT / 2;

/// A step of a batch that runs in a task of its own.
type Running<R> = JoinHandle<Result<R, Stopping>>;

/// One life of a subscription.
pub(super) struct Pipeline<H: BatchHandler> {
    stage: Arc<Stage<H>>,
    broker: Arc<dyn Broker>,
    /// The batch whose second step runs.
    announcing: Option<Running<Announced<H::Outbox>>>,
    /// Batches that wait for their last step.
    announced: Vec<Announced<H::Outbox>>,
    /// The last step of some batches, running.
    finalizing: Option<Running<Vec<DeliveryTag>>>,
    /// When the next last step may start.
    finalize_at: Instant,
    /// Messages that may be taken ahead.
    width: u16,
    /// Messages in hand: taken and not yet acknowledged.
    in_hand: InHand,
    /// The last message had been delivered before and came back to its queue, so others may have too.
    came_back: bool,
    unnumbered: Unnumbered,
}

/// Why a subscription's life ends, other than by an error.
enum End {
    Shutdown,
    /// Subscribe again with another width.
    Widen,
}

/// Whether a batch is done once it is announced: nothing of it is tried again or parked.
struct Finished(bool);

/// What the pipeline wakes up for.
enum Wake<O> {
    Shutdown,
    Announced(Result<Announced<O>, Stopping>),
    FinalizationDue,
    Finalized(Result<Vec<DeliveryTag>, Stopping>),
    Incoming(Result<Incoming, BrokerError>),
}

impl<H: BatchHandler> Pipeline<H> {
    pub(super) fn new(stage: Stage<H>, broker: Arc<dyn Broker>, unnumbered: Unnumbered) -> Self {
        let in_hand = InHand::of(&stage.guard.metrics);
        Self {
            stage: Arc::new(stage),
            broker,
            in_hand,
            announcing: None,
            announced: Vec::new(),
            finalizing: None,
            finalize_at: Instant::now(),
            width: 1,
            came_back: false,
            unnumbered,
        }
    }

    /// Runs until the subscription is lost (the error) or the process shuts down.
    ///
    /// Subscribes one message wide first: after a crash the first message may be the one that kills its
    /// worker, and what it takes down with it must not count as failed deliveries of its neighbours. The
    /// first harmless message opens the full width.
    ///
    /// A message that came back is not acknowledged before such a narrow subscription ends, although it is
    /// done. The acknowledgement would bring in the next message, and the end of the subscription would send
    /// that one behind everything else that came back: RabbitMQ appends what it takes back (tried on 3.10).
    /// Left as it is, only what is done comes again out of order.
    pub(super) async fn run(mut self) -> Result<(), BrokerError> {
        loop {
            let mut subscription = self.broker.subscribe(&self.stage.guard.queue, self.width).await?;
            self.stage.handler.forget();
            self.stage.guard.status.set(StageState::Consuming);
            self.in_hand.subscribed(self.width);
            let end = self.consume(subscription.as_mut()).await;
            if let Ok(End::Shutdown) = end {
                self.take_what_arrived(subscription.as_mut()).await;
            }
            // A failed acknowledgement means a lost subscription; its messages come again.
            let _ = self.finish(subscription.as_mut()).await;
            self.in_hand.clear();
            match end {
                Ok(End::Widen) => {
                    self.width = PREFETCH;
                    let _ = subscription.cancel().await;
                }
                Ok(End::Shutdown) => {
                    let _ = subscription.cancel().await;
                    return Ok(());
                }
                Err(error) => {
                    self.stage.guard.metrics.lost_subscriptions.inc();
                    return Err(error);
                }
            }
        }
    }

    async fn consume(&mut self, subscription: &mut dyn Subscription) -> Result<End, BrokerError> {
        loop {
            // Finalizing runs once at a time; what is announced meanwhile waits and goes together.
            let finalization_waits = self.finalizing.is_none() && !self.announced.is_empty();
            // In this order: shutdown before work, and finished steps before new messages, so that what is in
            // hand gets acknowledged.
            let wake = tokio::select! {
                biased;
                () = self.stage.guard.shutdown.cancelled() => Wake::Shutdown,
                finalized = finished(&mut self.finalizing) => Wake::Finalized(finalized),
                announced = finished(&mut self.announcing) => Wake::Announced(announced),
                () = sleep_until(self.finalize_at), if finalization_waits => Wake::FinalizationDue,
                incoming = subscription.next() => Wake::Incoming(incoming),
            };
            let end = match wake {
                Wake::Shutdown => Some(End::Shutdown),
                Wake::Announced(announced) => {
                    self.queue_for_finalizing(announced)?;
                    None
                }
                Wake::FinalizationDue => {
                    self.start_finalizing();
                    None
                }
                Wake::Finalized(finalized) => {
                    self.acknowledge(finalized, subscription).await?;
                    None
                }
                Wake::Incoming(incoming) => self.take_in(incoming?, subscription).await,
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// Takes a batch in, beginning with `incoming`. Gives the reason if the subscription ends with it.
    async fn take_in(&mut self, incoming: Incoming, subscription: &mut dyn Subscription) -> Option<End> {
        // If this message kills its worker once more it is a suspect and gets split: until it is finished the
        // width stays one.
        let is_nearly_suspect = incoming.delivery_count >= SUSPECT_DELIVERIES - 1;
        self.came_back = (1..LEAVE_DELIVERIES).contains(&incoming.delivery_count);
        let Ok(Finished(is_finished)) = self.batch(incoming, subscription).await else {
            return Some(End::Shutdown);
        };
        // What is tried again or parked would be so twice, if its message came again.
        let may_end = is_finished || !self.came_back;
        (self.width == 1 && !is_nearly_suspect && may_end).then_some(End::Widen)
    }

    /// A narrow subscription that ends performs the message that is here already: if that one went back
    /// undone, those behind it would overtake it.
    async fn take_what_arrived(&mut self, subscription: &mut dyn Subscription) {
        let is_idle = self.announcing.is_none() && self.announced.is_empty() && self.finalizing.is_none();
        if self.width == 1
            && is_idle
            && let Some(incoming) = subscription.try_next()
        {
            self.take_in(incoming, subscription).await;
        }
    }

    /// Performs one batch, then starts to announce it.
    async fn batch(
        &mut self,
        first: Incoming,
        subscription: &mut dyn Subscription,
    ) -> Result<Finished, Stopping> {
        if first.delivery_count >= SUSPECT_DELIVERIES
            && H::whole(&first).is_none()
            && self.stage.leftovers.split(&first.payload, first.reply_to.as_deref()).await?
        {
            // Acknowledging can only fail with the subscription, which the next read reports.
            let _ = subscription.ack(&[first.tag]).await;
            return Ok(Finished(true));
        }
        let mut batch = Batch::gather(first, subscription, H::whole);
        let spans = BatchSpans::open(&self.stage.guard.queue, batch.tags.len(), &mut batch.items);
        let span = spans.batch();
        let metrics = &self.stage.guard.metrics;
        metrics.frames.inc_by(batch.tags.len() as u64);
        metrics.redelivered.inc_by(u64::from(batch.items.iter().any(|item| item.redelivered)));
        metrics.consume_batch.observe(batch.items.len() as f64);
        if batch.is_unnumbered {
            self.unnumbered.came();
        }
        let accepted_at = batch.items.iter().filter_map(|item| H::accepted_at(&item.value)).min();
        self.in_hand.add(batch.tags.len(), accepted_at);
        let performed = self.stage.perform(batch, spans).instrument(span.clone()).await?;
        let is_finished = performed.leaves_nothing();
        self.start_announcing(performed, span).await?;
        Ok(Finished(is_finished))
    }

    /// Batches are announced one after the other, in queue order.
    async fn start_announcing(
        &mut self,
        performed: ToAnnounce<H::Outbox>,
        span: Span,
    ) -> Result<(), Stopping> {
        if let Some(previous) = self.announcing.take() {
            let announced = previous.await.unwrap_or(Err(Stopping))?;
            self.announced.push(announced);
            self.finalize_in_time();
        }
        let stage = Arc::clone(&self.stage);
        let announce = async move { stage.announce(performed).await }.instrument(span);
        self.announcing = Some(self.stage.guard.tracker.spawn(announce));
        Ok(())
    }

    /// A batch is announced: it waits for its last step.
    fn queue_for_finalizing(
        &mut self,
        announced: Result<Announced<H::Outbox>, Stopping>,
    ) -> Result<(), BrokerError> {
        self.announcing = None;
        self.announced.push(announced.map_err(|Stopping| self.unsettled())?);
        self.finalize_in_time();
        Ok(())
    }

    /// Starts the last step if it is time for it, or if half of what may be taken ahead waits for it.
    fn finalize_in_time(&mut self) {
        let waiting: usize = self.announced.iter().map(Announced::messages).sum();
        if 2 * waiting >= usize::from(self.width) || Instant::now() >= self.finalize_at {
            self.start_finalizing();
        }
    }

    /// All batches that wait go through the last step together: the longer one takes, the more the next one
    /// saves.
    fn start_finalizing(&mut self) {
        if self.finalizing.is_some() || self.announced.is_empty() {
            return;
        }
        self.finalize_at = Instant::now() + FINALIZE_EVERY;
        let stage = Arc::clone(&self.stage);
        let announced = std::mem::take(&mut self.announced);
        let finalize = async move { stage.finalize(announced).await }.in_current_span();
        self.finalizing = Some(self.stage.guard.tracker.spawn(finalize));
    }

    /// Brings every batch in hand to its end, and acknowledges it unless [`Self::run`] says otherwise.
    async fn finish(&mut self, subscription: &mut dyn Subscription) -> Result<(), BrokerError> {
        if let Some(announcing) = self.announcing.take() {
            let announced = announcing.await.unwrap_or(Err(Stopping));
            self.announced.extend(announced.ok());
        }
        while self.finalizing.is_some() || !self.announced.is_empty() {
            self.start_finalizing();
            let finalized = finished(&mut self.finalizing).await;
            if self.width == 1 && self.came_back {
                self.finalizing = None;
            } else {
                self.acknowledge(finalized, subscription).await?;
            }
        }
        Ok(())
    }

    async fn acknowledge(
        &mut self,
        finalized: Result<Vec<DeliveryTag>, Stopping>,
        subscription: &mut dyn Subscription,
    ) -> Result<(), BrokerError> {
        self.finalizing = None;
        let tags = finalized.map_err(|Stopping| self.unsettled())?;
        self.finalize_in_time();
        self.in_hand.remove(tags.len());
        subscription.ack(&tags).await
    }

    /// A batch that was not settled comes again only with a new subscription.
    fn unsettled(&self) -> BrokerError {
        BrokerError::Lost { queue: self.stage.guard.queue.clone(), source: None }
    }
}

/// Resolves when a step that runs is done; never, while there is none.
async fn finished<R>(step: &mut Option<Running<R>>) -> Result<R, Stopping> {
    match step {
        Some(task) => task.await.unwrap_or(Err(Stopping)),
        None => std::future::pending().await,
    }
}
