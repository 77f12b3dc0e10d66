//! A shard as one worker consumes it: its consumers, and whether they run.

use crate::consume::{Consumer, StageState, StageStatus};
use crate::handler::BatchHandler;
use crate::port::BrokerError;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A consumer of any handler.
#[async_trait]
pub(super) trait AnyConsumer: Send + Sync + 'static {
    async fn run(&self, stop: CancellationToken);
    fn status(&self) -> StageStatus;
    /// Messages that the consumer has received so far.
    fn received(&self) -> u64;
    /// The queue, and the envelopes that were carried out so far.
    fn done(&self) -> (String, u64);
    /// How long ago a gateway sent something that does not follow the number of shards.
    fn unnumbered_ago(&self) -> Option<Duration>;
}

#[async_trait]
impl<H: BatchHandler> AnyConsumer for Consumer<H> {
    async fn run(&self, stop: CancellationToken) {
        Consumer::run(self, stop).await;
    }

    fn status(&self) -> StageStatus {
        Consumer::status(self)
    }

    fn received(&self) -> u64 {
        Consumer::received(self)
    }

    fn done(&self) -> (String, u64) {
        (self.queue().to_owned(), Consumer::done(self))
    }

    fn unnumbered_ago(&self) -> Option<Duration> {
        Consumer::unnumbered_ago(self)
    }
}

/// One shard of a worker. All its queues are consumed together or not at all.
#[derive(Default)]
pub(super) struct ShardSeat {
    pub(super) consumers: Vec<Arc<dyn AnyConsumer>>,
    running: Vec<JoinHandle<()>>,
    stop: CancellationToken,
    /// Since when the broker may have made this worker the active one.
    in_front_since: Option<Instant>,
    received_before: u64,
    /// When this worker last stepped back.
    pub(super) stepped_back: Option<Instant>,
    /// Since when nobody was heard to consume the shard.
    pub(super) unheld_since: Option<Instant>,
}

impl ShardSeat {
    /// This worker cannot hear the others, and so takes nothing that it does not have. What it has goes on,
    /// and says by itself what becomes of it.
    pub(super) fn waits_for_hellos(&self, error: &BrokerError) {
        if self.is_subscribed() {
            return;
        }
        for consumer in &self.consumers {
            let status = consumer.status();
            if matches!(status.get(), StageState::Unsubscribed(_)) {
                status.set_unsubscribed(&consumer.done().0, error);
            }
        }
    }

    /// Whether the consumers run and are to go on.
    pub(super) fn is_subscribed(&self) -> bool {
        !self.running.is_empty() && !self.stop.is_cancelled()
    }

    /// Since when this worker may be the active consumer of one of the queues: it subscribed first, or it was
    /// found to have got messages.
    pub(super) fn in_front_since(&mut self, now: Instant) -> Option<Instant> {
        if self.received() > self.received_before {
            self.in_front_since.get_or_insert(now);
        }
        self.in_front_since
    }

    /// Whether the broker has every subscription.
    pub(super) fn holds(&self) -> bool {
        let subscribed =
            |consumer: &Arc<dyn AnyConsumer>| !matches!(consumer.status().get(), StageState::Unsubscribed(_));
        self.is_subscribed() && self.consumers.iter().all(subscribed)
    }

    /// Whether a consumer ended that was not told to.
    pub(super) fn has_failed(&self) -> bool {
        self.is_subscribed() && self.running.iter().any(JoinHandle::is_finished)
    }

    /// Starts the consumers, unless those of the time before still finish their work. `in_front_since` is now
    /// if nobody else consumes the shard.
    pub(super) fn start(&mut self, tracker: &TaskTracker, in_front_since: Option<Instant>) {
        self.running.retain(|task| !task.is_finished());
        if !self.running.is_empty() {
            return;
        }
        self.stop = CancellationToken::new();
        (self.in_front_since, self.received_before) = (in_front_since, self.received());
        for consumer in &self.consumers {
            consumer.status().set(StageState::Unsubscribed("subscribing".into()));
            let (consumer, stop) = (Arc::clone(consumer), self.stop.clone());
            self.running.push(tracker.spawn(async move {
                consumer.run(stop.clone()).await;
                if stop.is_cancelled() {
                    consumer.status().set(StageState::Elsewhere);
                }
            }));
        }
    }

    /// Tells the consumers to finish what they have in hand and to close their channels. Does not wait for
    /// it.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// The consumers do nothing, and that is as it should be.
    pub(super) fn leave_to_others(&self) {
        if self.running.is_empty() {
            for consumer in &self.consumers {
                consumer.status().set(StageState::Elsewhere);
            }
        }
    }

    fn received(&self) -> u64 {
        self.consumers.iter().map(|consumer| consumer.received()).sum()
    }
}
