//! Publishing and consuming, by queue: each stage's rate, errors and duration, and how much it holds
//! unfinished.

use crate::MetricsError;
use crate::bus_values::{ParkReason, RetryDelay, SettleOutcome};
use crate::label::{Label, registered};
use crate::series::{latency_opts, size_opts};
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};
use std::time::Duration;

/// The label value of every gateway's own queue: gateway ids are not a closed set.
const ANY_GATEWAY: &str = "gateway";

/// The label value of every dead-letter queue: what is in them is counted by queue and cause in the store.
const ANY_DEAD: &str = "dead";

/// The series of all queues. Every gateway's own queue is labelled `gateway`, whatever its id, and every
/// dead-letter queue `dead`.
#[derive(Clone)]
pub struct BusMetrics {
    published: IntCounterVec,
    publish_failures: IntCounterVec,
    confirm_seconds: HistogramVec,
    publish_batch: HistogramVec,
    consumed: IntCounterVec,
    consumed_frames: IntCounterVec,
    redelivered: IntCounterVec,
    crashes: IntCounterVec,
    lost_subscriptions: IntCounterVec,
    perform_seconds: HistogramVec,
    announce_seconds: HistogramVec,
    consume_batch: HistogramVec,
    retries: IntCounterVec,
    parks: IntCounterVec,
    inflight: IntGaugeVec,
    prefetch: IntGaugeVec,
    oldest: GaugeVec,
    paused: IntGaugeVec,
    age_seconds: HistogramVec,
}

/// The series of one queue, looked up once.
#[derive(Clone)]
pub struct QueueMetrics {
    /// Envelopes confirmed by the broker.
    pub published: IntCounter,
    /// Publishes that failed.
    pub publish_failures: IntCounter,
    /// From sending a frame to its confirm.
    pub confirm_seconds: Histogram,
    /// Envelopes per published frame.
    pub publish_batch: Histogram,
    /// Envelopes whose effects are durable.
    pub done: IntCounter,
    retried: IntCounter,
    parked: IntCounter,
    retries: ByLabel,
    parks: ByLabel,
    /// Frames received.
    pub frames: IntCounter,
    /// Frames received that may have been delivered before.
    pub redelivered: IntCounter,
    /// Handler panics and hangs.
    pub crashes: IntCounter,
    /// Subscriptions that ended by themselves.
    pub lost_subscriptions: IntCounter,
    /// The durable effect of a batch.
    pub perform_seconds: Histogram,
    /// Telling the next stage.
    pub announce_seconds: Histogram,
    /// Envelopes per batch.
    pub consume_batch: Histogram,
    /// Frames taken and not yet acknowledged.
    pub inflight: IntGauge,
    /// Frames that may be taken ahead; 0 while the queue is not subscribed.
    pub prefetch: IntGauge,
    /// When the oldest envelope in hand was accepted by the system, in seconds since 1970, with a fraction:
    /// in whole seconds an envelope of some milliseconds would look up to a second old. 0 without one. It is
    /// a time and no age, so that it is right at each scrape, however long nothing moves.
    pub oldest_seconds: Gauge,
    /// 1 while the stage waits for something it needs.
    pub paused: IntGauge,
    /// From an envelope's acceptance by the system to a try of its batch at this stage.
    pub age_seconds: Histogram,
}

/// The counters of one queue, by one more label.
#[derive(Clone)]
struct ByLabel {
    queue: String,
    family: IntCounterVec,
}

impl ByLabel {
    /// The series of `queue` for every value.
    fn of<L: Label>(family: &IntCounterVec, queue: &str) -> Self {
        for value in L::ALL {
            family.with_label_values(&[queue, value.as_str()]);
        }
        Self { queue: queue.to_owned(), family: family.clone() }
    }

    fn count(&self, value: impl Label) {
        self.family.with_label_values(&[self.queue.as_str(), value.as_str()]).inc();
    }
}

impl QueueMetrics {
    /// An envelope was sent to the retry ladder.
    pub fn retried(&self, delay: RetryDelay) {
        self.retried.inc();
        self.retries.count(delay);
    }

    /// An envelope was sent to the dead-letter queue.
    pub fn parked(&self, reason: ParkReason) {
        self.parked.inc();
        self.parks.count(reason);
    }

    /// Envelopes sent to the dead-letter queue so far.
    pub fn parked_so_far(&self) -> u64 {
        self.parked.get()
    }

    /// Notes how old the envelopes of a batch are at a try: each of them, so that a quantile is one of
    /// messages. A batch that is tried again while something is away counts again, and is older by then.
    pub fn observe_ages(&self, ages: impl Iterator<Item = Duration>) {
        for age in ages {
            self.age_seconds.observe(age.as_secs_f64());
        }
    }
}

impl BusMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let count = |name, help| counter(registry, name, help, &["queue"]);
        Ok(Self {
            published: count("eventflow_publish_envelopes_total", "Envelopes the broker has confirmed.")?,
            publish_failures: count("eventflow_publish_failures_total", "Publishes that failed.")?,
            confirm_seconds: latency(
                registry,
                "eventflow_publish_confirm_seconds",
                "From sending a frame to its confirm.",
            )?,
            publish_batch: sizes(
                registry,
                "eventflow_publish_batch_envelopes",
                "Envelopes per published frame.",
            )?,
            consumed: counter(
                registry,
                "eventflow_consume_envelopes_total",
                "Envelopes settled, by outcome: done, retry (sent to the ladder) or parked (sent to the dead-letter queue).",
                &["queue", "outcome"],
            )?,
            consumed_frames: count("eventflow_consume_frames_total", "Frames received.")?,
            redelivered: count(
                "eventflow_consume_redelivered_total",
                "Frames received that may have been delivered before.",
            )?,
            crashes: count("eventflow_consume_crashes_total", "Handler panics and hangs.")?,
            lost_subscriptions: count(
                "eventflow_consume_lost_subscriptions_total",
                "Subscriptions that ended by themselves.",
            )?,
            perform_seconds: latency(
                registry,
                "eventflow_consume_perform_seconds",
                "The durable effect of a batch.",
            )?,
            announce_seconds: latency(
                registry,
                "eventflow_consume_announce_seconds",
                "Telling the next stage of a batch.",
            )?,
            consume_batch: sizes(registry, "eventflow_consume_batch_envelopes", "Envelopes per batch.")?,
            retries: counter(
                registry,
                "eventflow_consume_retries_total",
                "Envelopes sent to the retry ladder, by the delay of the rung.",
                &["queue", "delay"],
            )?,
            parks: counter(
                registry,
                "eventflow_consume_parked_total",
                "Envelopes sent to the dead-letter queue, by reason: unreadable, refused (for good), tries_used_up, crashed.",
                &["queue", "reason"],
            )?,
            inflight: gauge(
                registry,
                "eventflow_consume_inflight_frames",
                "Frames taken and not yet acknowledged.",
            )?,
            prefetch: gauge(
                registry,
                "eventflow_consume_prefetch_frames",
                "Frames that may be taken ahead; 0 while the queue is not subscribed.",
            )?,
            oldest: time(
                registry,
                "eventflow_consume_oldest_timestamp_seconds",
                "When the oldest envelope in hand was accepted by the system, in seconds since 1970; 0 without one.",
            )?,
            paused: gauge(
                registry,
                "eventflow_consume_paused",
                "1 while the stage waits for something it needs (store or broker down).",
            )?,
            age_seconds: latency(
                registry,
                "eventflow_consume_age_seconds",
                "Age of each envelope when its handling starts, from its acceptance by the system.",
            )?,
        })
    }

    /// The series of `queue`.
    pub fn queue(&self, queue: &str) -> QueueMetrics {
        let label = match queue.split_once('.') {
            Some((ANY_GATEWAY, _)) => ANY_GATEWAY,
            Some((ANY_DEAD, _)) => ANY_DEAD,
            _ => queue,
        };
        let settled = |outcome: SettleOutcome| self.consumed.with_label_values(&[label, outcome.as_str()]);
        QueueMetrics {
            published: self.published.with_label_values(&[label]),
            publish_failures: self.publish_failures.with_label_values(&[label]),
            confirm_seconds: self.confirm_seconds.with_label_values(&[label]),
            publish_batch: self.publish_batch.with_label_values(&[label]),
            done: settled(SettleOutcome::Done),
            retried: settled(SettleOutcome::Retry),
            parked: settled(SettleOutcome::Parked),
            frames: self.consumed_frames.with_label_values(&[label]),
            redelivered: self.redelivered.with_label_values(&[label]),
            crashes: self.crashes.with_label_values(&[label]),
            lost_subscriptions: self.lost_subscriptions.with_label_values(&[label]),
            perform_seconds: self.perform_seconds.with_label_values(&[label]),
            announce_seconds: self.announce_seconds.with_label_values(&[label]),
            consume_batch: self.consume_batch.with_label_values(&[label]),
            retries: ByLabel::of::<RetryDelay>(&self.retries, label),
            parks: ByLabel::of::<ParkReason>(&self.parks, label),
            inflight: self.inflight.with_label_values(&[label]),
            prefetch: self.prefetch.with_label_values(&[label]),
            oldest_seconds: self.oldest.with_label_values(&[label]),
            paused: self.paused.with_label_values(&[label]),
            age_seconds: self.age_seconds.with_label_values(&[label]),
        }
    }
}

fn counter(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, MetricsError> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGaugeVec, MetricsError> {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), &["queue"])?)
}

fn time(registry: &Registry, name: &str, help: &str) -> Result<GaugeVec, MetricsError> {
    registered(registry, GaugeVec::new(Opts::new(name, help), &["queue"])?)
}

fn latency(registry: &Registry, name: &str, help: &str) -> Result<HistogramVec, MetricsError> {
    registered(registry, HistogramVec::new(latency_opts(name, help), &["queue"])?)
}

fn sizes(registry: &Registry, name: &str, help: &str) -> Result<HistogramVec, MetricsError> {
    registered(registry, HistogramVec::new(size_opts(name, help), &["queue"])?)
}
