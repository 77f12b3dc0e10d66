//! The roles of a process and the parts of each. A role knows ports, and never the backend behind one.

use crate::consumers::{consume, consume_within, share};
use crate::dead_letters;
use crate::email;
use crate::erasures;
use crate::files;
use crate::jwks;
use crate::markup::markup;
use crate::notify;
use crate::scheduled;
use crate::secret;
use crate::socket_settings::{joins_per_minute, proxy_trust, socket_settings};
use crate::system::System;
use crate::thread_rules::thread_rules;
use anyhow::Context;
use axum::Router;
use eventflow_bus::consume::Declares;
use eventflow_bus::pipeline::OwnRates;
use eventflow_bus::request::Requests;
use eventflow_bus::share::lookout::Lookout;
use eventflow_bus::topology::{CURSORS, EMAIL, FANOUT, PERSIST, PRESENCE, PUSH};
use eventflow_config::FleetNeeds;
use eventflow_ingress::origin::framing_origins;
use eventflow_ingress::ws::{Gateway, Signals};
use eventflow_ingress::{IngressConfig, IngressParts, Notices, OpsParts};
use eventflow_protocol::GatewayId;
use eventflow_protocol::outbound::Channel;
use eventflow_workers::email::{BATCH_LIMIT, EmailParts, EmailWorker};
use eventflow_workers::fanout::doubt::Doubt;
use eventflow_workers::fanout::{Fanout, FanoutParts};
use eventflow_workers::persistence::{Persistence, PersistenceParts};
use eventflow_workers::presence::Sweeper;
use eventflow_workers::push::{self as push_stage, PushParts, PushWorker};
use eventflow_workers::search::{Indexer, Unindexed};
use eventflow_workers::sends::{SendParts, SendWorker};
use std::sync::Arc;
use std::time::Duration;

/// A part of the system that can run as a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Serves the sockets of clients: takes commands in and sends events out.
    WsGateway,
    /// Serves REST to clients: takes commands in and answers reads.
    HttpGateway,
    /// Carries out commands and stores documents.
    PersistenceWorker,
    /// Sends each event to the gateways whose users it concerns.
    FanoutWorker,
    /// Turns device signals into the presence of people.
    PresenceSweeper,
    /// Tells people by e-mail what came while they were away.
    EmailWorker,
    /// Sends notifications to apps and browsers.
    PushWorker,
}

impl Role {
    /// Every role, as a single process runs them.
    pub const ALL: [Self; 7] = [
        Self::WsGateway,
        Self::HttpGateway,
        Self::PersistenceWorker,
        Self::FanoutWorker,
        Self::PresenceSweeper,
        Self::EmailWorker,
        Self::PushWorker,
    ];

    /// Name of the role's binary.
    pub fn name(self) -> &'static str {
        match self {
            Self::WsGateway => "ws-gateway",
            Self::HttpGateway => "http-gateway",
            Self::PersistenceWorker => "persistence-worker",
            Self::FanoutWorker => "fanout-worker",
            Self::PresenceSweeper => "presence-sweeper",
            Self::EmailWorker => "email-worker",
            Self::PushWorker => "push-worker",
        }
    }

    /// Whether clients connect to a process with this role.
    pub fn serves_clients(self) -> bool {
        matches!(self, Self::WsGateway | Self::HttpGateway)
    }

    /// What the role needs as a process of its own, beside the broker.
    pub fn needs(self) -> FleetNeeds {
        match self {
            // Gateways check tokens; the e-mail worker signs the unsubscribe links that they check.
            Self::WsGateway | Self::HttpGateway | Self::EmailWorker => {
                FleetNeeds { store: true, secret: true }
            }
            Self::PersistenceWorker | Self::FanoutWorker | Self::PushWorker => {
                FleetNeeds { store: true, secret: false }
            }
            Self::PresenceSweeper => FleetNeeds { store: false, secret: false },
        }
    }

    /// Starts the role. Returns the routes that it serves to clients, if any.
    pub async fn start(self, system: &mut System) -> anyhow::Result<Option<Router>> {
        match self {
            Self::WsGateway => start_sockets(system).await.map(Some),
            Self::HttpGateway => start_rest(system).map(Some),
            Self::PersistenceWorker => start_persistence(system).await.map(|()| None),
            Self::FanoutWorker => start_fanout(system).await.map(|()| None),
            Self::PresenceSweeper => start_sweeper(system).await.map(|()| None),
            Self::EmailWorker => start_email(system).await.map(|()| None),
            Self::PushWorker => start_push(system).await.map(|()| None),
        }
        .with_context(|| format!("start {}", self.name()))
    }
}

async fn start_sockets(system: &mut System) -> anyhow::Result<Router> {
    let id = GatewayId::new();
    let parts = ingress_parts(system)?;
    let gate = system.shard_gate();
    let signals = Signals::open(&system.backends.broker, &gate, &system.metrics, &system.lanes).await?;
    let (gateway, upkeep) =
        Gateway::new(&parts, signals, id.clone(), socket_settings(&system.config.gateway))?;
    // The gateway lets clients in once its queue exists. If the queue had to be created again, its sockets
    // have missed events, so the gateway closes them.
    let cut_off = gateway.clone();
    let declares = Declares::Gateway { id: id.clone(), on_made: Arc::new(move || cut_off.queue_made()) };
    consume(system, gateway.queue().name(), declares, gateway.deliveries());
    let upkeep = upkeep.run(system.shutdown.workers.clone());
    system.worker("gateway upkeep", upkeep);
    let mut router = gateway.router();
    if !system.config.gateway.engine_echo_path.is_empty() {
        tracing::warn!(
            "gateway.engine_echo_path is set: an Engine.IO echo for protocol tests is open to everybody"
        );
        router = router.merge(crate::echo::router(&system.config.gateway));
    }
    tracing::info!(gateway = %id, "socket gateway");
    system.gateway = Some((id, gateway));
    Ok(router)
}

fn start_rest(system: &mut System) -> anyhow::Result<Router> {
    let mut parts = ingress_parts(system)?;
    // Only a socket gateway hears who leaves a thread.
    if system.gateway.is_none() {
        parts.membership = parts.membership.unheard();
        parts.apart = parts.apart.unheard();
    }
    parts.blobs = files::start(system)?;
    let router = eventflow_ingress::http::router(&parts)?;
    watch_workers(system, &parts.ops);
    let backends = &system.backends;
    let demo = crate::demo::router(&system.config, backends, parts.requests.clone())?;
    let outbox = crate::outbox_page::router(&system.config, Arc::clone(&backends.outbox));
    let settings = &system.config;
    let framing = framing_origins(&listed(&settings.server.embed_origins))?;
    let page = crate::page::router(&settings.attachments.origin, &framing)?;
    let old_system = eventflow_ingress::http::limit_by_address(
        crate::v1::router(&settings.v1)?,
        settings.v1.per_minute_ip,
        proxy_trust(settings)?,
    );
    Ok(router.merge(page).merge(demo).merge(outbox).merge(old_system))
}

async fn start_persistence(system: &mut System) -> anyhow::Result<()> {
    let mut handlers = Vec::new();
    let unindexed = Arc::new(Unindexed::default());
    let both = |shard| [(shard, &PERSIST), (shard, &CURSORS)];
    for (shard, commands) in (0..system.topology.shards()).flat_map(both) {
        let backends = &system.backends;
        let parts = PersistenceParts {
            store: Arc::clone(&backends.store),
            inbox: Arc::clone(&backends.inbox),
            devices: Arc::clone(&backends.devices),
            directory: Arc::clone(&backends.directory),
            suppressions: Arc::clone(&backends.suppressions),
            sends: Arc::clone(&backends.sends),
            blocks: Arc::clone(&backends.blocks),
            reports: Arc::clone(&backends.reports),
            drafts: Arc::clone(&backends.drafts),
            scheduled: Arc::clone(&backends.scheduled),
            uploads: Arc::clone(&backends.uploads),
            erasures: Arc::clone(&backends.erasures),
            erased: backends.erased.clone(),
            letters: Arc::clone(&backends.dead_letters),
            search: Arc::clone(&backends.search),
            unindexed: Arc::clone(&unindexed),
            broker: Arc::clone(&backends.broker),
            clock: Arc::clone(&backends.clock),
        };
        let handler = Persistence::open(commands, shard, parts, &system.metrics).await?;
        handlers.push((shard, commands.shard(shard).name().to_owned(), handler));
    }
    share(system, PERSIST.stage(), handlers);
    let indexer = Indexer::new(Arc::clone(&system.backends.search), unindexed, &system.metrics);
    system.worker_once_prepared("search index", |stop| indexer.run(stop));
    start_sends(system).await?;
    scheduled::keep(system);
    dead_letters::start(system).await
}

/// Sends to many people run where documents are written.
async fn start_sends(system: &mut System) -> anyhow::Result<()> {
    let backends = &system.backends;
    let parts = SendParts {
        sends: Arc::clone(&backends.sends),
        directory: Arc::clone(&backends.directory),
        inbox: Arc::clone(&backends.inbox),
        outbound: Arc::clone(&backends.outbound),
        erased: backends.erased.clone(),
        broker: Arc::clone(&backends.broker),
        clock: Arc::clone(&backends.clock),
        topology: system.topology,
        per_second: system.config.notifications.sends_per_second,
        kept: notify::log_kept(&system.config),
    };
    let worker = SendWorker::open(parts, &system.metrics).await?;
    system.worker_once_prepared("sends", |stop| worker.run(stop));
    Ok(())
}

async fn start_fanout(system: &mut System) -> anyhow::Result<()> {
    let mut handlers = Vec::new();
    let doubt = Arc::new(if system.config.embedded_broker() { Doubt::never() } else { Doubt::default() });
    for shard in 0..system.topology.shards() {
        let backends = &system.backends;
        let parts = FanoutParts {
            membership: backends.membership.clone(),
            people: backends.people.clone(),
            registry: Arc::clone(&backends.registry),
            doubt: Arc::clone(&doubt),
            broker: Arc::clone(&backends.broker),
            clock: Arc::clone(&backends.clock),
            absent: Some(Arc::clone(&backends.presence)),
        };
        let handler = Fanout::open(shard, parts, &system.metrics).await?;
        handlers.push((shard, FANOUT.shard(shard).name().to_owned(), handler));
    }
    share(system, FANOUT.stage(), handlers);
    Ok(())
}

async fn start_sweeper(system: &mut System) -> anyhow::Result<()> {
    let backends = &system.backends;
    let presence = Arc::clone(&backends.presence);
    let clock = Arc::clone(&backends.clock);
    let sweeper = Sweeper::open(presence, backends.broker.as_ref(), clock, &system.metrics).await?;
    let sweeper = Arc::new(sweeper.telling_absent());
    consume(system, PRESENCE.name(), Declares::Topology(system.topology), Arc::clone(&sweeper));
    let stop = system.shutdown.workers.clone();
    system.worker("presence sweep", async move { sweeper.run(stop).await });
    Ok(())
}

async fn start_email(system: &mut System) -> anyhow::Result<()> {
    let config = &system.config;
    let backends = &system.backends;
    let parts = EmailParts {
        again: notify::again_parts(system),
        outbound: Arc::clone(&backends.outbound),
        directory: Arc::clone(&backends.directory),
        people: backends.people.clone(),
        suppressions: Arc::clone(&backends.suppressions),
        mailer: email::mailer(config, backends).await?,
        clock: Arc::clone(&backends.clock),
        templates: email::templates(config)?,
        unsubscribe: email::unsubscribe(config)?,
        settings: email::settings(config)?,
        stop: system.shutdown.workers.clone(),
    };
    let handler = Arc::new(EmailWorker::new(parts, &system.metrics));
    consume_within(system, EMAIL.name(), Declares::Topology(system.topology), handler, BATCH_LIMIT);
    notify::start(system, Channel::Email).await
}

async fn start_push(system: &mut System) -> anyhow::Result<()> {
    let backends = &system.backends;
    let parts = PushParts {
        outbound: Arc::clone(&backends.outbound),
        devices: Arc::clone(&backends.devices),
        pusher: crate::push::pusher(&system.config, backends)?,
        people: backends.people.clone(),
        again: notify::again_parts(system),
    };
    let worker = Arc::new(PushWorker::new(parts, &system.metrics));
    let declares = Declares::Topology(system.topology);
    consume_within(system, PUSH.name(), declares, worker, push_stage::BATCH_LIMIT);
    notify::start(system, Channel::Push).await
}

/// The parts that both ingresses are built from. Both share one set of lanes to the workers, and tell the
/// operator of their clients once.
fn ingress_parts(system: &mut System) -> anyhow::Result<IngressParts> {
    if let Some(parts) = &system.ingress {
        return Ok(parts.clone());
    }
    let gate = system.shard_gate();
    let requests = Requests::open(&system.backends.broker, &gate, &system.metrics, &system.lanes);
    scheduled::send_due(system, requests.clone());
    erasures::drive(system, requests.clone());
    let public_keys = jwks::start(system)?;
    let ops = ops_parts(system);
    let server = &system.config.server;
    let parts = IngressParts {
        store: Arc::clone(&system.backends.store),
        membership: system.backends.membership.clone(),
        inbox: Arc::clone(&system.backends.inbox),
        devices: Arc::clone(&system.backends.devices),
        directory: Arc::clone(&system.backends.directory),
        suppressions: Arc::clone(&system.backends.suppressions),
        search: Arc::clone(&system.backends.search),
        sends: Arc::clone(&system.backends.sends),
        reports: Arc::clone(&system.backends.reports),
        erasures: Arc::clone(&system.backends.erasures),
        apart: system.backends.apart.clone(),
        drafts: Arc::clone(&system.backends.drafts),
        scheduled: Arc::clone(&system.backends.scheduled),
        uploads: Arc::clone(&system.backends.uploads),
        // Only the role of REST opens them.
        blobs: None,
        tasks: system.lanes.clone(),
        drain: system.shutdown.ingress.clone(),
        dead_letters: Arc::clone(&system.backends.dead_letters),
        topology: system.topology,
        outbound: Arc::clone(&system.backends.outbound),
        people: system.backends.people.clone(),
        presence: Arc::clone(&system.backends.presence),
        registry: Arc::clone(&system.backends.registry),
        journal: Arc::clone(&system.backends.journal),
        requests,
        ops,
        broker_health: system.backends.broker.health(),
        clock: Arc::clone(&system.backends.clock),
        metrics: system.metrics.clone(),
        notices: Notices::default(),
        config: IngressConfig {
            jwt_secret: secret::of_tokens(&system.config)?.map(Into::into),
            jwt_secret_previous: secret::previous(&system.config).map(Into::into),
            unsubscribe_secret: secret::of_unsubscribing(&system.config).map(Into::into),
            public_keys,
            jwt_expected: secret::expected(&system.config),
            webhook_secret: Some(system.config.email.webhook_secret.expose())
                .filter(|secret| !secret.is_empty())
                .map(Into::into),
            mail_stream: system.config.email.postmark_stream.as_str().into(),
            allowed_origins: listed(&server.allowed_origins),
            base_url: Some(server.base_url.clone()).filter(|url| !url.is_empty()),
            events_per_minute: system.config.gateway.events_per_minute,
            events_per_minute_user: system.config.gateway.events_per_minute_user,
            sockets_per_user: system.config.gateway.sockets_per_user,
            sockets_per_ip: system.config.gateway.sockets_per_ip,
            joins_per_second: system.config.gateway.joins_per_second,
            joins_per_minute_user: joins_per_minute(system.config.gateway.sockets_per_user),
            shed_at: Duration::from_millis(system.config.gateway.shed_at_ms),
            rest_per_minute_user: system.config.rest.per_minute_user,
            rest_per_minute_ip: system.config.rest.per_minute_ip,
            rest_answers_kb: system.config.rest.answers_kb,
            threads: thread_rules(&system.config.threads),
            finds_everybody: system.config.finds_everybody(),
            proxies: proxy_trust(&system.config)?,
            push_key: crate::push::public_key(&system.config)?,
            templates: notify::templates(&system.config)?.into(),
            replays_per_second: system.config.dead_letters.replays_per_second,
            continue_traces: system.config.tracing.continue_requests,
            markup: markup(&system.config),
            files: files::settings(&system.config.attachments),
            alone_since: system.config.embedded_broker().then_some(system.started),
        },
    };
    Ok(system.ingress.insert(parts).clone())
}

/// The entries of a setting that is a list with commas between.
fn listed(setting: &str) -> Vec<String> {
    setting.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// What the routes of operators ask. Nothing is heard before [`watch_workers`].
fn ops_parts(system: &System) -> OpsParts {
    let broker = Arc::clone(&system.backends.broker);
    let lookout = Lookout::new(Arc::clone(&broker));
    let is_alone = system.config.embedded_broker();
    let rates = is_alone.then(|| Arc::new(OwnRates::new(&system.metrics.bus, &system.topology)));
    OpsParts { broker, topology: system.topology, lookout, rates, process: Arc::new(system.status()) }
}

/// A process that has the routes of operators listens to the workers all the time, so that it knows when the
/// shards were shared out last.
fn watch_workers(system: &mut System, ops: &OpsParts) {
    let stop = system.shutdown.workers.clone();
    system.worker("lookout", ops.lookout.clone().run(stop.clone()));
    if let Some(rates) = ops.rates.clone() {
        system.worker("own rates", async move { rates.run(stop).await });
    }
}
