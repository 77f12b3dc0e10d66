//! The presence sweeper: the signals it records and the changes it announces.

use crate::MetricsError;
use crate::label::Counters;
use crate::series::{counter, gauge};
use crate::values::{PresenceStatus, SignalOutcome};
use prometheus::{IntCounter, IntGauge, Registry};

/// What the presence sweeper records and announces.
#[derive(Clone)]
pub struct PresenceMetrics {
    /// Signals that the sweeper recorded.
    pub recorded: IntCounter,
    /// Signals that the sweeper ignored because the lease they would renew is over.
    pub stale: IntCounter,
    /// Changes of people announced, by `status`.
    pub changes: Counters<PresenceStatus>,
    /// Frames of changes that a gateway's queue did not take because it was full.
    pub refused: IntCounter,
    /// 1 while presence is answered from memory because the shared presence store is away, else 0.
    pub in_memory: IntGauge,
    /// When the last sweep ended, in seconds since 1970; 0 before the first sweep.
    pub last_sweep_seconds: IntGauge,
}

impl PresenceMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let signals = Counters::register(
            registry,
            "eventflow_presence_signals_total",
            "Signals of devices, by outcome: recorded, or stale (the lease they would renew is over).",
            "outcome",
        )?;
        Ok(Self {
            recorded: signals.of(SignalOutcome::Recorded),
            stale: signals.of(SignalOutcome::Stale),
            changes: Counters::register(
                registry,
                "eventflow_presence_changes_total",
                "Changes of people announced, by status.",
                "status",
            )?,
            refused: counter(
                registry,
                "eventflow_presence_refused_total",
                "Frames of presence changes not taken because the queue of a gateway was full.",
            )?,
            in_memory: gauge(
                registry,
                "eventflow_presence_in_memory",
                "1 while presence is answered from memory because the shared presence store is away, else 0.",
            )?,
            last_sweep_seconds: gauge(
                registry,
                "eventflow_presence_last_sweep_timestamp_seconds",
                "When the last sweep ended, in seconds since 1970; 0 in a process that runs no sweeper.",
            )?,
        })
    }
}
