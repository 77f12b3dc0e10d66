//! The edge: sockets, their events, and REST requests.

use crate::bus::{counter, gauge, histogram};
use crate::{MetricsError, latency_buckets};
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Sockets and what goes through them.
#[derive(Clone)]
pub struct EdgeMetrics {
    /// Open sockets by `transport`: `websocket` or `polling`.
    pub sockets: IntGaugeVec,
    /// Users with at least one socket here.
    pub users: IntGauge,
    /// Sessions whose socket is gone and that may still come back.
    pub parked_sessions: IntGauge,
    /// Handshakes refused, by `reason` (`origin`, `draining`, `protocol`, `credentials`, `sockets_per_user`, `sockets_per_ip`).
    pub refused: IntCounterVec,
    /// Reconnects by `outcome`: `recovered` or `fresh`.
    pub recoveries: IntCounterVec,
    /// Clients that came with a session of another gateway, by `outcome`: `resumed`, or `unknown` if its journal told nothing.
    pub resumed: IntCounterVec,
    /// Sockets cut because their client did not read.
    pub slow_clients: IntCounter,
    /// Client events by `event` (the closed set of known names, else `unknown`) and `outcome` (ok, refused, limited).
    pub events: IntCounterVec,
    /// Packets queued to sockets.
    pub deliveries: IntCounter,
    /// Events that arrived again and were dropped.
    pub duplicates: IntCounter,
    /// From a message's acceptance to its packet being queued to the sockets here.
    pub delivery_seconds: Histogram,
    /// From publishing a command to its answer, by `outcome` (answered, queued, failed).
    pub answer_seconds: HistogramVec,
}

impl EdgeMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            sockets: gauge(
                registry,
                "eventflow_gateway_sockets",
                "Open sockets by transport.",
                &["transport"],
            )?,
            users: plain_gauge(
                registry,
                "eventflow_gateway_users",
                "Users with at least one socket at this gateway.",
            )?,
            parked_sessions: plain_gauge(
                registry,
                "eventflow_gateway_parked_sessions",
                "Sessions whose socket is gone and that may still come back.",
            )?,
            refused: counter(
                registry,
                "eventflow_gateway_refused_total",
                "Handshakes refused, by reason.",
                &["reason"],
            )?,
            resumed: counter(
                registry,
                "eventflow_gateway_resumed_total",
                "Clients that came with a session of another gateway, by outcome.",
                &["outcome"],
            )?,
            recoveries: counter(
                registry,
                "eventflow_gateway_recoveries_total",
                "Reconnects, by outcome.",
                &["outcome"],
            )?,
            slow_clients: plain_counter(
                registry,
                "eventflow_gateway_slow_clients_total",
                "Sockets cut because their client did not read.",
            )?,
            events: counter(
                registry,
                "eventflow_gateway_events_total",
                "Client events by name and outcome.",
                &["event", "outcome"],
            )?,
            deliveries: plain_counter(
                registry,
                "eventflow_gateway_deliveries_total",
                "Packets queued to sockets.",
            )?,
            duplicates: plain_counter(
                registry,
                "eventflow_gateway_duplicates_total",
                "Events that arrived again and were dropped.",
            )?,
            delivery_seconds: plain_latency(
                registry,
                "eventflow_gateway_delivery_seconds",
                "From a message's acceptance to its packet being queued to the sockets of this gateway.",
            )?,
            answer_seconds: histogram(
                registry,
                HistogramOpts::new(
                    "eventflow_command_answer_seconds",
                    "From publishing a command to its answer, by outcome.",
                )
                .buckets(latency_buckets()),
                &["outcome"],
            )?,
        })
    }
}

/// REST requests.
#[derive(Clone)]
pub struct HttpMetrics {
    /// Requests by `method`, `route` (the route's pattern, else `unknown`) and `status`.
    pub requests: IntCounterVec,
    /// Duration by `route`.
    pub seconds: HistogramVec,
}

impl HttpMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let seconds =
            HistogramOpts::new("eventflow_http_request_seconds", "Duration of REST requests by route.");
        Ok(Self {
            requests: counter(
                registry,
                "eventflow_http_requests_total",
                "REST requests by method, route pattern and status.",
                &["method", "route", "status"],
            )?,
            seconds: histogram(registry, seconds.buckets(latency_buckets()), &["route"])?,
        })
    }
}

pub(crate) fn plain_counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
    let series = IntCounter::with_opts(Opts::new(name, help))?;
    registry.register(Box::new(series.clone()))?;
    Ok(series)
}

pub(crate) fn plain_gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
    let series = IntGauge::with_opts(Opts::new(name, help))?;
    registry.register(Box::new(series.clone()))?;
    Ok(series)
}

fn plain_latency(registry: &Registry, name: &str, help: &str) -> Result<Histogram, MetricsError> {
    let series = Histogram::with_opts(HistogramOpts::new(name, help).buckets(latency_buckets()))?;
    registry.register(Box::new(series.clone()))?;
    Ok(series)
}
