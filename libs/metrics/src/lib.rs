//! Every series that the system exports, in one place. The caller passes in the registry.
//!
//! Names: `eventflow_<stage>_<what>_<unit>[_total]`. Label values: variants of an enum ([`Label`]), queues of
//! the topology, routes of the route table, operations that an adapter names in its source. All of them are
//! closed sets, so clients cannot raise the number of series. A process registers all series once; the series
//! of stages that it does not run stay at zero.

mod attachments;
mod broker;
mod build;
mod bus;
mod bus_values;
mod calls;
mod canary;
mod dead_letters;
mod dependencies;
mod edge;
mod email;
mod fanout;
mod http;
mod label;
mod outbound_values;
mod presence;
mod push;
mod reshard;
mod runtime;
mod scheduled;
mod search;
mod sends;
mod series;
mod server_values;
mod share;
mod socket_values;
mod sockets;
pub mod values;

pub use attachments::{AttachmentMetrics, FileDirection, SweptFile, UploadRefusal, UploadWay};
pub use broker::BrokerMetrics;
pub use build::BuildMetrics;
pub use bus::{BusMetrics, QueueMetrics};
pub use bus_values::{BrokerSide, ParkReason, RetryDelay};
pub use calls::{CallMetrics, RedisMetrics, StoreMetrics};
pub use canary::{CanaryMetrics, CanaryOutcome};
pub use dead_letters::{DeadLetterMetrics, KeptOutcome, ReplayOutcome, WaitingLetters};
pub use dependencies::SystemMetrics;
pub use edge::EdgeMetrics;
pub use email::EmailMetrics;
pub use fanout::FanoutMetrics;
pub use http::HttpMetrics;
pub use label::{Counters, Gauges, Histograms, Label};
pub use outbound_values::{MailOutcome, PushOutcome, PushWindowOutcome, SuppressedMail, SuppressedPush};
pub use presence::PresenceMetrics;
pub use push::PushMetrics;
pub use reshard::ReshardMetrics;
pub use runtime::RuntimeMetrics;
pub use scheduled::{ScheduledMetrics, ScheduledOutcome};
pub use search::SearchMetrics;
pub use sends::SendMetrics;
pub use server_values::{CallOutcome, Dependency, RedisOperation};
pub use share::{ShareMetrics, SharesMetrics};
pub use socket_values::{Direction, SocketEnd, SocketTransport};
pub use sockets::SocketMetrics;
pub use values::{
    AnswerOutcome, EventOutcome, ForgottenReason, HttpMethod, PresenceStatus, RecoveryOutcome, RefusalReason,
    ResumeOutcome, SentOutcome, ShedKind,
};

use prometheus::{Encoder, Registry, TextEncoder};
pub use prometheus::{IntCounter, IntGauge};

/// Registering or writing a series failed: two series have one name, or a name has characters that Prometheus
/// does not allow.
#[derive(Debug, thiserror::Error)]
#[error("register or write metrics")]
pub struct MetricsError(#[from] prometheus::Error);

/// All series of a process. Cheap to clone: clones share the series.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    /// Uploaded files.
    pub attachments: AttachmentMetrics,
    /// The connections to the message broker.
    pub broker: BrokerMetrics,
    /// What runs here.
    pub build: BuildMetrics,
    /// Publishing and consuming.
    pub bus: BusMetrics,
    /// Messages that are sent through the front door to measure them.
    pub canary: CanaryMetrics,
    /// Dead letters in the store.
    pub dead_letters: DeadLetterMetrics,
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
    /// Calls to Redis.
    pub redis: RedisMetrics,
    /// The runtime of the process.
    pub runtime: RuntimeMetrics,
    /// Sharing of shards between workers.
    pub shares: SharesMetrics,
    /// Reshard: the number of shards, as a gateway follows it.
    pub reshard: ReshardMetrics,
    /// Messages that are sent later.
    pub scheduled: ScheduledMetrics,
    /// Search.
    pub search: SearchMetrics,
    /// Sends to many people.
    pub sends: SendMetrics,
    /// What goes through sockets.
    pub sockets: SocketMetrics,
    /// Calls to the store.
    pub store: StoreMetrics,
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
            attachments: AttachmentMetrics::new(registry)?,
            broker: BrokerMetrics::new(registry)?,
            build: BuildMetrics::new(registry)?,
            bus: BusMetrics::new(registry)?,
            canary: CanaryMetrics::new(registry)?,
            dead_letters: DeadLetterMetrics::new(registry)?,
            edge: EdgeMetrics::new(registry)?,
            http: HttpMetrics::new(registry)?,
            fanout: FanoutMetrics::new(registry)?,
            email: EmailMetrics::new(registry)?,
            presence: PresenceMetrics::new(registry)?,
            push: PushMetrics::new(registry)?,
            redis: RedisMetrics::new(registry)?,
            runtime: RuntimeMetrics::new(registry)?,
            shares: SharesMetrics::new(registry)?,
            reshard: ReshardMetrics::new(registry)?,
            scheduled: ScheduledMetrics::new(registry)?,
            search: SearchMetrics::new(registry)?,
            sends: SendMetrics::new(registry)?,
            sockets: SocketMetrics::new(registry)?,
            store: StoreMetrics::new(registry)?,
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
mod tests;
