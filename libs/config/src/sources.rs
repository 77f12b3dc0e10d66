//! Where settings come from: the defaults, a file, the environment.

use crate::{Config, ConfigError};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use std::path::Path;

/// The text of `default.toml`, for `--print-config` and for the test that every key is explained.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Short environment names: those of the published document, and those an operator types often. Values are taken as text
/// (a password of digits stays one) except where the key is a number.
const ALIASES: [(&str, &str, Kind); 25] = [
    ("LISTEN", "server.listen", Kind::Text),
    ("BASE_URL", "server.base_url", Kind::Text),
    ("ALLOWED_ORIGINS", "server.allowed_origins", Kind::Text),
    ("ADMIN_LISTEN", "admin.listen", Kind::Text),
    ("DATA_DIR", "data.dir", Kind::Text),
    ("RABBITMQ_URL", "broker.url", Kind::Text),
    ("SHARDS", "broker.shards", Kind::Number),
    ("MONGODB_URI", "store.url", Kind::Text),
    ("REDIS_URL", "presence.url", Kind::Text),
    ("JWT_SECRET", "auth.jwt_secret", Kind::Text),
    ("JWT_SECRET_PREVIOUS", "auth.jwt_secret_previous", Kind::Text),
    ("JWT_ISSUER", "auth.jwt_issuer", Kind::Text),
    ("JWT_AUDIENCE", "auth.jwt_audience", Kind::Text),
    ("EVENTS_PER_MINUTE", "gateway.events_per_minute", Kind::Number),
    ("SOCKETS_PER_USER", "gateway.sockets_per_user", Kind::Number),
    ("SOCKETS_PER_IP", "gateway.sockets_per_ip", Kind::Number),
    ("V1_UPSTREAM_URL", "v1.upstream_url", Kind::Text),
    ("REST_PER_MINUTE_USER", "rest.per_minute_user", Kind::Number),
    ("REST_PER_MINUTE_IP", "rest.per_minute_ip", Kind::Number),
    ("TRUSTED_PROXIES", "rest.trusted_proxies", Kind::Number),
    ("LOG_FORMAT", "log.format", Kind::Text),
    ("LOG_LEVEL", "log.level", Kind::Text),
    ("OTLP_ENDPOINT", "tracing.otlp_endpoint", Kind::Text),
    ("TRACE_SAMPLE_RATIO", "tracing.sample_ratio", Kind::Fraction),
    ("DEMO", "demo.mode", Kind::Text),
];
/// A file that holds the secret, as container platforms mount it.
const SECRET_FILE: &str = "JWT_SECRET_FILE";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
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
                Kind::Text => figment.merge(Serialized::default(key, text)),
                Kind::Number => figment.merge(Serialized::default(key, number::<u64>(key, &text)?)),
                Kind::Fraction => figment.merge(Serialized::default(key, number::<f64>(key, &text)?)),
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
