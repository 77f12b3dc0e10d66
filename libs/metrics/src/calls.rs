//! Calls to the store and to Redis: how long each operation takes, and how long it waits for a connection.

use crate::MetricsError;
use crate::label::{Label as _, registered};
use crate::series::{call_opts, latency};
use crate::server_values::{CallOutcome, RedisOperation};
use prometheus::{Histogram, HistogramVec, Registry};
use std::time::Duration;

/// The calls to one server. Cheap to clone: clones share the series.
#[derive(Clone)]
pub struct CallMetrics {
    seconds: HistogramVec,
    /// From asking for a connection to having one.
    pub pool_wait_seconds: Histogram,
}

/// Calls to the store.
#[derive(Clone)]
pub struct StoreMetrics {
    /// Their duration, by the name that the adapter gives to the operation.
    pub calls: CallMetrics,
}

/// Calls to Redis.
#[derive(Clone)]
pub struct RedisMetrics {
    /// Their duration, by [`RedisOperation`].
    pub calls: CallMetrics,
}

impl StoreMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let calls = CallMetrics::new(
            registry,
            ("eventflow_store_call_seconds", "Duration of calls to the store, by operation and outcome."),
            ("eventflow_store_pool_wait_seconds", "From asking for a connection to MongoDB to having one."),
        )?;
        Ok(Self { calls })
    }
}

impl RedisMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let calls = CallMetrics::new(
            registry,
            ("eventflow_redis_call_seconds", "Duration of calls to Redis, by operation and outcome."),
            ("eventflow_redis_pool_wait_seconds", "From asking for a connection to Redis to having one."),
        )?;
        for operation in RedisOperation::ALL {
            calls.begin(operation.as_str());
        }
        Ok(Self { calls })
    }
}

impl CallMetrics {
    fn new(
        registry: &Registry,
        (name, help): (&str, &str),
        (wait, wait_help): (&str, &str),
    ) -> Result<Self, MetricsError> {
        let seconds = HistogramVec::new(call_opts(name, help), &["operation", "outcome"])?;
        Ok(Self {
            seconds: registered(registry, seconds)?,
            pool_wait_seconds: latency(registry, wait, wait_help)?,
        })
    }

    /// An operation has ended. Its name is a text of the adapter's source, in words. The series of its other
    /// outcomes begin with it, at 0: a rate sees the first failure only if its series was there before.
    pub fn took(&self, operation: &'static str, outcome: CallOutcome, took: Duration) {
        let series = self.seconds.with_label_values(&[operation, outcome.as_str()]);
        if series.get_sample_count() == 0 {
            self.begin(operation);
        }
        series.observe(took.as_secs_f64());
    }

    /// Makes the series of an operation.
    fn begin(&self, operation: &str) {
        for outcome in CallOutcome::ALL {
            self.seconds.with_label_values(&[operation, outcome.as_str()]);
        }
    }
}
