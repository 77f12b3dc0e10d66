//! Messages in hand: taken from the broker and not yet acknowledged.

use eventflow_metrics::QueueMetrics;

/// Counts the messages in hand of one subscription, in the gauge of its queue too. When the subscription's
/// life ends, whatever was not acknowledged is the broker's again, and the gauge forgets it.
pub(super) struct InHand {
    messages: i64,
    metrics: QueueMetrics,
}

impl InHand {
    /// Nothing was taken yet.
    pub(super) fn of(metrics: &QueueMetrics) -> Self {
        Self { messages: 0, metrics: metrics.clone() }
    }

    /// So many messages were taken.
    pub(super) fn add(&mut self, messages: usize) {
        let messages = i64::try_from(messages).unwrap_or(i64::MAX);
        self.messages += messages;
        self.metrics.inflight.add(messages);
    }

    /// So many messages were acknowledged.
    pub(super) fn remove(&mut self, messages: usize) {
        let messages = i64::try_from(messages).unwrap_or(i64::MAX);
        self.messages -= messages;
        self.metrics.inflight.sub(messages);
    }

    /// The subscription is gone.
    pub(super) fn clear(&mut self) {
        self.metrics.inflight.sub(self.messages);
        self.messages = 0;
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.clear();
    }
}
