//! Where people are, and whether: the registry and the presence store that the configuration selects.

use anyhow::Context;
use eventflow_config::{Config, MEMORY};
use eventflow_metrics::CallMetrics;
use eventflow_ports::{
    Clock, FallbackPresence, MemoryPresence, MemoryRegistry, NoPresence, NoRegistry, PresenceStore, Registry,
};
use eventflow_redis::{PresenceSettings, RedisPresence, RedisRegistry, RegistrySettings};
use std::sync::Arc;

/// Where people are, and whether.
pub(super) struct Lookups {
    pub(super) registry: Arc<dyn Registry>,
    pub(super) presence: Arc<dyn PresenceStore>,
    pub(super) fallback: Option<Arc<FallbackPresence>>,
}

/// Opens the registry and the presence store. With a server that processes share, a process that hears of
/// every device also keeps presence in its memory, for the time that the server is away: the only process of
/// a system, and the sweeper of a fleet.
pub(super) fn open_lookups(
    config: &Config,
    clock: &Arc<dyn Clock>,
    sweeps: bool,
    calls: &CallMetrics,
) -> anyhow::Result<Lookups> {
    let url = config.presence.url.expose();
    if url != MEMORY {
        let registry = RedisRegistry::new(url, RegistrySettings::default()).context("presence.url")?;
        let presence = RedisPresence::new(url, PresenceSettings::default(), Arc::clone(clock))
            .context("presence.url")?;
        let (registry, presence): (Arc<dyn Registry>, Arc<dyn PresenceStore>) =
            (Arc::new(registry.measured(calls.clone())), Arc::new(presence.measured(calls.clone())));
        let fallback = match (config.embedded_broker(), sweeps) {
            (true, _) => Some(Arc::new(FallbackPresence::of_the_only_process(Arc::clone(&presence)))),
            (false, true) => Some(Arc::new(FallbackPresence::of_a_sweeper(Arc::clone(&presence)))),
            (false, false) => None,
        };
        let presence = fallback.clone().map_or(presence, |fallback| fallback as _);
        return Ok(Lookups { registry, presence, fallback });
    }
    if config.embedded_broker() {
        let presence = Arc::new(MemoryPresence::default());
        return Ok(Lookups { registry: Arc::new(MemoryRegistry::default()), presence, fallback: None });
    }
    // Several processes without a shared server: nobody can say where a user is connected, and only the
    // sweeper knows who is online.
    tracing::warn!(
        "presence.url is `memory:` in a fleet: sockets hear who comes and goes, asking who is there is refused, and events go to every gateway"
    );
    let presence: Arc<dyn PresenceStore> =
        if sweeps { Arc::new(MemoryPresence::default()) } else { Arc::new(NoPresence) };
    Ok(Lookups { registry: Arc::new(NoRegistry), presence, fallback: None })
}
