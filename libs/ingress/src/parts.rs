//! What the ingress is built from: the ports it uses, its settings, and the checks made once from both.

use crate::commands::Commands;
use crate::csrf::Csrf;
use crate::identity::{Tokens, WeakSecret};
use crate::origin::{NotAnOrigin, OriginPolicy};
use crate::rate::DEFAULT_EVENTS_PER_MINUTE;
use eventflow_bus::request::Requests;
use eventflow_metrics::Metrics;
use eventflow_ports::{Clock, Membership, Registry, Store};
use eventflow_protocol::Timestamp;
use std::sync::Arc;

/// What the ingress needs of the rest of the system.
#[derive(Clone)]
pub struct IngressParts {
    /// Read by REST.
    pub store: Arc<dyn Store>,
    /// Who is in a thread.
    pub membership: Membership,
    /// Where users are connected; told by the socket gateway.
    pub registry: Arc<dyn Registry>,
    /// The way of commands to the workers and of answers back.
    pub requests: Requests,
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
    /// Origins whose pages may talk to us; empty: only our own (`base_url` and the host that is asked).
    pub allowed_origins: Vec<String>,
    /// Where people find this server, e.g. `https://chat.example.com`.
    pub base_url: Option<String>,
    /// Events per minute and socket, 0 for no limit.
    pub events_per_minute: u32,
    /// Since when this process runs, if it is the only one: whatever was announced before is in the history that every socket
    /// of today reads, and is not delivered again.
    pub alone_since: Option<Timestamp>,
}

impl IngressConfig {
    /// The defaults, with this secret.
    pub fn new(jwt_secret: &[u8]) -> Self {
        Self {
            jwt_secret: jwt_secret.into(),
            allowed_origins: Vec::new(),
            base_url: None,
            events_per_minute: DEFAULT_EVENTS_PER_MINUTE,
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
    pub(crate) commands: Commands,
    pub(crate) tokens: Tokens,
    pub(crate) csrf: Csrf,
    pub(crate) origins: OriginPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) events_per_minute: u32,
}

impl Edge {
    pub(crate) fn new(parts: &IngressParts) -> Result<Self, SetupError> {
        let config = &parts.config;
        Ok(Self {
            store: Arc::clone(&parts.store),
            commands: Commands::new(parts.requests.clone(), parts.membership.clone()),
            tokens: Tokens::new(&config.jwt_secret, Arc::clone(&parts.clock))?,
            csrf: Csrf::new(&config.jwt_secret),
            origins: OriginPolicy::new(&config.allowed_origins, config.base_url.as_deref())?,
            clock: Arc::clone(&parts.clock),
            metrics: parts.metrics.clone(),
            events_per_minute: config.events_per_minute,
        })
    }
}
