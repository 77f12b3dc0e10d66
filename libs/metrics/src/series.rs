//! Series without a label, and the buckets of histograms.

use crate::MetricsError;
use crate::label::registered;
use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntGauge, Opts, Registry};

pub(crate) fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
    registered(registry, IntCounter::with_opts(Opts::new(name, help))?)
}

pub(crate) fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
    registered(registry, IntGauge::with_opts(Opts::new(name, help))?)
}

/// A gauge of anything but whole numbers.
pub(crate) fn fraction(registry: &Registry, name: &str, help: &str) -> Result<Gauge, MetricsError> {
    registered(registry, Gauge::with_opts(Opts::new(name, help))?)
}

pub(crate) fn latency(registry: &Registry, name: &str, help: &str) -> Result<Histogram, MetricsError> {
    registered(registry, Histogram::with_opts(latency_opts(name, help))?)
}

/// A histogram of seconds of work inside the system: a 4,096th of a second to 8 s, doubling. One second is a
/// bound, because the objective of deliveries is.
pub(crate) fn latency_opts(name: &str, help: &str) -> HistogramOpts {
    let buckets = (-12..=3).map(|power| 2_f64.powi(power));
    HistogramOpts::new(name, help).buckets(buckets.collect())
}

/// A histogram of seconds of calls to a server: 1 ms to 4 s. Few bounds, because there are many operations.
pub(crate) fn call_opts(name: &str, help: &str) -> HistogramOpts {
    HistogramOpts::new(name, help).buckets(vec![0.001, 0.004, 0.016, 0.064, 0.25, 1.0, 4.0])
}

/// A histogram of envelopes in a batch: 1 to 512, doubling.
pub(crate) fn size_opts(name: &str, help: &str) -> HistogramOpts {
    let buckets = (0..10).map(|power| f64::from(1_u32 << power));
    HistogramOpts::new(name, help).buckets(buckets.collect())
}
