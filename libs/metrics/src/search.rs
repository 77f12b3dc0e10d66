//! Search: how long searches take, and how far its blocks are behind the messages.

use crate::MetricsError;
use crate::series::{counter, fraction, gauge, latency};
use prometheus::{Gauge, Histogram, IntCounter, IntGauge, Registry};

/// Searches and the index.
#[derive(Clone)]
pub struct SearchMetrics {
    /// Duration of searches in the store.
    pub seconds: Histogram,
    /// Searches that could not look at every message.
    pub incomplete: IntCounter,
    /// Messages that were put into blocks.
    pub indexed: IntCounter,
    /// Steps of indexing that failed and are made again.
    pub failures: IntCounter,
    /// Threads of this process that wait for their blocks.
    pub waiting: IntGauge,
    /// How long the oldest of them has waited.
    pub lag_seconds: Gauge,
}

impl SearchMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            seconds: latency(registry, "eventflow_search_seconds", "Duration of searches in the store.")?,
            incomplete: counter(
                registry,
                "eventflow_search_incomplete_total",
                "Searches that could not look at every message, because too many wait for their block.",
            )?,
            indexed: counter(
                registry,
                "eventflow_search_indexed_messages_total",
                "Messages that were put into blocks of the search index.",
            )?,
            failures: counter(
                registry,
                "eventflow_search_index_failures_total",
                "Steps of indexing for search that failed and are made again.",
            )?,
            waiting: gauge(
                registry,
                "eventflow_search_waiting_threads",
                "Threads with messages of this process that wait for the search index.",
            )?,
            lag_seconds: fraction(
                registry,
                "eventflow_search_index_lag_seconds",
                "How long the oldest of these threads has waited.",
            )?,
        })
    }
}
