//! The consume loop: subscribe to a queue, take what is there as a batch, and bring each batch through
//! perform, announce and finalize.
//!
//! In come broker messages of one queue, in order; out come acknowledgements, after everything a message
//! asked for is durable and announced. Whatever ends in between (process, connection, broker) repeats the
//! batch, and handlers are safe to repeat. Only shutdown ends the loop; it makes a lost subscription anew.
//!
//! [`batch`] decodes messages, [`pipeline`] moves batches through the steps of [`stage`], [`guard`] runs a
//! step, and [`leftovers`] publishes what is to be tried again or parked.

mod batch;
mod batch_spans;
mod guard;
mod in_hand;
mod leftovers;
mod pipeline;
mod stage;
mod status;
mod unnumbered;

use self::guard::Guard;
use self::leftovers::Leftovers;
use self::pipeline::Pipeline;
use self::stage::Stage;
pub use self::status::{StageState, StageStatus};
use self::unnumbered::Unnumbered;
use crate::handler::BatchHandler;
use crate::port::{Broker, BrokerError};
use crate::topology::Topology;
use eventflow_metrics::QueueMetrics;
use eventflow_protocol::GatewayId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info_span};

/// A handler that takes longer on one batch hangs. The slowest honest batch waits for a store's own 10 s
/// timeout, twice.
pub const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between two tries to subscribe; the adapter's own reconnecting backs off by itself.
const SUBSCRIBE_PAUSE: Duration = Duration::from_millis(250);

/// What must exist before subscribing. It is declared anew each time, since a queue can be deleted or expire.
#[derive(Clone)]
pub enum Declares {
    /// Every queue of the topology.
    Topology(Topology),
    /// The queue of one gateway.
    Gateway {
        /// The gateway.
        id: GatewayId,
        /// Called when the queue had to be made: whatever was sent to an earlier queue of this gateway is
        /// lost.
        on_made: Arc<dyn Fn() + Send + Sync>,
    },
}

/// Consumes one queue with one handler.
pub struct Consumer<H> {
    broker: Arc<dyn Broker>,
    queue: String,
    declares: Declares,
    handler: Arc<H>,
    metrics: QueueMetrics,
    handler_timeout: Duration,
    status: StageStatus,
    unnumbered: Unnumbered,
}

impl<H: BatchHandler> Consumer<H> {
    /// A consumer of `queue`, not running yet.
    pub fn new(
        broker: Arc<dyn Broker>,
        queue: &str,
        declares: Declares,
        handler: Arc<H>,
        metrics: QueueMetrics,
    ) -> Self {
        Self {
            broker,
            queue: queue.to_owned(),
            declares,
            handler,
            status: StageStatus::starting(metrics.paused.clone()),
            metrics,
            handler_timeout: HANDLER_TIMEOUT,
            unnumbered: Unnumbered::default(),
        }
    }

    /// Replaces [`HANDLER_TIMEOUT`] as the bound for one batch.
    #[must_use]
    pub fn with_handler_timeout(mut self, timeout: Duration) -> Self {
        self.handler_timeout = timeout;
        self
    }

    /// The state of the stage, to watch while it runs.
    pub fn status(&self) -> StageStatus {
        self.status.clone()
    }

    /// Messages received so far, by this and any earlier consumer of the queue in this process.
    pub(crate) fn received(&self) -> u64 {
        self.metrics.frames.get()
    }

    /// The queue that is consumed.
    pub(crate) fn queue(&self) -> &str {
        &self.queue
    }

    /// Envelopes carried out so far, by this and any earlier consumer of the queue in this process.
    pub(crate) fn done(&self) -> u64 {
        self.metrics.done.get()
    }

    /// How long ago the newest frame came from a gateway that does not follow the number of shards.
    pub(crate) fn unnumbered_ago(&self) -> Option<Duration> {
        self.unnumbered.ago()
    }

    /// Runs until `shutdown`; may run again after that. Then it finishes the batch in hand, acknowledges it,
    /// and returns what it did not start to the queue.
    pub async fn run(&self, shutdown: CancellationToken) {
        let span = info_span!("consumer", queue = self.queue);
        self.run_until(shutdown).instrument(span).await;
    }

    async fn run_until(&self, shutdown: CancellationToken) {
        let tracker = TaskTracker::new();
        while !shutdown.is_cancelled() {
            if let Err(error) = self.run_once(&tracker, &shutdown).await {
                self.status.set_unsubscribed(&self.queue, &error);
            }
            tokio::select! {
                () = sleep(SUBSCRIBE_PAUSE) => {}
                () = shutdown.cancelled() => {}
            }
        }
        tracker.close();
        tracker.wait().await;
    }

    /// One life of a subscription, from declaring its queue to losing it.
    async fn run_once(&self, tracker: &TaskTracker, shutdown: &CancellationToken) -> Result<(), BrokerError> {
        self.declare().await?;
        let guard = Arc::new(Guard {
            queue: self.queue.clone(),
            handler_timeout: self.handler_timeout,
            metrics: self.metrics.clone(),
            status: self.status.clone(),
            tracker: tracker.clone(),
            shutdown: shutdown.clone(),
        });
        let publisher = Mutex::new(self.broker.publisher(None).await?);
        let leftovers = Leftovers { guard: Arc::clone(&guard), broker: Arc::clone(&self.broker), publisher };
        let stage = Stage { handler: Arc::clone(&self.handler), guard, leftovers };
        Pipeline::new(stage, Arc::clone(&self.broker), self.unnumbered.clone()).run().await
    }

    async fn declare(&self) -> Result<(), BrokerError> {
        match &self.declares {
            Declares::Topology(topology) => self.broker.declare(topology).await,
            Declares::Gateway { id, on_made } => {
                let existed = self.broker.declare_gateway(id).await?;
                if !existed {
                    on_made();
                }
                Ok(())
            }
        }
    }
}
