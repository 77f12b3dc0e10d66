//! Messages that are sent later.

use crate::MetricsError;
use crate::label::{Counters, Label};
use crate::series::{fraction, gauge};
use prometheus::{Gauge, IntGauge, Registry};

/// What scheduled messages have come to, and what waits.
#[derive(Clone)]
pub struct ScheduledMetrics {
    /// Messages whose time had come, by `outcome`.
    pub ended: Counters<ScheduledOutcome>,
    /// Messages that have not ended.
    pub waiting: IntGauge,
    /// How long the first of them has waited beyond its time, in seconds.
    pub late: Gauge,
}

impl ScheduledMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            ended: Counters::register(
                registry,
                "eventflow_scheduled_ended_total",
                "Scheduled messages whose time had come, by outcome: sent, failed (their sender was not in the \
                 thread any more, the thread was gone, or the key had another message).",
                "outcome",
            )?,
            waiting: gauge(
                registry,
                "eventflow_scheduled_waiting",
                "Scheduled messages that have not ended; 100,000 also stands for more. Every persistence worker \
                 says the same of all of them.",
            )?,
            late: fraction(
                registry,
                "eventflow_scheduled_late_seconds",
                "How long the first scheduled message has waited beyond its time; 0 if none is due.",
            )?,
        })
    }
}

/// `outcome` of a scheduled message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduledOutcome {
    /// The message is stored.
    Sent,
    /// The message could not be sent.
    Failed,
}

impl Label for ScheduledOutcome {
    const ALL: &'static [Self] = &[Self::Sent, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}
