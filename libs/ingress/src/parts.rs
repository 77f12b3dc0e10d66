//! What the ingress is built from: the ports it uses, its settings, and the checks made once from both.

use crate::acquaintance::Acquaintances;
use crate::commands::Commands;
use crate::csrf::Csrf;
use crate::identity::{Expected, Tokens, WeakSecret};
use crate::origin::{NotAnOrigin, OriginPolicy};
use crate::rate::DEFAULT_EVENTS_PER_MINUTE;
use crate::revocation::Revocations;
use eventflow_bus::port::Health;
use eventflow_bus::request::Requests;
use eventflow_metrics::Metrics;
use eventflow_ports::{Clock, Directory, Inbox, Journal, Membership, People, PresenceStore, Registry, Store};
use eventflow_protocol::Timestamp;
use std::sync::Arc;
use tokio::sync::watch;

/// REST requests per minute and user unless configured otherwise: ten a second for a page that loads, none for a loop that asks for ever.
const DEFAULT_REST_PER_MINUTE_USER: u32 = 600;
/// REST requests per minute and client address unless configured otherwise: several people share one.
const DEFAULT_REST_PER_MINUTE_IP: u32 = 1_200;

/// Open sockets per user unless configured otherwise: a person's devices and many tabs, not a loop that connects for ever.
const DEFAULT_SOCKETS_PER_USER: u32 = 50;
/// Open sockets per client address unless configured otherwise: a house or an office shares one.
const DEFAULT_SOCKETS_PER_IP: u32 = 1_000;

/// What the ingress needs of the rest of the system.
#[derive(Clone)]
pub struct IngressParts {
    /// Read by REST.
    pub store: Arc<dyn Store>,
    /// Who is in a thread.
    pub membership: Membership,
    /// Notifications and preferences; read by REST.
    pub inbox: Arc<dyn Inbox>,
    /// Names, and credentials that no longer hold.
    pub directory: Arc<dyn Directory>,
    /// How people are shown: `directory`, remembered.
    pub people: People,
    /// What gateways have put on their way; written and read by socket gateways.
    pub journal: Arc<dyn Journal>,
    /// Who is there.
    pub presence: Arc<dyn PresenceStore>,
    /// Where users are connected; told by the socket gateway.
    pub registry: Arc<dyn Registry>,
    /// The way of commands to the workers and of answers back.
    pub requests: Requests,
    /// Whether the broker can be used now.
    pub broker_health: watch::Receiver<Health>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Every series.
    pub metrics: Metrics,
    /// Settings.
    pub config: IngressConfig,
}

/// Settings of the ingress.
#[derive(Clone)]
pub struct IngressConfig {
    /// The secret that tokens are signed with; at least [`crate::identity::SECRET_MIN_BYTES`].
    pub jwt_secret: Arc<[u8]>,
    /// The secret before it, while tokens signed with that one still live.
    pub jwt_secret_previous: Option<Arc<[u8]>>,
    /// The `iss` and `aud` that tokens must carry.
    pub jwt_expected: Expected,
    /// Origins whose pages may talk to us; empty: only our own (`base_url` and the host that is asked).
    pub allowed_origins: Vec<String>,
    /// Where people find this server, e.g. `https://chat.example.com`.
    pub base_url: Option<String>,
    /// Events per minute and socket, 0 for no limit.
    pub events_per_minute: u32,
    /// Sockets a user may have open at a time, 0 for no limit.
    pub sockets_per_user: u32,
    /// Sockets a client address may have open at a time, 0 for no limit.
    pub sockets_per_ip: u32,
    /// REST requests per minute and user, 0 for no limit.
    pub rest_per_minute_user: u32,
    /// REST requests per minute and client address, 0 for no limit.
    pub rest_per_minute_ip: u32,
    /// How many proxies of ours append to `X-Forwarded-For`; 0: the header is not believed.
    pub trusted_proxies: u8,
    /// Since when this process runs, if it is the only one: whatever was announced before is in the history that every socket
    /// of today reads, and is not delivered again.
    pub alone_since: Option<Timestamp>,
}

impl IngressConfig {
    /// The defaults, with this secret.
    pub fn new(jwt_secret: &[u8]) -> Self {
        Self {
            jwt_secret: jwt_secret.into(),
            jwt_secret_previous: None,
            jwt_expected: Expected::default(),
            allowed_origins: Vec::new(),
            base_url: None,
            events_per_minute: DEFAULT_EVENTS_PER_MINUTE,
            sockets_per_user: DEFAULT_SOCKETS_PER_USER,
            sockets_per_ip: DEFAULT_SOCKETS_PER_IP,
            rest_per_minute_user: DEFAULT_REST_PER_MINUTE_USER,
            rest_per_minute_ip: DEFAULT_REST_PER_MINUTE_IP,
            trusted_proxies: 0,
            alone_since: None,
        }
    }
}

/// The settings cannot be used; the process must not start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The secret is too short.
    #[error(transparent)]
    WeakSecret(#[from] WeakSecret),
    /// An entry of the origin list, or the base URL, cannot be read.
    #[error(transparent)]
    NotAnOrigin(#[from] NotAnOrigin),
}

/// The checks and ports that sockets and REST share.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) people: People,
    pub(crate) presence: Arc<dyn PresenceStore>,
    pub(crate) acquaintances: Acquaintances,
    pub(crate) broker_health: watch::Receiver<Health>,
    pub(crate) commands: Commands,
    pub(crate) tokens: Tokens,
    pub(crate) revocations: Revocations,
    pub(crate) csrf: Csrf,
    pub(crate) origins: OriginPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) events_per_minute: u32,
}

impl Edge {
    pub(crate) fn new(parts: &IngressParts) -> Result<Self, SetupError> {
        let config = &parts.config;
        let mut tokens =
            Tokens::new(&config.jwt_secret, Arc::clone(&parts.clock))?.expecting(config.jwt_expected.clone());
        let mut csrf = Csrf::new(&config.jwt_secret);
        if let Some(previous) = &config.jwt_secret_previous {
            (tokens, csrf) = (tokens.with_previous(previous)?, csrf.with_previous(previous));
        }
        Ok(Self {
            store: Arc::clone(&parts.store),
            inbox: Arc::clone(&parts.inbox),
            people: parts.people.clone(),
            presence: Arc::clone(&parts.presence),
            acquaintances: Acquaintances::new(Arc::clone(&parts.store)),
            broker_health: parts.broker_health.clone(),
            commands: Commands::new(
                parts.requests.clone(),
                parts.membership.clone(),
                Arc::clone(&parts.store),
            ),
            tokens,
            revocations: Revocations::new(Arc::clone(&parts.directory)),
            csrf,
            origins: OriginPolicy::new(&config.allowed_origins, config.base_url.as_deref())?,
            clock: Arc::clone(&parts.clock),
            metrics: parts.metrics.clone(),
            events_per_minute: config.events_per_minute,
        })
    }
}
