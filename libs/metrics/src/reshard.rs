//! The number of shards, as a gateway follows it.

use crate::MetricsError;
use crate::series::{counter, gauge, latency};
use prometheus::{Histogram, IntCounter, IntGauge, Registry};

/// What a gateway knows of the number of shards. All stay at zero in processes that are no gateway.
#[derive(Clone)]
pub struct ReshardMetrics {
    /// The number by which commands are sent now; 0 while none is known.
    pub shards: IntGauge,
    /// Counts the changes of the number since it was first put in force.
    pub generation: IntGauge,
    /// Attempts to change the number for which commands were held back.
    pub holds: IntCounter,
    /// How long commands were held back for one attempt.
    pub hold_seconds: Histogram,
}

impl ReshardMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            shards: gauge(
                registry,
                "eventflow_publishing_shards",
                "Number of shards by which this gateway sends commands; 0 while it knows none, and in other roles.",
            )?,
            generation: gauge(
                registry,
                "eventflow_shards_generation",
                "Counts the changes of the number of shards, as this gateway knows it.",
            )?,
            holds: counter(
                registry,
                "eventflow_reshard_holds_total",
                "Attempts to change the number of shards for which this gateway held commands back.",
            )?,
            hold_seconds: latency(
                registry,
                "eventflow_reshard_hold_seconds",
                "How long this gateway held commands back for one attempt to change the number of shards.",
            )?,
        })
    }
}
