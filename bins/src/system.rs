//! System: the state that the roles of one process share, and the stages of the process: open, watch, serve,
//! run, end.
//!
//! A role adds its parts to the [`System`]. [`eventflow_boot::Shutdown`] defines the order of the shutdown.

use crate::backends::Backends;
use crate::build::{REVISION, VERSION};
use crate::{front, watch};
use anyhow::{Context, anyhow};
use axum::Router;
use eventflow_boot::instance;
use eventflow_boot::shutdown::signalled;
use eventflow_boot::{AdminParts, Identity, Need, Problem, Readiness, Shutdown, Spans, admin, listener};
use eventflow_bus::reshard::follower::Follower;
use eventflow_bus::reshard::gate::ShardGate;
use eventflow_bus::topology::Topology;
use eventflow_config::{Config, MEMORY};
use eventflow_ingress::IngressParts;
use eventflow_ingress::ws::Gateway;
use eventflow_metrics::Metrics;
use eventflow_protocol::client::answers::{PartProblem, ProcessStatus};
use eventflow_protocol::{GatewayId, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Extra shutdown time for each open socket, up to `shutdown.spread_ms`. It spreads the reconnects: 100
/// clients that come back within a second are a tenth of what one gateway lets in
/// (`gateway.joins_per_second`), so those who sit at the other gateways do not notice them.
const SPREAD_PER_SOCKET: Duration = Duration::from_millis(10);
/// The most that a process which is alone spreads them over: nobody else can take its clients, and the
/// published client gives up 13 s after its connection closed at the earliest, by when the next process must
/// be there.
const SPREAD_ALONE_MAX: Duration = Duration::from_secs(2);

/// What the roles of a process do, as far as it concerns its backends and its end.
#[derive(Clone, Copy, Debug)]
pub struct Duties {
    /// Clients connect to it.
    pub serves_clients: bool,
    /// It turns device signals into the presence of people.
    pub sweeps: bool,
}

/// State that the roles of a process share while it runs.
pub struct System {
    /// Configuration of the process.
    pub config: Config,
    /// Metrics of every part.
    pub metrics: Metrics,
    /// Readiness: whether this process should get work.
    pub readiness: Readiness,
    /// Identity: what the operators' endpoints say of the process.
    pub identity: Identity,
    /// Whether clients connect to this process.
    pub serves_clients: bool,
    /// Shutdown: the cancellation tokens of the stages.
    pub shutdown: Shutdown,
    /// Topology: the queues of the deployment.
    pub topology: Topology,
    /// Backends: the adapters behind the ports.
    pub backends: Backends,
    /// Time at which the process started.
    pub started: Timestamp,
    /// Ingress: what both gateways are built from; made when the first of them starts.
    pub ingress: Option<IngressParts>,
    /// Tasks of the lanes to the workers. They end when every sender is dropped.
    pub lanes: TaskTracker,
    /// Whether this process decides who is told what by e-mail and push.
    pub decides: bool,
    /// The socket gateway, if this process has that role.
    pub gateway: Option<(GatewayId, Gateway)>,
    /// The gate to the shards; made when the first gateway starts.
    shard_gate: Option<ShardGate>,
    workers: JoinSet<String>,
    servers: JoinSet<anyhow::Result<()>>,
    spans: Spans,
}

impl System {
    /// Opens the backends for a process with these duties. `name` identifies it to its servers and to people.
    pub async fn open(
        config: Config,
        name: &'static str,
        duties: Duties,
        spans: Spans,
    ) -> anyhow::Result<Self> {
        let began = Instant::now();
        let Duties { serves_clients, sweeps } = duties;
        let metrics = Metrics::default();
        metrics.build.is(VERSION, REVISION);
        let topology = Topology::new(config.broker.shards);
        let backends = Backends::open(&config, name, sweeps, &metrics).await?;
        let started = backends.clock.now();
        Ok(Self {
            config,
            metrics,
            readiness: Readiness::default(),
            identity: Identity { role: name, version: VERSION, began },
            serves_clients,
            shutdown: Shutdown::default(),
            topology,
            backends,
            started,
            ingress: None,
            lanes: TaskTracker::new(),
            decides: false,
            gateway: None,
            shard_gate: None,
            workers: JoinSet::new(),
            servers: JoinSet::new(),
            spans,
        })
    }

    /// What the process says of itself, for operators who ask a gateway.
    pub fn status(&self) -> impl Fn() -> ProcessStatus + Send + Sync + 'static {
        let (identity, readiness) = (self.identity.clone(), self.readiness.clone());
        let problems = |problems: BTreeMap<String, Problem>| {
            let listed = |(part, problem): (String, Problem)| PartProblem {
                part,
                seconds: problem.since.elapsed().as_secs(),
                why: problem.why,
            };
            problems.into_iter().map(listed).collect()
        };
        move || {
            let state = readiness.state();
            ProcessStatus {
                role: identity.role.to_owned(),
                status: state.word().to_owned(),
                uptime_seconds: identity.began.elapsed().as_secs(),
                version: identity.version.to_owned(),
                warnings: readiness.warnings(),
                impaired: problems(state.impairments),
                not_ready_because: problems(state.reasons),
            }
        }
    }

    /// Runs a part that must not end before the workers' stage of the shutdown.
    pub fn worker(&mut self, name: &str, work: impl Future<Output = ()> + Send + 'static) {
        let name = name.to_owned();
        self.workers.spawn(async move {
            work.await;
            name
        });
    }

    /// Runs `work` from the time the store is ready to be written until the workers' stage of the shutdown,
    /// of which `work` learns by the token.
    pub fn worker_once_prepared<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        name: &str,
        work: impl FnOnce(CancellationToken) -> F + Send + 'static,
    ) {
        let prepared = self.backends.prepared();
        let stop = self.shutdown.workers.clone();
        self.worker(name, async move {
            tokio::select! {
                () = prepared => work(stop).await,
                () = stop.clone().cancelled_owned() => {}
            }
        });
    }

    /// The gate through which gateways send to the shards, with whoever opens and closes it. A process that
    /// is alone with its queues has one that is always open.
    pub fn shard_gate(&mut self) -> ShardGate {
        if let Some(gate) = &self.shard_gate {
            return gate.clone();
        }
        let setting = self.topology.shards();
        let gate = match self.backends.shard_log.clone() {
            None => ShardGate::fixed(setting),
            Some(log) => {
                let gate = ShardGate::closed(setting);
                let (broker, metrics) = (Arc::clone(&self.backends.broker), self.metrics.reshard.clone());
                let follower =
                    Follower::new(broker, log, gate.clone(), setting, metrics).at(instance::name());
                let closed = gate.clone();
                let why = "commands wait: the number of shards is not known, or being changed; see the log";
                self.readiness.warn("shards", move || (closed.shards() == 0).then(|| why.to_owned()));
                // It ends after the last client was served, so it is no part that ends with the workers.
                self.lanes.spawn(follower.run(self.shutdown.serving.clone()));
                gate
            }
        };
        self.shard_gate.insert(gate).clone()
    }

    /// Watches the broker and the store for as long as the process runs.
    pub fn watch(&mut self) {
        let broker = Arc::clone(&self.backends.broker);
        let store = Arc::clone(&self.backends.store);
        // Without the store a gateway still queues what is sent, without the broker it still answers reads.
        // If it left the balancer, clients would learn neither.
        let need = if self.serves_clients { Need::OneOf } else { Need::Always };
        watch::broker_readiness(&broker, &self.readiness, need);
        let stop = self.shutdown.workers.clone();
        self.worker("watch broker", watch::broker(broker, self.topology, self.metrics.clone(), stop.clone()));
        self.worker("watch runtime", watch::runtime(self.metrics.runtime.clone(), stop.clone()));
        // Without a registry there is none that could be away.
        if self.config.presence.url.expose() != MEMORY {
            let registry =
                watch::registry(Arc::clone(&self.backends.registry), self.metrics.clone(), stop.clone());
            self.worker("watch registry", registry);
        }
        if let Some(fallback) = self.backends.fallback.clone() {
            self.worker("watch presence", watch::presence(fallback, self.metrics.clone(), stop.clone()));
        }
        self.prepare_store();
        let address = self.config.store.url.address();
        let watching =
            watch::store(store, address, (self.readiness.clone(), need), self.metrics.clone(), stop);
        self.worker("watch store", watching);
    }

    /// Prepares the store once for all stages. A store that refuses takes the process down with its reason.
    fn prepare_store(&mut self) {
        self.readiness.warn("host users", self.backends.store_warning());
        let (prepare, stop) = (self.backends.prepare(), self.shutdown.serving.clone());
        self.servers.spawn(async move {
            tokio::select! {
                prepared = prepare => prepared?,
                () = stop.cancelled() => return Ok(()),
            }
            stop.cancelled().await;
            Ok(())
        });
    }

    /// Serves the clients' routes, if a role has any, and the operators' endpoints. In this order: whoever
    /// hears that the process is ready finds its port open.
    pub async fn serve(&mut self, routers: Vec<Router>) -> anyhow::Result<()> {
        let mut clients = None;
        if !routers.is_empty() {
            let router = front::around(routers.into_iter().fold(Router::new(), Router::merge));
            let (listen, stop) = (self.config.server.listen, self.shutdown.ingress.clone());
            let (address, serving) = listener::bind(listen, self.connections_per_ip(), router, stop)?;
            self.servers.spawn(serving);
            clients = Some(address);
        }
        let operators = admin::bind(
            self.config.admin.listen,
            AdminParts {
                identity: self.identity.clone(),
                metrics: self.metrics.clone(),
                readiness: self.readiness.clone(),
                asked: self.shutdown.asked.clone(),
            },
            self.shutdown.serving.clone(),
        );
        self.servers.spawn(operators.await?);
        if let Some(address) = clients {
            tracing::info!("listening on http://{address}");
        }
        Ok(())
    }

    /// Connections that one client address may have open. Behind proxies there is no limit here: every
    /// connection comes from them.
    fn connections_per_ip(&self) -> u32 {
        if self.config.rest.has_proxies() { 0 } else { self.config.server.connections_per_ip }
    }

    /// Resolves when the process should end: with `Ok` after a signal, with `Err` when a part ended that
    /// should not.
    pub async fn run(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            name = signalled() => {
                tracing::info!(signal = name?, "ending");
                Ok(())
            }
            () = self.shutdown.asked.cancelled() => Ok(()),
            Some(ended) = self.workers.join_next() => Err(match ended {
                Ok(part) => anyhow!("{part} ended by itself"),
                Err(panic) => anyhow!(panic).context("a part panicked"),
            }),
            Some(ended) = self.servers.join_next() => {
                Err(ended.context("a server panicked").flatten().err().unwrap_or_else(|| anyhow!("a server ended by itself")))
            }
        }
    }

    /// Over how long so many sockets are closed.
    fn spread(&self, sockets: u64) -> Duration {
        let most = Duration::from_millis(self.config.shutdown.spread_ms);
        let most = if self.config.embedded_broker() { most.min(SPREAD_ALONE_MAX) } else { most };
        SPREAD_PER_SOCKET.saturating_mul(u32::try_from(sockets).unwrap_or(u32::MAX)).min(most)
    }

    /// Shuts down in order: first the intake of new work, last the backends.
    pub async fn end(mut self) {
        self.readiness.drain();
        if self.serves_clients {
            // Balancers look at intervals; until they have seen it they send connections here.
            sleep(Duration::from_millis(self.config.shutdown.delay_ms)).await;
        }
        // The port stays open while sockets are closed: a client on long-polling asks until its turn comes,
        // and a new one is told 503, which a proxy takes to another gateway.
        if let Some((_, gateway)) = &self.gateway {
            gateway.drain(self.spread(gateway.open_sockets())).await;
        }
        self.shutdown.ingress.cancel();
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
        drop(self.ingress.take());
        self.lanes.close();
        self.lanes.wait().await;
        self.backends.close().await;
        self.spans.close().await;
        tracing::info!("ended in order");
    }
}
