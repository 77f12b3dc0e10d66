//! The presence sweeper.

use crate::MetricsError;
use crate::bus::counter;
use crate::edge::{plain_counter, plain_gauge};
use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

/// The presence sweeper.
#[derive(Clone)]
pub struct PresenceMetrics {
    /// Signals taken in.
    pub recorded: IntCounter,
    /// Signals passed over because the lease they would renew is over.
    pub stale: IntCounter,
    /// Changes of people announced, by `status` (online, away, offline).
    pub changes: IntCounterVec,
    /// Frames of changes not taken because a gateway's queue was full.
    pub refused: IntCounter,
    /// When the last sweep ended, in seconds since 1970; 0 where none has.
    pub last_sweep_seconds: IntGauge,
}

impl PresenceMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let signals = counter(
            registry,
            "eventflow_presence_signals_total",
            "Signals of devices, by outcome: recorded, or stale (the lease they would renew is over).",
            &["outcome"],
        )?;
        Ok(Self {
            recorded: signals.with_label_values(&["recorded"]),
            stale: signals.with_label_values(&["stale"]),
            changes: counter(
                registry,
                "eventflow_presence_changes_total",
                "Changes of people announced, by status.",
                &["status"],
            )?,
            refused: plain_counter(
                registry,
                "eventflow_presence_refused_total",
                "Frames of presence changes not taken because the queue of a gateway was full.",
            )?,
            last_sweep_seconds: plain_gauge(
                registry,
                "eventflow_presence_last_sweep_timestamp_seconds",
                "When the last sweep ended, in seconds since 1970; 0 in a process that runs no sweeper.",
            )?,
        })
    }
}
