//! What the roles of one process share, and its stages: open, watch, serve, run, end.
//!
//! A role adds its parts to the [`System`]. The order of the end is that of [`eventflow_boot::Shutdown`].

use crate::backends::Backends;
use crate::watch;
use anyhow::{Context, anyhow};
use axum::Router;
use eventflow_boot::shutdown::signalled;
use eventflow_boot::{Readiness, Shutdown, Spans, admin, listener};
use eventflow_bus::request::Requests;
use eventflow_bus::topology::Topology;
use eventflow_config::Config;
use eventflow_ingress::ws::Gateway;
use eventflow_metrics::Metrics;
use eventflow_protocol::{GatewayId, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

/// How much longer the end may take for each open socket: 500 closed in a second come back without a storm.
const SPREAD_PER_SOCKET: Duration = Duration::from_millis(2);

/// What the roles of a process share while it runs.
pub struct System {
    /// The settings.
    pub config: Config,
    /// The metrics of every part.
    pub metrics: Metrics,
    /// Whether this process should get work.
    pub readiness: Readiness,
    /// The stages of the process's end.
    pub shutdown: Shutdown,
    /// The queues of the deployment.
    pub topology: Topology,
    /// The adapters behind the ports.
    pub backends: Backends,
    /// When the process started.
    pub started: Timestamp,
    /// Sends commands to the workers, once an ingress needs it.
    pub requests: Option<Requests>,
    /// The tasks of the lanes to the workers. They end when every sender is gone.
    pub lanes: TaskTracker,
    /// The socket gateway, if this process is one.
    pub gateway: Option<(GatewayId, Gateway)>,
    workers: JoinSet<String>,
    servers: JoinSet<anyhow::Result<()>>,
    spans: Spans,
}

impl System {
    /// Opens the backends. `name` is what this process is called by its servers. `sweeps` says whether it runs
    /// the presence sweeper.
    pub async fn open(config: Config, name: &str, sweeps: bool, spans: Spans) -> anyhow::Result<Self> {
        let metrics = Metrics::default();
        let topology = Topology::new(config.broker.shards);
        let backends = Backends::open(&config, name, sweeps).await?;
        let started = backends.clock.now();
        Ok(Self {
            config,
            metrics,
            readiness: Readiness::default(),
            shutdown: Shutdown::default(),
            topology,
            backends,
            started,
            requests: None,
            lanes: TaskTracker::new(),
            gateway: None,
            workers: JoinSet::new(),
            servers: JoinSet::new(),
            spans,
        })
    }

    /// Runs a part that must not end before the workers' stage of shutdown.
    pub fn worker(&mut self, name: &str, work: impl Future<Output = ()> + Send + 'static) {
        let name = name.to_owned();
        self.workers.spawn(async move {
            work.await;
            name
        });
    }

    /// Watches broker and store for as long as the process runs.
    pub fn watch(&mut self) {
        let broker = Arc::clone(&self.backends.broker);
        let store = Arc::clone(&self.backends.store);
        watch::broker_readiness(&broker, &self.readiness);
        let stop = self.shutdown.workers.clone();
        self.worker("watch broker", watch::broker(broker, self.topology, self.metrics.clone(), stop.clone()));
        let registry =
            watch::registry(Arc::clone(&self.backends.registry), self.metrics.clone(), stop.clone());
        self.worker("watch registry", registry);
        let watching = watch::store(store, self.readiness.clone(), self.metrics.clone(), stop);
        self.worker("watch store", watching);
    }

    /// Serves operators, and clients if a role has routes for them.
    pub async fn serve(&mut self, routers: Vec<Router>) -> anyhow::Result<()> {
        let operators = admin::bind(
            self.config.admin.listen,
            self.metrics.clone(),
            self.readiness.clone(),
            self.shutdown.serving.clone(),
        );
        self.servers.spawn(operators.await?);
        if routers.is_empty() {
            return Ok(());
        }
        let router = routers.into_iter().fold(Router::new(), Router::merge);
        let (address, serving) =
            listener::bind(self.config.server.listen, router, self.shutdown.ingress.clone())?;
        self.servers.spawn(serving);
        tracing::info!("listening on http://{address}");
        Ok(())
    }

    /// Resolves when the process should end: `Ok` by a signal, `Err` when a part ended that should not.
    pub async fn run(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            name = signalled() => {
                tracing::info!(signal = name?, "ending");
                Ok(())
            }
            Some(ended) = self.workers.join_next() => Err(match ended {
                Ok(part) => anyhow!("{part} ended by itself"),
                Err(panic) => anyhow!(panic).context("a part panicked"),
            }),
            Some(ended) = self.servers.join_next() => {
                Err(ended.context("a server panicked").flatten().err().unwrap_or_else(|| anyhow!("a server ended by itself")))
            }
        }
    }

    /// Ends in order: new work first, backends last.
    pub async fn end(mut self) {
        self.readiness.drain();
        self.shutdown.ingress.cancel();
        if let Some((_, gateway)) = &self.gateway {
            let most = Duration::from_millis(self.config.shutdown.spread_ms);
            let sockets = u32::try_from(gateway.open_sockets()).unwrap_or(u32::MAX);
            gateway.drain(SPREAD_PER_SOCKET.saturating_mul(sockets).min(most)).await;
        }
        self.shutdown.workers.cancel();
        while self.workers.join_next().await.is_some() {}
        self.shutdown.serving.cancel();
        while self.servers.join_next().await.is_some() {}
        if let Some((id, gateway)) = self.gateway.take() {
            drop(gateway);
            if let Err(error) = self.backends.broker.remove_gateway(&id).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the gateway's queue expires by itself"
                );
            }
        }
        drop(self.requests.take());
        self.lanes.close();
        self.lanes.wait().await;
        self.backends.close().await;
        self.spans.close().await;
        tracing::info!("ended in order");
    }
}
