//! Settings: `default.toml` holds every key with its meaning, then a file, then the environment.
//!
//! In come those three, out comes a checked [`Config`], or an error that names the key and says what is wrong with it. This is
//! the only crate that reads the environment.

mod check;
mod secret;
mod sources;

pub use secret::Secret;
pub use sources::{DEFAULTS, aliases, load};

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The URL that selects an embedded backend.
pub const EMBEDDED: &str = "embedded:";
/// The URL that selects presence in memory.
pub const MEMORY: &str = "memory:";

/// Why the program does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file, an unknown key or a wrong type.
    #[error("read the configuration")]
    Unreadable(#[from] Box<figment::Error>),
    /// A value that is not allowed.
    #[error("configuration key `{key}`: {why}")]
    Invalid {
        /// As in `default.toml`, e.g. `broker.shards`.
        key: &'static str,
        /// In words.
        why: String,
    },
    /// A file that a key names.
    #[error("configuration key `{key}`: read {path}")]
    File {
        /// As in `default.toml`.
        key: &'static str,
        /// Which file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// All settings, checked. Field names are the keys of `default.toml`, which says what each one means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// For clients.
    pub server: Server,
    /// For operators.
    pub admin: Admin,
    /// The folder of embedded backends.
    pub data: Data,
    /// The message broker.
    pub broker: Broker,
    /// The store.
    pub store: Url,
    /// Presence and the registry of gateways.
    pub presence: Url,
    /// Who is who.
    pub auth: Auth,
    /// Sockets.
    pub gateway: Gateway,
    /// The old system beside this one.
    pub v1: V1,
    /// REST.
    pub rest: Rest,
    /// How to end.
    pub shutdown: Shutdown,
    /// Logging.
    pub log: Log,
    /// Spans.
    pub tracing: Tracing,
    /// The demo.
    pub demo: Demo,
}

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// `server.listen`
    pub listen: SocketAddr,
    /// `server.base_url`
    pub base_url: String,
    /// `server.allowed_origins`
    pub allowed_origins: String,
}

/// `[admin]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// `admin.listen`
    pub listen: SocketAddr,
}

/// `[data]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// `data.dir`
    pub dir: PathBuf,
}

/// `[broker]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// `broker.url`
    pub url: Secret,
    /// `broker.shards`
    pub shards: u16,
}

/// `[store]` and `[presence]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Url {
    /// `store.url` or `presence.url`; may hold a password.
    pub url: Secret,
}

/// `[auth]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// `auth.jwt_secret`; empty: see [`Config::may_generate_secret`].
    pub jwt_secret: Secret,
    /// `auth.jwt_secret_previous`; empty: none.
    pub jwt_secret_previous: Secret,
    /// `auth.jwt_issuer`; empty: any.
    pub jwt_issuer: String,
    /// `auth.jwt_audience`; empty: any.
    pub jwt_audience: String,
}

/// `[gateway]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// `gateway.events_per_minute`
    pub events_per_minute: u32,
    /// `gateway.sockets_per_user`
    pub sockets_per_user: u32,
    /// `gateway.sockets_per_ip`
    pub sockets_per_ip: u32,
    /// `gateway.ping_interval_ms`
    pub ping_interval_ms: u64,
    /// `gateway.ping_timeout_ms`
    pub ping_timeout_ms: u64,
    /// `gateway.recovery_window_ms`
    pub recovery_window_ms: u64,
    /// `gateway.engine_echo_path`
    pub engine_echo_path: String,
}

/// `[v1]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct V1 {
    /// `v1.upstream_url`; empty: none.
    pub upstream_url: String,
}

/// `[rest]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rest {
    /// `rest.per_minute_user`
    pub per_minute_user: u32,
    /// `rest.per_minute_ip`
    pub per_minute_ip: u32,
    /// `rest.trusted_proxies`
    pub trusted_proxies: u8,
}

/// `[shutdown]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// `shutdown.spread_ms`
    pub spread_ms: u64,
    /// `shutdown.timeout_ms`
    pub timeout_ms: u64,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `log.format`
    pub format: LogFormat,
    /// `log.level`
    pub level: String,
}

/// `[tracing]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tracing {
    /// `tracing.otlp_endpoint`; empty: no spans are exported.
    pub otlp_endpoint: String,
    /// `tracing.sample_ratio`
    pub sample_ratio: f64,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// `[demo]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    /// `demo.mode`
    pub mode: DemoMode,
}

/// Whether the demo page signs people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DemoMode {
    /// Always. Anybody who reaches the address can be either demo person.
    On,
    /// Never.
    Off,
    /// While the secret is a generated one and the address is a loopback address.
    Auto,
}

impl Config {
    /// Whether the broker is the embedded one.
    pub fn embedded_broker(&self) -> bool {
        self.broker.url.expose() == EMBEDDED
    }

    /// Whether the store is the embedded one.
    pub fn embedded_store(&self) -> bool {
        self.store.url.expose() == EMBEDDED
    }

    /// Whether the demo page signs people in.
    pub fn demo_enabled(&self) -> bool {
        match self.demo.mode {
            DemoMode::On => true,
            DemoMode::Off => false,
            DemoMode::Auto => self.auth.jwt_secret.is_empty() && self.server.listen.ip().is_loopback(),
        }
    }
}
