//! What goes through the sockets of a gateway, below its events: handshakes, packets, bytes, pings, ends.

use crate::MetricsError;
use crate::label::Counters;
use crate::series::{counter, latency};
use crate::socket_values::{Direction, SocketEnd};
use prometheus::{Histogram, IntCounter, Registry};

/// The counters of the Socket.IO layer.
#[derive(Clone)]
pub struct SocketMetrics {
    /// Sessions opened.
    pub handshakes: IntCounter,
    /// Requests refused before there was a session.
    pub requests_refused: IntCounter,
    /// Namespaces that clients were not let into.
    pub connect_errors: IntCounter,
    /// Upgrades from polling to WebSocket completed.
    pub upgrades: IntCounter,
    /// Packets, by `direction`.
    pub packets: Counters<Direction>,
    /// Bytes of packets, by `direction`.
    pub bytes: Counters<Direction>,
    /// Sockets that lost their connection, by `reason`.
    pub ends: Counters<SocketEnd>,
    /// From a ping to its pong.
    pub ping_seconds: Histogram,
    /// Pings that were not answered in time.
    pub ping_timeouts: IntCounter,
    /// Hooks of the gateway that panicked.
    pub panics: IntCounter,
}

impl SocketMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let number = |name, help| counter(registry, name, help);
        let way = |name, help| Counters::register(registry, name, help, "direction");
        Ok(Self {
            handshakes: number("eventflow_gateway_handshakes_total", "Sessions opened.")?,
            requests_refused: number(
                "eventflow_gateway_requests_refused_total",
                "Requests of clients refused before there was a session: bad parameters, not admitted, draining.",
            )?,
            connect_errors: number(
                "eventflow_gateway_connect_errors_total",
                "Namespaces that clients were not let into.",
            )?,
            upgrades: number(
                "eventflow_gateway_upgrades_total",
                "Upgrades from polling to WebSocket completed.",
            )?,
            packets: way("eventflow_gateway_packets_total", "Packets, by direction: in or out.")?,
            bytes: way("eventflow_gateway_bytes_total", "Bytes of packets, by direction: in or out.")?,
            ends: Counters::register(
                registry,
                "eventflow_gateway_disconnects_total",
                "Sockets that lost their connection, by reason.",
                "reason",
            )?,
            ping_seconds: latency(registry, "eventflow_gateway_ping_seconds", "From a ping to its pong.")?,
            ping_timeouts: number(
                "eventflow_gateway_ping_timeouts_total",
                "Pings that were not answered in time, also of clients in no namespace.",
            )?,
            panics: number("eventflow_gateway_panics_total", "Hooks of the gateway that panicked.")?,
        })
    }
}
