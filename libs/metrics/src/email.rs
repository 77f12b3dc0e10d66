//! The e-mail worker: what became of mails, and whether the mail server can be used.

use crate::MetricsError;
use crate::label::Counters;
use crate::outbound_values::{MailOutcome, SuppressedMail};
use crate::series::{gauge, latency_opts};
use prometheus::{Histogram, IntGauge, Registry};

/// What the e-mail worker sends.
#[derive(Clone)]
pub struct EmailMetrics {
    /// Mails handed to the mail server, by `outcome`.
    pub mails: Counters<MailOutcome>,
    /// Mails that were not sent, by `reason`.
    pub suppressed: Counters<SuppressedMail>,
    /// Time that the mail server takes for a mail.
    pub send_seconds: Histogram,
    /// 1 while the worker waits for the mail server, else 0.
    pub breaker_open: IntGauge,
}

impl EmailMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let send_seconds = Histogram::with_opts(
            latency_opts("eventflow_email_send_seconds", "Time that the mail server takes for a mail.")
                .buckets(SEND_BUCKETS.to_vec()),
        )?;
        registry.register(Box::new(send_seconds.clone()))?;
        Ok(Self {
            mails: Counters::register(
                registry,
                "eventflow_email_mails_total",
                "Mails handed to the mail server, by outcome: accepted, later (its answer may change), unknown \
                 (it may have accepted the mail without an answer), address_refused, mail_refused, broken (it \
                 takes no mail from this system).",
                "outcome",
            )?,
            suppressed: Counters::register(
                registry,
                "eventflow_email_suppressed_total",
                "Mails that were not sent, by reason: nothing_left (read, muted or unwanted meanwhile), \
                 no_address, address_suppressed, switched_off.",
                "reason",
            )?,
            send_seconds,
            breaker_open: gauge(
                registry,
                "eventflow_email_breaker_open",
                "1 while the worker waits for the mail server, else 0.",
            )?,
        })
    }
}

/// Seconds of a mail server: filters and greylisting make a mail take longer than anything inside the system.
const SEND_BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 90.0];
