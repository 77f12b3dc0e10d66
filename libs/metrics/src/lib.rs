//! Every series the system exports, in one place, over one registry that is passed in.
//!
//! Names are `eventflow_<stage>_<what>_<unit>[_total]`. Label values come from closed sets (queues of the topology, routes of
//! the route table, variants of an enum), so the number of series is bounded whatever clients send. A process registers
//! all of them once; stages it does not run stay at zero.

mod bus;
mod edge;
mod presence;
mod stages;

pub use bus::{BusMetrics, QueueMetrics};
pub use edge::{EdgeMetrics, HttpMetrics};
pub use presence::PresenceMetrics;
pub use stages::{FanoutMetrics, SystemMetrics};

use prometheus::{Encoder, Registry, TextEncoder};

/// A series could not be registered or written: two of one name, or a name that is none.
#[derive(Debug, thiserror::Error)]
#[error("register or write metrics")]
pub struct MetricsError(#[from] prometheus::Error);

/// All series of a process. Cheap to clone: clones share the series.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    /// Publishing and consuming.
    pub bus: BusMetrics,
    /// Sockets and their events.
    pub edge: EdgeMetrics,
    /// REST.
    pub http: HttpMetrics,
    /// The fan-out stage.
    pub fanout: FanoutMetrics,
    /// The presence sweeper.
    pub presence: PresenceMetrics,
    /// Connections to the servers this process depends on.
    pub system: SystemMetrics,
}

impl Metrics {
    /// Registers every series, and the process's own (memory, CPU, file descriptors), with `registry`.
    pub fn new(registry: &Registry) -> Result<Self, MetricsError> {
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(Self {
            registry: registry.clone(),
            bus: BusMetrics::new(registry)?,
            edge: EdgeMetrics::new(registry)?,
            http: HttpMetrics::new(registry)?,
            fanout: FanoutMetrics::new(registry)?,
            presence: PresenceMetrics::new(registry)?,
            system: SystemMetrics::new(registry)?,
        })
    }

    /// The registry everything is registered with.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The Prometheus text format, version 0.0.4.
    pub fn render(&self) -> Result<String, MetricsError> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }
}

impl Default for Metrics {
    /// Over a registry of its own: for tests and tools.
    fn default() -> Self {
        Self::new(&Registry::new()).expect("a fresh registry holds none of the names")
    }
}

/// Seconds of work inside the machine room: 0.25 ms to 8 s, doubling.
pub(crate) fn latency_buckets() -> Vec<f64> {
    (0..16).map(|power| 0.000_25 * f64::from(1_u32 << power)).collect()
}

/// Envelopes in a batch: 1 to 512, doubling.
pub(crate) fn size_buckets() -> Vec<f64> {
    (0..10).map(|power| f64::from(1_u32 << power)).collect()
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn every_series_has_its_prefix_and_appears_once() {
        let metrics = Metrics::default();
        metrics.bus.queue("persist.0");
        let text = metrics.render().unwrap();
        let names: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        assert!(
            names.iter().all(|name| name.starts_with("eventflow_") || name.starts_with("process_")),
            "{names:?}"
        );
        let mut distinct = names.clone();
        distinct.dedup();
        assert_eq!(names, distinct);
    }
}
