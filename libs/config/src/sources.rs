//! The sources of settings: the defaults, a file, the environment.

use crate::{Config, ConfigError};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use std::path::Path;

/// The text of `default.toml`, for `--print-config` and for the test that every key is explained.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Short environment names: those of the published document, and those that an operator types often. Values
/// are text (a password of digits stays one) except where the key is a number.
const ALIASES: [(&str, &str, ValueKind); 29] = [
    ("LISTEN", "server.listen", ValueKind::Text),
    ("BASE_URL", "server.base_url", ValueKind::Text),
    ("ALLOWED_ORIGINS", "server.allowed_origins", ValueKind::Text),
    ("CONNECTIONS_PER_IP", "server.connections_per_ip", ValueKind::Number),
    ("ADMIN_LISTEN", "admin.listen", ValueKind::Text),
    ("DATA_DIR", "data.dir", ValueKind::Text),
    ("RABBITMQ_URL", "broker.url", ValueKind::Text),
    ("SHARDS", "broker.shards", ValueKind::Number),
    ("MONGODB_URI", "store.url", ValueKind::Text),
    ("REDIS_URL", "presence.url", ValueKind::Text),
    ("JWT_SECRET", "auth.jwt_secret", ValueKind::Text),
    ("JWT_SECRET_PREVIOUS", "auth.jwt_secret_previous", ValueKind::Text),
    ("JWT_ISSUER", "auth.jwt_issuer", ValueKind::Text),
    ("JWT_AUDIENCE", "auth.jwt_audience", ValueKind::Text),
    ("EVENTS_PER_MINUTE", "gateway.events_per_minute", ValueKind::Number),
    ("EVENTS_PER_MINUTE_USER", "gateway.events_per_minute_user", ValueKind::Number),
    ("SOCKETS_PER_USER", "gateway.sockets_per_user", ValueKind::Number),
    ("SOCKETS_PER_IP", "gateway.sockets_per_ip", ValueKind::Number),
    ("V1_UPSTREAM_URL", "v1.upstream_url", ValueKind::Text),
    ("V1_PER_MINUTE_IP", "v1.per_minute_ip", ValueKind::Number),
    ("REST_PER_MINUTE_USER", "rest.per_minute_user", ValueKind::Number),
    ("REST_PER_MINUTE_IP", "rest.per_minute_ip", ValueKind::Number),
    ("REST_ANSWERS_KB", "rest.answers_kb", ValueKind::Number),
    ("TRUSTED_PROXIES", "rest.trusted_proxies", ValueKind::Number),
    ("LOG_FORMAT", "log.format", ValueKind::Text),
    ("LOG_LEVEL", "log.level", ValueKind::Text),
    ("OTLP_ENDPOINT", "tracing.otlp_endpoint", ValueKind::Text),
    ("TRACE_SAMPLE_RATIO", "tracing.sample_ratio", ValueKind::Fraction),
    ("DEMO", "demo.mode", ValueKind::Text),
];
/// The environment name for a file that holds the secret, as container platforms mount it.
const SECRET_FILE: &str = "JWT_SECRET_FILE";

#[derive(Clone, Copy, PartialEq, Eq)]
enum ValueKind {
    Text,
    Number,
    Fraction,
}

/// The short environment names and the keys they set.
pub fn aliases() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALIASES.iter().map(|(name, key, _)| (*name, *key))
}

/// Reads and checks all settings. `file` is an optional TOML file with any of the keys.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    if let Some(file) = file {
        figment = figment.merge(Toml::file_exact(file));
    }
    figment =
        figment.merge(Env::prefixed("EVENTFLOW_").filter(|key| key.as_str().contains("__")).split("__"));
    for (name, key, kind) in ALIASES {
        if let Some(text) = read(name) {
            figment = match kind {
                ValueKind::Text => figment.merge(Serialized::default(key, text)),
                ValueKind::Number => figment.merge(Serialized::default(key, number::<u64>(key, &text)?)),
                ValueKind::Fraction => figment.merge(Serialized::default(key, number::<f64>(key, &text)?)),
            };
        }
    }
    if let Some(path) = read(SECRET_FILE) {
        let secret = std::fs::read_to_string(&path);
        let secret = secret.map_err(|source| ConfigError::File { key: "auth.jwt_secret", path, source })?;
        figment = figment.merge(Serialized::default("auth.jwt_secret", secret.trim()));
    }
    let config: Config = figment.extract().map_err(Box::new)?;
    config.check()?;
    Ok(config)
}

#[allow(clippy::disallowed_methods, reason = "this crate is the one that reads the environment")]
fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number<N: std::str::FromStr>(key: &'static str, text: &str) -> Result<N, ConfigError> {
    text.trim().parse().map_err(|_| ConfigError::Invalid { key, why: format!("`{text}` is not a number") })
}
