//! The push worker: what became of pushes.

use crate::MetricsError;
use crate::label::Counters;
use crate::outbound_values::{PushOutcome, PushWindowOutcome, SuppressedPush};
use crate::series::{gauge, latency};
use prometheus::{Histogram, IntGauge, Registry};

/// What the push worker sends, and what services answer.
#[derive(Clone)]
pub struct PushMetrics {
    /// Pushes to single devices, by `outcome`.
    pub pushes: Counters<PushOutcome>,
    /// Windows, by `outcome`.
    pub windows: Counters<PushWindowOutcome>,
    /// Messages and notifications that were not pushed in the end, by `reason`.
    pub suppressed: Counters<SuppressedPush>,
    /// From the start of a push to the answer of its service.
    pub answer_seconds: Histogram,
    /// 1 while nothing is sent because FCM fails again and again, else 0.
    pub breaker_open: IntGauge,
}

impl PushMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            pushes: Counters::register(
                registry,
                "eventflow_push_pushes_total",
                "Pushes to devices, by outcome: sent, cleared, gone (the device is deleted), refused, limited, failed, no_provider.",
                "outcome",
            )?,
            windows: Counters::register(
                registry,
                "eventflow_push_windows_total",
                "Windows of pushes, by outcome: sent, suppressed (there was nothing to tell any more), postponed (quiet hours, or its push service was not asked yet), no_device, failed, retried, repeated (it was sent before).",
                "outcome",
            )?,
            suppressed: Counters::register(
                registry,
                "eventflow_push_suppressed_total",
                "Messages and notifications that were not pushed in the end, by reason: read, taken_back, muted, archived, left, preference, revoked, no_device, online, gone, other.",
                "reason",
            )?,
            answer_seconds: latency(
                registry,
                "eventflow_push_answer_seconds",
                "From the start of a push to the answer of its service.",
            )?,
            breaker_open: gauge(
                registry,
                "eventflow_push_breaker_open",
                "1 while nothing is sent because FCM fails again and again, else 0.",
            )?,
        })
    }
}
