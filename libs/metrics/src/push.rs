//! The push worker: what became of pushes.

use crate::MetricsError;
use crate::label::{Counters, Label};
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
                "Windows of pushes, by outcome: sent, suppressed (there was nothing to tell any more), postponed (quiet hours), no_device, failed, retried, repeated (it was sent before).",
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

/// `outcome` of a push to one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// The service took it.
    Sent,
    /// The service took a push that takes away what the device shows.
    Cleared,
    /// The device does not exist any more, and is deleted.
    Gone,
    /// The service will never take it.
    Refused,
    /// The service takes no more for now.
    Limited,
    /// The service could not be reached, failed, or was not understood.
    Failed,
    /// There are no credentials for this kind of device.
    NoProvider,
}

/// `outcome` of a window of pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushWindowOutcome {
    /// At least one device was pushed to.
    Sent,
    /// There was nothing to tell any more.
    Suppressed,
    /// It waits for the end of its person's quiet hours.
    Postponed,
    /// The person has no device.
    NoDevice,
    /// No service will ever take it.
    Failed,
    /// A service will be asked again.
    Retried,
    /// It had been sent before.
    Repeated,
}

/// `reason` why something was not pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressedPush {
    /// It was read meanwhile.
    Read,
    /// Its sender has taken it back.
    TakenBack,
    /// The person has muted the thread.
    Muted,
    /// The person has archived the thread.
    Archived,
    /// The person has left the thread.
    Left,
    /// The person does not want it.
    Preference,
    /// The person's credentials are revoked.
    Revoked,
    /// The person has no device.
    NoDevice,
    /// The person is looking.
    Online,
    /// It does not exist any more.
    Gone,
    /// Anything else.
    Other,
}

impl Label for PushOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Cleared => "cleared",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Failed => "failed",
            Self::NoProvider => "no_provider",
        }
    }
}

impl Label for PushWindowOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Suppressed => "suppressed",
            Self::Postponed => "postponed",
            Self::NoDevice => "no_device",
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::Repeated => "repeated",
        }
    }
}

impl Label for SuppressedPush {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::TakenBack => "taken_back",
            Self::Muted => "muted",
            Self::Archived => "archived",
            Self::Left => "left",
            Self::Preference => "preference",
            Self::Revoked => "revoked",
            Self::NoDevice => "no_device",
            Self::Online => "online",
            Self::Gone => "gone",
            Self::Other => "other",
        }
    }
}
