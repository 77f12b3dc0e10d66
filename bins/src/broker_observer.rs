//! What happens to the connections to RabbitMQ, as metrics.

use eventflow_amqp::{Observer, Side};
use eventflow_metrics::{BrokerMetrics, BrokerSide};
use std::time::Duration;

/// Counts what the adapter reports.
pub(crate) struct BrokerObserver(pub(crate) BrokerMetrics);

impl Observer for BrokerObserver {
    fn connected(&self, side: Side, _generation: u64) {
        self.0.connections.of(label(side)).inc();
    }

    fn blocked(&self, side: Side) {
        self.0.blocks.of(label(side)).inc();
        self.0.blocked.of(label(side)).set(1);
    }

    fn unblocked(&self, side: Side, _lasted: Duration) {
        self.0.blocked.of(label(side)).set(0);
    }

    fn returned(&self) {
        self.0.returned.inc();
    }

    fn reply_dropped(&self) {
        self.0.replies_dropped.inc();
    }
}

fn label(side: Side) -> BrokerSide {
    match side {
        Side::Publish => BrokerSide::Publish,
        Side::Consume => BrokerSide::Consume,
        Side::Reply => BrokerSide::Reply,
    }
}
