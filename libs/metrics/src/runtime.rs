//! The runtime of the process: whether its tasks get their turn.

use crate::MetricsError;
use crate::series::{gauge, latency};
use prometheus::{Histogram, IntGauge, Registry};

/// How busy the runtime is.
#[derive(Clone)]
pub struct RuntimeMetrics {
    /// How much later than asked a task that slept got its turn.
    pub lag_seconds: Histogram,
    /// Tasks that have not ended.
    pub tasks: IntGauge,
    /// Tasks that are ready and wait for a thread.
    pub waiting: IntGauge,
}

impl RuntimeMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            lag_seconds: latency(
                registry,
                "eventflow_runtime_lag_seconds",
                "How much later than asked a task that slept got its turn.",
            )?,
            tasks: gauge(registry, "eventflow_runtime_tasks", "Tasks that have not ended.")?,
            waiting: gauge(
                registry,
                "eventflow_runtime_waiting_tasks",
                "Tasks that are ready and wait for a thread of the runtime.",
            )?,
        })
    }
}
