//! The servers that a process depends on.

use crate::MetricsError;
use crate::label::Gauges;
use crate::server_values::Dependency;
use prometheus::Registry;

/// Whether the servers that this process depends on are usable.
#[derive(Clone)]
pub struct SystemMetrics {
    /// 1 while the server is usable, by `part`; absent for one that this process does not use.
    pub up: Gauges<Dependency>,
}

impl SystemMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        Ok(Self {
            up: Gauges::register(
                registry,
                "eventflow_dependency_up",
                "1 while a server this process depends on is usable, by part (broker, store, registry).",
                "part",
            )?,
        })
    }
}
