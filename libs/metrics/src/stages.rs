//! The fan-out stage, and the servers a process depends on.

use crate::MetricsError;
use crate::bus::gauge;
use crate::edge::plain_counter;
use prometheus::{IntCounter, IntGaugeVec, Registry};

/// Fan-out.
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
            broadcasts: plain_counter(
                registry,
                "eventflow_fanout_broadcasts_total",
                "Batches sent to every gateway because the registry could not say who is where.",
            )?,
            routed: plain_counter(
                registry,
                "eventflow_fanout_routed_total",
                "Event and gateway pairs sent.",
            )?,
            gone: plain_counter(
                registry,
                "eventflow_fanout_gone_total",
                "Event and gateway pairs whose gateway was gone.",
            )?,
            refused: plain_counter(
                registry,
                "eventflow_fanout_refused_total",
                "Times the queue of a gateway was full.",
            )?,
        })
    }
}

/// What this process depends on.
#[derive(Clone)]
pub struct SystemMetrics {
    /// 1 while usable, by `part`: `broker`, `store`, `registry`.
    pub up: IntGaugeVec,
}

impl SystemMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            up: gauge(
                registry,
                "eventflow_dependency_up",
                "1 while a server this process depends on is usable, by part (broker, store, registry).",
                &["part"],
            )?,
        })
    }
}
