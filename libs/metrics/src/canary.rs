//! The canary: messages that are sent through the front door, as a user sends them, to measure them.

use crate::MetricsError;
use crate::label::{Counters, Label};
use crate::series::{gauge, latency};
use prometheus::{Histogram, IntGauge, Registry};

/// `outcome` of one message of the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanaryOutcome {
    /// It was stored and delivered.
    Delivered,
    /// The sockets could not be opened: the front door, a token, or the gateway.
    NotConnected,
    /// It was refused, or only queued.
    NotStored,
    /// It was stored and did not reach the other person's socket in time.
    NotDelivered,
}

/// What the canary has found. All stay at zero in processes that are no canary.
#[derive(Clone)]
pub struct CanaryMetrics {
    /// Messages, by `outcome`.
    pub messages: Counters<CanaryOutcome>,
    /// From sending a message to its arrival at the other person's socket.
    pub delivery_seconds: Histogram,
    /// From sending a message to the answer that it is stored.
    pub answer_seconds: Histogram,
    /// When the last message was delivered, in seconds since 1970; 0 before the first.
    pub last_success_seconds: IntGauge,
}

impl CanaryMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            messages: Counters::register(
                registry,
                "eventflow_canary_messages_total",
                "Messages of the canary, by outcome: delivered, not_connected, not_stored, not_delivered.",
                "outcome",
            )?,
            delivery_seconds: latency(
                registry,
                "eventflow_canary_delivery_seconds",
                "From sending a message of the canary to its arrival at the other person's socket.",
            )?,
            answer_seconds: latency(
                registry,
                "eventflow_canary_answer_seconds",
                "From sending a message of the canary to the answer that it is stored.",
            )?,
            last_success_seconds: gauge(
                registry,
                "eventflow_canary_last_success_timestamp_seconds",
                "When the canary's last message was delivered, in seconds since 1970; 0 before the first.",
            )?,
        })
    }
}

impl Label for CanaryOutcome {
    const ALL: &'static [Self] = &[Self::Delivered, Self::NotConnected, Self::NotStored, Self::NotDelivered];

    fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::NotConnected => "not_connected",
            Self::NotStored => "not_stored",
            Self::NotDelivered => "not_delivered",
        }
    }
}
