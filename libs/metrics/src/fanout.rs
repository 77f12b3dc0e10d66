//! The fan-out stage.

use crate::MetricsError;
use crate::series::counter;
use prometheus::{IntCounter, Registry};

/// Which gateways the events of a batch went to.
#[derive(Clone)]
pub struct FanoutMetrics {
    /// Batches sent to every gateway because the registry could not say who is where.
    pub broadcasts: IntCounter,
    /// Event and gateway pairs sent.
    pub routed: IntCounter,
    /// Event and gateway pairs whose gateway was gone.
    pub gone: IntCounter,
    /// Times a gateway's queue was full.
    pub refused: IntCounter,
}

impl FanoutMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            broadcasts: counter(
                registry,
                "eventflow_fanout_broadcasts_total",
                "Batches sent to every gateway because the registry could not say who is where.",
            )?,
            routed: counter(registry, "eventflow_fanout_routed_total", "Event and gateway pairs sent.")?,
            gone: counter(
                registry,
                "eventflow_fanout_gone_total",
                "Event and gateway pairs whose gateway was gone.",
            )?,
            refused: counter(
                registry,
                "eventflow_fanout_refused_total",
                "Times the queue of a gateway was full.",
            )?,
        })
    }
}
