//! Sends to many people.

use crate::MetricsError;
use crate::label::Counters;
use crate::series::counter;
use crate::values::SentOutcome;
use prometheus::{IntCounter, Registry};

/// What sends have come to.
#[derive(Clone)]
pub struct SendMetrics {
    /// People of sends, by `outcome`.
    pub people: Counters<SentOutcome>,
    /// Steps that failed and are made again.
    pub failures: IntCounter,
}

impl SendMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            people: Counters::register(
                registry,
                "eventflow_sends_people_total",
                "People of sends, by outcome: sent, suppressed (they do not want it), failed (the store refused it).",
                "outcome",
            )?,
            failures: counter(
                registry,
                "eventflow_sends_step_failures_total",
                "Steps of sends that failed and are made again.",
            )?,
        })
    }
}
