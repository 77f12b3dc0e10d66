//! Messages in hand: taken from the broker and not yet acknowledged.

use eventflow_metrics::QueueMetrics;
use eventflow_protocol::Timestamp;
use std::collections::VecDeque;

/// Counts the messages in hand of one subscription, in the gauges of its queue too, and knows the oldest
/// envelope in them. When the subscription's life ends, whatever was not acknowledged is the broker's again,
/// and the gauges forget it.
pub(super) struct InHand {
    /// In the order in which they were taken, which is the order in which they are acknowledged.
    batches: VecDeque<Taken>,
    /// What this subscription adds to the gauge, which queues may share.
    width: u16,
    metrics: QueueMetrics,
}

/// The messages of one batch.
struct Taken {
    messages: usize,
    /// When the oldest envelope in them was accepted.
    accepted_at: Option<Timestamp>,
}

impl InHand {
    /// Nothing was taken yet.
    pub(super) fn of(metrics: &QueueMetrics) -> Self {
        Self { batches: VecDeque::new(), width: 0, metrics: metrics.clone() }
    }

    /// A subscription began that may take so many messages ahead.
    pub(super) fn subscribed(&mut self, width: u16) {
        self.metrics.prefetch.add(i64::from(width) - i64::from(self.width));
        self.width = width;
    }

    /// So many messages were taken, whose oldest envelope was accepted then.
    pub(super) fn add(&mut self, messages: usize, accepted_at: Option<Timestamp>) {
        self.batches.push_back(Taken { messages, accepted_at });
        self.metrics.inflight.add(gauge(messages));
        self.show_oldest();
    }

    /// So many messages were acknowledged.
    pub(super) fn remove(&mut self, messages: usize) {
        let mut left = messages;
        while left > 0
            && let Some(first) = self.batches.front_mut()
        {
            let settled = first.messages.min(left);
            first.messages -= settled;
            left -= settled;
            self.metrics.inflight.sub(gauge(settled));
            if first.messages == 0 {
                self.batches.pop_front();
            }
        }
        self.show_oldest();
    }

    /// The subscription is gone.
    pub(super) fn clear(&mut self) {
        let left: usize = self.batches.iter().map(|batch| batch.messages).sum();
        self.batches.clear();
        self.metrics.inflight.sub(gauge(left));
        self.subscribed(0);
        self.show_oldest();
    }

    /// What came back to the queue is older than what is behind it, so it is not always the first one.
    fn show_oldest(&self) {
        let oldest = self.batches.iter().filter_map(|batch| batch.accepted_at).min();
        self.metrics.oldest_seconds.set(oldest.map_or(0.0, seconds));
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Seconds since 1970, with a fraction.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of today are far below 2^53")]
fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1_000.0
}

fn gauge(messages: usize) -> i64 {
    i64::try_from(messages).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_metrics::Metrics;

    /// Counts in hand and what may be taken ahead, and the oldest in milliseconds.
    fn shown(metrics: &QueueMetrics) -> (u64, i64, i64) {
        let text = metrics.oldest_seconds.get().to_string();
        let (seconds, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let oldest = format!("{seconds}{fraction:0<3}").parse().unwrap();
        (oldest, metrics.inflight.get(), metrics.prefetch.get())
    }

    #[test]
    fn the_oldest_envelope_in_hand_shows_until_its_message_is_acknowledged() {
        let metrics = Metrics::default().bus.queue("persist.0");
        let mut in_hand = InHand::of(&metrics);
        in_hand.subscribed(64);
        in_hand.add(2, Some(Timestamp(1_800_000_007_000)));
        in_hand.add(1, Some(Timestamp(1_800_000_005_678)));
        in_hand.add(1, None);
        assert_eq!(shown(&metrics), (1_800_000_005_678, 4, 64), "to the millisecond");
        in_hand.remove(3);
        assert_eq!(shown(&metrics), (0, 1, 64));
        in_hand.add(3, Some(Timestamp(9_000)));
        let mut of_same_name = InHand::of(&metrics);
        of_same_name.subscribed(1);
        in_hand.subscribed(32);
        assert_eq!(metrics.prefetch.get(), 33, "what both may take");
        drop(of_same_name);
        assert_eq!(metrics.prefetch.get(), 32);
        drop(in_hand);
        assert_eq!(shown(&metrics), (0, 0, 0));
    }
}
