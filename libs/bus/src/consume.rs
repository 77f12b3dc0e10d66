//! The one consume loop: subscribe, take what is there as a batch, perform it, announce it while the next is
//! performed, conclude what has been announced, acknowledge.
//!
//! In come broker messages of one queue, in order; out come acknowledgements, after everything a message
//! asked for is durable and announced. Whatever ends in between (process, connection, broker) repeats the
//! batch, and handlers are safe to repeat. The loop ends only by shutdown; a lost subscription is made anew.

use crate::batch::Batch;
use crate::batch_spans::BatchSpans;
use crate::explain::explain;
use crate::handler::Handler;
use crate::port::{Broker, BrokerError, Incoming, Subscription, Tag};
use crate::stage::{Announced, Stage, Stopping};
use crate::topology::{SUSPECT_DELIVERIES, Topology};
use eventflow_metrics::QueueMetrics;
use eventflow_protocol::GatewayId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info_span};

/// Messages (frames) taken ahead: up to 16,384 envelopes, which keeps the next batch ready without hoarding.
pub const PREFETCH: u16 = 64;
/// A handler that takes longer on one batch hangs. The slowest honest batch waits for a store's own 10 s
/// timeout, twice.
pub const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);
/// How often announced batches are concluded and acknowledged. At light load this is what lets several share
/// one write to the store and one acknowledgement; nobody waits for either.
const CONCLUDE_EVERY: Duration = Duration::from_millis(20);
/// Pause between two tries to subscribe; the adapter's own reconnecting backs off by itself.
const SUBSCRIBE_PAUSE: Duration = Duration::from_millis(250);

/// What a stage is doing, for readiness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageState {
    /// Not subscribed yet, or not any more, with the reason.
    Unsubscribed(String),
    /// Subscribed (on a single-active queue perhaps as the one that waits).
    Consuming,
    /// Subscribed, and waiting for something it needs, with the reason.
    Paused(String),
}

/// The changing state of a stage.
#[derive(Clone, Debug)]
pub struct StageStatus(Arc<watch::Sender<StageState>>);

impl StageStatus {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(StageState::Unsubscribed("starting".into()))))
    }

    pub(crate) fn set(&self, state: StageState) {
        self.0.send_replace(state);
    }

    /// The state now.
    pub fn get(&self) -> StageState {
        self.0.borrow().clone()
    }

    /// The state as it changes.
    pub fn watch(&self) -> watch::Receiver<StageState> {
        self.0.subscribe()
    }
}

/// What must exist before subscribing; declared anew each time, since a queue can be deleted or expire.
#[derive(Clone)]
pub enum Declares {
    /// The whole map.
    Topology(Topology),
    /// The queue of one gateway.
    Gateway {
        /// Whose.
        id: GatewayId,
        /// Called when the queue had to be made: whatever was sent to an earlier one is lost.
        on_made: Arc<dyn Fn() + Send + Sync>,
    },
}

/// One queue, one handler, one loop.
pub struct Consumer<H> {
    broker: Arc<dyn Broker>,
    queue: String,
    declares: Declares,
    handler: Arc<H>,
    metrics: QueueMetrics,
    handler_timeout: Duration,
    status: StageStatus,
}

impl<H: Handler> Consumer<H> {
    /// A loop over `queue`, not running yet.
    pub fn new(
        broker: Arc<dyn Broker>,
        queue: &str,
        declares: Declares,
        handler: Arc<H>,
        metrics: QueueMetrics,
    ) -> Self {
        let status = StageStatus::new();
        Self {
            broker,
            queue: queue.to_owned(),
            declares,
            handler,
            metrics,
            handler_timeout: HANDLER_TIMEOUT,
            status,
        }
    }

    /// Another bound for one batch.
    #[must_use]
    pub fn with_handler_timeout(mut self, timeout: Duration) -> Self {
        self.handler_timeout = timeout;
        self
    }

    /// The state of the stage, to watch while it runs.
    pub fn status(&self) -> StageStatus {
        self.status.clone()
    }

    /// Runs until `shutdown`: then finishes the batch in hand, acknowledges it, and returns what it did not
    /// start to the queue.
    pub async fn run(self, shutdown: CancellationToken) {
        let span = info_span!("consumer", queue = self.queue);
        self.run_until(shutdown).instrument(span).await;
    }

    async fn run_until(self, shutdown: CancellationToken) {
        let tracker = TaskTracker::new();
        while !shutdown.is_cancelled() {
            match self.prepare(&tracker, &shutdown).await {
                Ok(stage) => Loop::new(stage, &self).run().await,
                Err(error) => self.unsubscribed(&error),
            }
            tokio::select! {
                () = sleep(SUBSCRIBE_PAUSE) => {}
                () = shutdown.cancelled() => {}
            }
        }
        tracker.close();
        tracker.wait().await;
    }

    async fn prepare(
        &self,
        tracker: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Result<Stage<H>, BrokerError> {
        match &self.declares {
            Declares::Topology(topology) => self.broker.declare(topology).await?,
            Declares::Gateway { id, on_made } => {
                if !self.broker.declare_gateway(id).await? {
                    on_made();
                }
            }
        }
        Ok(Stage {
            queue: self.queue.clone(),
            handler: Arc::clone(&self.handler),
            publisher: Mutex::new(self.broker.publisher(None).await?),
            handler_timeout: self.handler_timeout,
            metrics: self.metrics.clone(),
            status: self.status.clone(),
            tracker: tracker.clone(),
            shutdown: shutdown.clone(),
        })
    }

    fn unsubscribed(&self, error: &BrokerError) {
        let reason = explain(error);
        if self.status.get() != StageState::Unsubscribed(reason.clone()) {
            tracing::warn!(queue = self.queue, error = error as &dyn std::error::Error, "not subscribed");
        }
        self.status.set(StageState::Unsubscribed(reason));
    }
}

type Announcing<E> = JoinHandle<Result<Announced<E>, Stopping>>;
type Concluding = JoinHandle<Result<Vec<Tag>, Stopping>>;

/// One life of a subscription.
struct Loop<'a, H: Handler> {
    stage: Arc<Stage<H>>,
    consumer: &'a Consumer<H>,
    /// The batch whose second step runs.
    announcing: Option<Announcing<H::Effect>>,
    /// Batches that wait for their last step.
    announced: Vec<Announced<H::Effect>>,
    /// The last step of some batches, running.
    concluding: Option<Concluding>,
    /// When the next last step may start.
    conclude_at: Instant,
    /// Messages that may be taken ahead.
    width: u16,
}

/// Why a subscription's life ends, other than by an error.
enum End {
    Shutdown,
    /// Subscribe again with another width.
    Widen,
}

/// What a loop wakes up for.
enum Wake<E> {
    Shutdown,
    Announced(Result<Announced<E>, Stopping>),
    ConclusionDue,
    Concluded(Result<Vec<Tag>, Stopping>),
    Incoming(Result<Incoming, BrokerError>),
}

impl<'a, H: Handler> Loop<'a, H> {
    fn new(stage: Stage<H>, consumer: &'a Consumer<H>) -> Self {
        Self {
            stage: Arc::new(stage),
            consumer,
            announcing: None,
            announced: Vec::new(),
            concluding: None,
            conclude_at: Instant::now(),
            width: 1,
        }
    }

    /// Subscribes one message wide first: after a crash the first message may be the one that kills its
    /// worker, and what it takes down with it must not count as failed deliveries of its neighbours. The
    /// first harmless one opens the full width.
    async fn run(mut self) {
        loop {
            let mut subscription =
                match self.consumer.broker.subscribe(&self.consumer.queue, self.width).await {
                    Ok(subscription) => subscription,
                    Err(error) => return self.consumer.unsubscribed(&error),
                };
            self.consumer.status.set(StageState::Consuming);
            let end = self.consume(subscription.as_mut()).await;
            // A failed acknowledgement means a lost subscription; its messages come again.
            let _ = self.finish(subscription.as_mut()).await;
            match end {
                Ok(End::Widen) => self.width = PREFETCH,
                Ok(End::Shutdown) => {
                    let _ = subscription.cancel().await;
                    return;
                }
                Err(error) => {
                    self.consumer.metrics.lost_subscriptions.inc();
                    return self.consumer.unsubscribed(&error);
                }
            }
            let _ = subscription.cancel().await;
        }
    }

    async fn consume(&mut self, subscription: &mut dyn Subscription) -> Result<End, BrokerError> {
        loop {
            let conclusion_waits = self.concluding.is_none() && !self.announced.is_empty();
            let wake = tokio::select! {
                biased;
                () = self.stage.shutdown.cancelled() => Wake::Shutdown,
                concluded = finished(&mut self.concluding) => Wake::Concluded(concluded),
                announced = finished(&mut self.announcing) => Wake::Announced(announced),
                () = sleep_until(self.conclude_at), if conclusion_waits => Wake::ConclusionDue,
                incoming = subscription.next() => Wake::Incoming(incoming),
            };
            match wake {
                Wake::Shutdown => return Ok(End::Shutdown),
                Wake::Announced(announced) => self.conclude(announced)?,
                Wake::ConclusionDue => self.start_concluding(),
                Wake::Concluded(concluded) => self.acknowledge(concluded, subscription).await?,
                Wake::Incoming(incoming) => {
                    let incoming = incoming?;
                    let suspect = incoming.delivery_count >= SUSPECT_DELIVERIES - 1;
                    if self.batch(incoming, subscription).await.is_err() {
                        return Ok(End::Shutdown);
                    }
                    if self.width == 1 && !suspect {
                        return Ok(End::Widen);
                    }
                }
            }
        }
    }

    /// One batch through its first step, and into its second.
    async fn batch(&mut self, first: Incoming, subscription: &mut dyn Subscription) -> Result<(), Stopping> {
        if first.delivery_count >= SUSPECT_DELIVERIES
            && self.stage.split(&first.payload, first.reply_to.as_deref()).await?
        {
            // Acknowledging can only fail with the subscription, which the next read reports.
            let _ = subscription.ack(&[first.tag]).await;
            return Ok(());
        }
        let mut batch = Batch::gather(first, subscription);
        let spans = BatchSpans::open(&self.consumer.queue, batch.tags.len(), &mut batch.items);
        let span = spans.batch();
        let metrics = &self.consumer.metrics;
        metrics.frames.inc_by(batch.tags.len() as u64);
        metrics.redelivered.inc_by(u64::from(batch.items.iter().any(|item| item.redelivered)));
        metrics.consume_batch.observe(batch.items.len() as f64);
        let count = i64::try_from(batch.tags.len()).unwrap_or(i64::MAX);
        metrics.inflight.add(count);
        let performed = self
            .stage
            .perform(batch, spans)
            .instrument(span.clone())
            .await
            .inspect_err(|_| metrics.inflight.sub(count))?;
        if let Some(previous) = self.announcing.take() {
            let announced = previous.await.unwrap_or(Err(Stopping))?;
            self.announced.push(announced);
            self.conclude_in_time();
        }
        let stage = Arc::clone(&self.stage);
        let announcing = async move { stage.announce(performed).await }.instrument(span);
        self.announcing = Some(self.stage.tracker.spawn(announcing));
        Ok(())
    }

    /// A batch is announced: it waits for its last step.
    fn conclude(&mut self, announced: Result<Announced<H::Effect>, Stopping>) -> Result<(), BrokerError> {
        self.announcing = None;
        self.announced.push(announced.map_err(|Stopping| self.unsettled())?);
        self.conclude_in_time();
        Ok(())
    }

    /// Starts the last step if it is time for it, or if half of what may be taken ahead waits for it.
    fn conclude_in_time(&mut self) {
        let waiting: usize = self.announced.iter().map(Announced::messages).sum();
        if 2 * waiting >= usize::from(self.width) || Instant::now() >= self.conclude_at {
            self.start_concluding();
        }
    }

    /// All that waits goes through the last step together: the longer one takes, the more the next one saves.
    fn start_concluding(&mut self) {
        if self.concluding.is_none() && !self.announced.is_empty() {
            self.conclude_at = Instant::now() + CONCLUDE_EVERY;
            let (stage, announced) = (Arc::clone(&self.stage), std::mem::take(&mut self.announced));
            let concluding = async move { stage.conclude(announced).await }.in_current_span();
            self.concluding = Some(self.stage.tracker.spawn(concluding));
        }
    }

    /// Brings every batch in hand to its end.
    async fn finish(&mut self, subscription: &mut dyn Subscription) -> Result<(), BrokerError> {
        if let Some(announcing) = self.announcing.take() {
            let announced = announcing.await.unwrap_or(Err(Stopping));
            self.announced.extend(announced.ok());
        }
        while self.concluding.is_some() || !self.announced.is_empty() {
            self.start_concluding();
            let concluded = finished(&mut self.concluding).await;
            self.acknowledge(concluded, subscription).await?;
        }
        Ok(())
    }

    async fn acknowledge(
        &mut self,
        concluded: Result<Vec<Tag>, Stopping>,
        subscription: &mut dyn Subscription,
    ) -> Result<(), BrokerError> {
        self.concluding = None;
        let tags = concluded.map_err(|Stopping| self.unsettled())?;
        self.conclude_in_time();
        self.consumer.metrics.inflight.sub(i64::try_from(tags.len()).unwrap_or(i64::MAX));
        subscription.ack(&tags).await
    }

    /// A batch that was not settled can only be had again with a new subscription.
    fn unsettled(&self) -> BrokerError {
        BrokerError::Lost { queue: self.consumer.queue.clone(), source: None }
    }
}

/// Resolves when a step that runs is done; never, while there is none.
async fn finished<R>(step: &mut Option<JoinHandle<Result<R, Stopping>>>) -> Result<R, Stopping> {
    match step {
        Some(task) => task.await.unwrap_or(Err(Stopping)),
        None => std::future::pending().await,
    }
}
