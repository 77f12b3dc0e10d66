//! Every series that the system exports, in one place. The caller passes in the registry.
//!
//! Names: `eventflow_<stage>_<what>_<unit>[_total]`. Label values: variants of an enum ([`values`]), queues
//! of the topology, routes of the route table. All three are closed sets, so clients cannot raise the number
//! of series. A process registers all series once; the series of stages that it does not run stay at zero.

mod bus;
mod dependencies;
mod edge;
mod email;
mod fanout;
mod http;
mod label;
mod outbound_values;
mod presence;
mod push;
mod sends;
mod series;
mod share;
pub mod values;

pub use bus::{BusMetrics, QueueMetrics};
pub use dependencies::SystemMetrics;
pub use edge::EdgeMetrics;
pub use email::EmailMetrics;
pub use fanout::FanoutMetrics;
pub use http::HttpMetrics;
pub use label::{Counters, Gauges, Histograms, Label};
pub use outbound_values::{MailOutcome, PushOutcome, PushWindowOutcome, SuppressedMail, SuppressedPush};
pub use presence::PresenceMetrics;
pub use push::PushMetrics;
pub use sends::SendMetrics;
pub use share::{ShareMetrics, SharesMetrics};
pub use values::{
    AnswerOutcome, Dependency, EventOutcome, ForgottenReason, HttpMethod, PresenceStatus, RecoveryOutcome,
    RefusalReason, ResumeOutcome, SentOutcome, ShedKind, SocketTransport,
};

use prometheus::{Encoder, Registry, TextEncoder};

/// Registering or writing a series failed: two series have one name, or a name has characters that Prometheus
/// does not allow.
#[derive(Debug, thiserror::Error)]
#[error("register or write metrics")]
pub struct MetricsError(#[from] prometheus::Error);

/// All series of a process. Cheap to clone: clones share the series.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    /// Publishing and consuming.
    pub bus: BusMetrics,
    /// The gateway: sockets and their events.
    pub edge: EdgeMetrics,
    /// REST requests.
    pub http: HttpMetrics,
    /// The fan-out stage.
    pub fanout: FanoutMetrics,
    /// The e-mail worker.
    pub email: EmailMetrics,
    /// The presence sweeper.
    pub presence: PresenceMetrics,
    /// The push worker.
    pub push: PushMetrics,
    /// Sharing of shards between workers.
    pub shares: SharesMetrics,
    /// Sends to many people.
    pub sends: SendMetrics,
    /// Connections to the servers this process depends on.
    pub system: SystemMetrics,
}

impl Metrics {
    /// Registers every series with `registry`, and those of the process itself (memory, CPU, file
    /// descriptors).
    pub fn new(registry: &Registry) -> Result<Self, MetricsError> {
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(Self {
            registry: registry.clone(),
            bus: BusMetrics::new(registry)?,
            edge: EdgeMetrics::new(registry)?,
            http: HttpMetrics::new(registry)?,
            fanout: FanoutMetrics::new(registry)?,
            email: EmailMetrics::new(registry)?,
            presence: PresenceMetrics::new(registry)?,
            push: PushMetrics::new(registry)?,
            shares: SharesMetrics::new(registry)?,
            sends: SendMetrics::new(registry)?,
            system: SystemMetrics::new(registry)?,
        })
    }

    /// The registry that holds every series.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Every series in the Prometheus text format, version 0.0.4.
    pub fn render(&self) -> Result<String, MetricsError> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }
}

impl Default for Metrics {
    /// Registers every series with a registry of its own: for tests and tools.
    fn default() -> Self {
        Self::new(&Registry::new()).expect("a fresh registry holds none of the names")
    }
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
