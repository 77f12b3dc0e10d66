//! REST requests.

use crate::MetricsError;
use crate::label::{Label as _, registered};
use crate::series::{gauge, latency_opts};
use crate::values::HttpMethod;
use prometheus::{HistogramVec, IntCounterVec, IntGauge, Opts, Registry};
use std::time::Duration;

/// What `route` says of a request that no route matches.
const NO_ROUTE: &str = "unknown";

/// Number and duration of REST requests.
#[derive(Clone)]
pub struct HttpMetrics {
    /// Bytes of pages that clients have not taken yet.
    pub answers_in_flight: IntGauge,
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl HttpMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let requests =
            Opts::new("eventflow_http_requests_total", "REST requests by method, route pattern and status.");
        let seconds = latency_opts("eventflow_http_request_seconds", "Duration of REST requests by route.");
        Ok(Self {
            answers_in_flight: gauge(
                registry,
                "eventflow_http_answers_in_flight_bytes",
                "Bytes of pages that clients have not taken yet.",
            )?,
            requests: registered(registry, IntCounterVec::new(requests, &["method", "route", "status"])?)?,
            seconds: registered(registry, HistogramVec::new(seconds, &["route"])?)?,
        })
    }

    /// Counts an answered request. `route` is the pattern of the route table that matched, never the path, so
    /// that clients cannot make up label values.
    pub fn answered(&self, method: HttpMethod, route: Option<&str>, status: u16, took: Duration) {
        let route = route.unwrap_or(NO_ROUTE);
        self.requests.with_label_values(&[method.as_str(), route, &status.to_string()]).inc();
        self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }
}
