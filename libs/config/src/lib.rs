//! Settings. Three sources, later ones win: `default.toml`, which holds every key with its meaning, a file,
//! the environment.
//!
//! In come those three; out comes a checked [`Config`], or an error that names the key and says what is wrong
//! with it. This is the only crate that reads the environment.

mod attachments;
mod auth;
mod check;
mod dead_letters;
mod demo;
mod email;
mod environment;
mod explain;
mod load;
mod notifications;
mod people;
mod push;
mod scalar;
mod secret;
mod sources;

pub use attachments::{AttachmentSettings, FilePlace};
pub use auth::AuthSettings;
pub use check::FleetNeeds;
pub use dead_letters::DeadLetterSettings;
pub use demo::{DemoMode, DemoReach, DemoSettings, is_this_machine};
pub use email::{EmailSettings, MailProvider};
pub use explain::named;
pub use load::{defaults, load};
pub use notifications::NotificationSettings;
pub use people::{PeopleSearchSetting, PeopleSettings};
pub use push::PushSettings;
pub use secret::Secret;
pub use sources::{DEFAULTS, aliases, secret_files};

use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The URL that selects an embedded backend.
pub const EMBEDDED: &str = "embedded:";
/// The URL that selects presence in memory.
pub const MEMORY: &str = "memory:";

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read, a key is unknown, or a value has the wrong type; in these words.
    #[error("{0}")]
    Unreadable(String),
    /// A value is not allowed.
    #[error("configuration key {}{given}: {why}", explain::named(key))]
    Invalid {
        /// The key as in `default.toml`, e.g. `broker.shards`.
        key: &'static str,
        /// The value as ` is …`; empty if it may be a secret.
        given: String,
        /// What is wrong with the value.
        why: String,
    },
    /// Settings without which this process cannot do its work are not given.
    #[error("{process} is one process of a fleet, and these settings are missing: {}; \
             `eventflow` runs everything in one process without them", missing.join(", "))]
    Missing {
        /// The name of the process.
        process: &'static str,
        /// The settings, each with its short name.
        missing: Vec<String>,
    },
    /// The file that a key names cannot be read.
    #[error("configuration key `{key}` ({name}): read {path}")]
    File {
        /// The environment variable that names the file.
        name: String,
        /// The key as in `default.toml`.
        key: &'static str,
        /// The path of the file.
        path: String,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
}

/// All settings, checked. Field names are the keys of `default.toml`, which says what each one means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address for clients.
    pub server: ServerSettings,
    /// The address for operators.
    pub admin: AdminSettings,
    /// The folder of embedded backends.
    pub data: DataSettings,
    /// The message broker.
    pub broker: BrokerSettings,
    /// The store.
    pub store: StoreSettings,
    /// Presence and the registry of gateways.
    pub presence: PresenceSettings,
    /// The tokens of clients.
    pub auth: AuthSettings,
    /// Limits and timing of sockets.
    pub gateway: GatewaySettings,
    /// The texts that people type.
    pub content: ContentSettings,
    /// The old system beside this one.
    pub v1: V1Settings,
    /// E-mail.
    pub email: EmailSettings,
    /// Limits of REST requests.
    pub rest: RestSettings,
    /// Who may start threads.
    pub threads: ThreadSettings,
    /// When people are told by e-mail and push.
    pub notifications: NotificationSettings,
    /// `[dead_letters]`
    pub dead_letters: DeadLetterSettings,
    /// Pushes to apps and browsers.
    pub push: PushSettings,
    /// The time that an orderly end takes.
    pub shutdown: ShutdownSettings,
    /// Format and level of log lines.
    pub log: LogSettings,
    /// The export of spans.
    pub tracing: TracingSettings,
    /// Whom people find.
    pub people: PeopleSettings,
    /// The demo page.
    pub demo: DemoSettings,
    /// Uploaded files.
    pub attachments: AttachmentSettings,
}

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// `server.listen`
    #[serde(deserialize_with = "scalar::address")]
    pub listen: SocketAddr,
    /// `server.base_url`
    pub base_url: String,
    /// `server.allowed_origins`
    pub allowed_origins: String,
    /// `server.embed_origins`
    pub embed_origins: String,
    /// `server.connections_per_ip`
    pub connections_per_ip: u32,
}

/// `[admin]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    /// `admin.listen`
    #[serde(deserialize_with = "scalar::address")]
    pub listen: SocketAddr,
}

/// `[data]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    /// `data.dir`
    pub dir: PathBuf,
}

/// `[broker]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerSettings {
    /// `broker.url`
    pub url: Secret,
    /// `broker.shards`
    pub shards: u16,
}

/// `[store]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// `store.url`. It may hold a password.
    pub url: Secret,
    /// `store.collection_prefix`; empty: none.
    pub collection_prefix: String,
    /// `store.host_key`
    pub host_key: HostKeySetting,
}

/// Which field of the host application's users holds the ids of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum HostKeySetting {
    /// `_id`, and `id` if it has an index.
    #[serde(rename = "auto")]
    Auto,
    /// `_id`.
    #[serde(rename = "_id")]
    DatabaseId,
    /// `id`, which needs an index.
    #[serde(rename = "id")]
    OwnId,
    /// The collection `users` is something else.
    #[serde(rename = "none")]
    None,
}

/// `[presence]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenceSettings {
    /// `presence.url`. It may hold a password.
    pub url: Secret,
}

/// `[gateway]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySettings {
    /// `gateway.events_per_minute`
    pub events_per_minute: u32,
    /// `gateway.events_per_minute_user`
    pub events_per_minute_user: u32,
    /// `gateway.sockets_per_user`
    pub sockets_per_user: u32,
    /// `gateway.sockets_per_ip`
    pub sockets_per_ip: u32,
    /// `gateway.joins_per_second`
    pub joins_per_second: u32,
    /// `gateway.shed_at_ms`
    pub shed_at_ms: u64,
    /// `gateway.ping_interval_ms`
    pub ping_interval_ms: u64,
    /// `gateway.ping_timeout_ms`
    pub ping_timeout_ms: u64,
    /// `gateway.recovery_window_ms`
    pub recovery_window_ms: u64,
    /// `gateway.recovery_bytes`
    pub recovery_bytes: usize,
    /// `gateway.recovery_bytes_per_user`
    pub recovery_bytes_per_user: usize,
    /// `gateway.engine_echo_path`
    pub engine_echo_path: String,
}

/// `[content]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentSettings {
    /// `content.markup`
    pub markup: MarkupMode,
}

/// What becomes of text that a browser could take for markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkupMode {
    /// It is no markup any more and can be read back exactly.
    Neutralise,
    /// It stays as it was typed.
    Keep,
    /// It is removed.
    Strip,
}

/// `[v1]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct V1Settings {
    /// `v1.upstream_url`; empty: none.
    pub upstream_url: String,
    /// `v1.per_minute_ip`
    pub per_minute_ip: u32,
}

/// `[rest]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestSettings {
    /// `rest.per_minute_user`
    pub per_minute_user: u32,
    /// `rest.per_minute_ip`
    pub per_minute_ip: u32,
    /// `rest.trusted_proxies`: a number, or networks with commas between.
    #[serde(deserialize_with = "scalar::text")]
    pub trusted_proxies: String,
    /// `rest.forwarded_header`
    pub forwarded_header: String,
    /// `rest.answers_kb`
    pub answers_kb: u32,
}

impl RestSettings {
    /// Whether proxies stand in front.
    pub fn has_proxies(&self) -> bool {
        self.trusted_proxies.trim() != "0"
    }
}

/// `[threads]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThreadSettings {
    /// `threads.start_with`
    pub start_with: StartWithSetting,
    /// `threads.people_max`
    pub people_max: u32,
    /// `threads.people_max_by_role`: see [`ThreadSettings::by_role`].
    pub people_max_by_role: String,
    /// `threads.new_per_hour`
    pub new_per_hour: u32,
}

/// With whom a user may start a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartWithSetting {
    /// With anybody.
    Anybody,
    /// With people whom the directory knows.
    Directory,
    /// Only administrators start threads.
    Admins,
}

impl ThreadSettings {
    /// The roles with a size of their own; `None` if the text is not a list of `role=number`.
    pub fn by_role(&self) -> Option<BTreeMap<String, u32>> {
        let entries = self.people_max_by_role.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let parsed = entries.map(|entry| {
            let (role, most) = entry.split_once('=')?;
            let role = role.trim();
            (!role.is_empty()).then_some(())?;
            Some((role.to_owned(), most.trim().parse().ok()?))
        });
        parsed.collect()
    }
}

/// `[shutdown]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShutdownSettings {
    /// `shutdown.delay_ms`
    pub delay_ms: u64,
    /// `shutdown.spread_ms`
    pub spread_ms: u64,
    /// `shutdown.timeout_ms`
    pub timeout_ms: u64,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// `log.format`
    pub format: LogFormat,
    /// `log.level`
    pub level: String,
}

/// `[tracing]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TracingSettings {
    /// `tracing.otlp_endpoint`; empty: no spans are exported.
    pub otlp_endpoint: String,
    /// `tracing.sample_ratio`
    pub sample_ratio: f64,
    /// `tracing.continue_requests`
    pub continue_requests: bool,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Readable for people.
    Pretty,
    /// One JSON object a line.
    Json,
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
}
