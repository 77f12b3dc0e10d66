//! The gateway: its sockets, their events, and what clients wait for.

use crate::MetricsError;
use crate::label::{Counters, Gauges, Histograms, Label, registered};
use crate::series::{counter, fraction, gauge, latency, latency_opts};
use crate::socket_values::SocketTransport;
use crate::values::{
    AnswerOutcome, EventOutcome, ForgottenReason, RecoveryOutcome, RefusalReason, ResumeOutcome, ShedKind,
};
use prometheus::{Gauge, Histogram, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// Sockets and what goes through them.
#[derive(Clone)]
pub struct EdgeMetrics {
    /// Open sockets by `transport`.
    pub sockets: Gauges<SocketTransport>,
    /// Users with at least one socket at this gateway.
    pub users: IntGauge,
    /// Sessions whose socket is gone and that may still come back.
    pub parked_sessions: IntGauge,
    /// Bytes that sessions keep for recoveries.
    pub recovery_bytes: IntGauge,
    /// Events forgotten before their time, by `reason`.
    pub recovery_forgotten: Counters<ForgottenReason>,
    /// Handshakes refused, by `reason`.
    pub refused: Counters<RefusalReason>,
    /// Clients that are connected and wait to be let in.
    pub joins_waiting: IntGauge,
    /// How long clients waited to be let in.
    pub join_wait_seconds: Histogram,
    /// Clients that waited because their user joins too often.
    pub joins_held: IntCounter,
    /// How long every task of the gateway waits for its turn.
    pub lag_seconds: Gauge,
    /// How many kinds of events the gateway does without, 0 to 3.
    pub shed_level: IntGauge,
    /// What an overloaded gateway did without, by `what`.
    pub shed: Counters<ShedKind>,
    /// Reconnects by `outcome`.
    pub recoveries: Counters<RecoveryOutcome>,
    /// Clients that came with a session of another gateway, by `outcome`.
    pub resumed: Counters<ResumeOutcome>,
    /// Sockets cut because their client did not read.
    pub slow_clients: IntCounter,
    /// Packets queued to sockets.
    pub deliveries: IntCounter,
    /// Events that arrived again and were dropped.
    pub duplicates: IntCounter,
    /// From a message's acceptance to its packet being queued to the sockets of this gateway.
    pub delivery_seconds: Histogram,
    /// From publishing a command to its answer, by `outcome`.
    pub answer_seconds: Histograms<AnswerOutcome>,
    events: IntCounterVec,
}

impl EdgeMetrics {
    #[allow(clippy::too_many_lines, reason = "a list of series, each with its help")]
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let events = Opts::new("eventflow_gateway_events_total", "Client events by name and outcome.");
        Ok(Self {
            sockets: Gauges::register(
                registry,
                "eventflow_gateway_sockets",
                "Open sockets by transport.",
                "transport",
            )?,
            users: gauge(
                registry,
                "eventflow_gateway_users",
                "Users with at least one socket at this gateway.",
            )?,
            parked_sessions: gauge(
                registry,
                "eventflow_gateway_parked_sessions",
                "Sessions whose socket is gone and that may still come back.",
            )?,
            recovery_bytes: gauge(
                registry,
                "eventflow_gateway_recovery_bytes",
                "Bytes that sessions keep for recoveries.",
            )?,
            recovery_forgotten: Counters::register(
                registry,
                "eventflow_gateway_recovery_forgotten_total",
                "Events that sessions forgot before their time, because too much was kept, by reason.",
                "reason",
            )?,
            refused: Counters::register(
                registry,
                "eventflow_gateway_refused_total",
                "Handshakes refused, by reason.",
                "reason",
            )?,
            joins_waiting: gauge(
                registry,
                "eventflow_gateway_joins_waiting",
                "Clients that are connected and wait to be let in.",
            )?,
            join_wait_seconds: latency(
                registry,
                "eventflow_gateway_join_wait_seconds",
                "How long clients waited to be let in.",
            )?,
            joins_held: counter(
                registry,
                "eventflow_gateway_joins_held_total",
                "Clients that waited because their user joins too often.",
            )?,
            lag_seconds: fraction(
                registry,
                "eventflow_gateway_lag_seconds",
                "How long every task of the gateway waited for its turn in the last half second.",
            )?,
            shed_level: gauge(
                registry,
                "eventflow_gateway_shed_level",
                "How many kinds of events the gateway does without: 1 typing, 2 presence, 3 receipts.",
            )?,
            shed: Counters::register(
                registry,
                "eventflow_shed_total",
                "Events that an overloaded gateway did without, by what they are.",
                "what",
            )?,
            recoveries: Counters::register(
                registry,
                "eventflow_gateway_recoveries_total",
                "Reconnects, by outcome.",
                "outcome",
            )?,
            resumed: Counters::register(
                registry,
                "eventflow_gateway_resumed_total",
                "Clients that came with a session of another gateway, by outcome.",
                "outcome",
            )?,
            slow_clients: counter(
                registry,
                "eventflow_gateway_slow_clients_total",
                "Sockets cut because their client did not read.",
            )?,
            deliveries: counter(
                registry,
                "eventflow_gateway_deliveries_total",
                "Packets queued to sockets.",
            )?,
            duplicates: counter(
                registry,
                "eventflow_gateway_duplicates_total",
                "Events that arrived again and were dropped.",
            )?,
            delivery_seconds: latency(
                registry,
                "eventflow_gateway_delivery_seconds",
                "From a message's acceptance to its packet being queued to the sockets of this gateway.",
            )?,
            answer_seconds: Histograms::register(
                registry,
                latency_opts(
                    "eventflow_command_answer_seconds",
                    "From publishing a command to its answer, by outcome.",
                ),
                "outcome",
            )?,
            events: registered(registry, IntCounterVec::new(events, &["event", "outcome"])?)?,
        })
    }

    /// Exports the counters of every event of `E` from the start.
    pub fn export_events<E: Label>(&self) {
        for event in E::ALL {
            for outcome in EventOutcome::ALL {
                self.events(*event, *outcome);
            }
        }
    }

    /// Client events of one name with this outcome. The names are the gateway's own enum, so `event` is
    /// generic.
    pub fn events(&self, event: impl Label, outcome: EventOutcome) -> IntCounter {
        self.events.with_label_values(&[event.as_str(), outcome.as_str()])
    }
}
