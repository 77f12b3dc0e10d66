//! Loading: three sources, later ones win. In come the defaults, a file and the environment; out comes a
//! checked [`Config`], or an error in one line.

use crate::environment::Environment;
use crate::sources::DEFAULTS;
use crate::{Config, ConfigError, explain};
use figment::Figment;
use figment::providers::{Format, Toml};
use std::path::Path;

/// Reads and checks all settings. `file` is an optional TOML file with any of the keys.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    load_from(file, &Environment::of_process())
}

/// The settings of the defaults, whatever the environment of the process holds; for tests.
pub fn defaults() -> Config {
    load_from(None, &Environment::default()).expect("the defaults are valid")
}

/// As [`load`], with this environment.
pub(crate) fn load_from(file: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    if let Some(file) = file {
        figment = figment.merge(Toml::file_exact(file));
    }
    let figment = environment.merge_into(figment)?;
    let unreadable = |error: figment::Error| ConfigError::Unreadable(explain::unreadable(&error));
    let config: Config = figment.extract().map_err(unreadable)?;
    config.check().map_err(|error| match error {
        ConfigError::Invalid { key, why, .. } => {
            ConfigError::Invalid { key, given: explain::given(&figment, key), why }
        }
        other => other,
    })?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load_from(None, &variables.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn long_and_short_names_set_keys_and_the_short_name_wins() {
        let config = with(&[
            ("EVENTFLOW_GATEWAY__RECOVERY_WINDOW_MS", "60000"),
            ("EVENTFLOW_AUTH__JWT_SECRET", "01234567890123456789012345678901"),
            ("EVENTFLOW_LOG__LEVEL", "debug"),
            ("EVENTFLOW_TRACING__SAMPLE_RATIO", "0.5"),
            ("LOG_LEVEL", "warn"),
            ("SHARDS", "2"),
            ("BASE_URL", ""),
        ])
        .unwrap();
        assert_eq!((config.gateway.recovery_window_ms, config.broker.shards), (60_000, 2));
        assert_eq!(config.auth.jwt_secret.expose(), "01234567890123456789012345678901");
        assert_eq!((config.log.level.as_str(), config.server.base_url.as_str()), ("warn", ""));
    }

    #[test]
    fn a_variable_that_means_nothing_is_refused_with_the_name_that_was_meant() {
        for (name, said) in [
            ("EVENTFLOW_LOG_LEVEL", "did you mean EVENTFLOW_LOG__LEVEL?"),
            ("EVENTFLOW_LISTEN", "did you mean LISTEN?"),
            ("EVENTFLOW_JWT_SECRET", "did you mean JWT_SECRET?"),
            ("EVENTFLOW_GATEWAY_RECOVERY_WINDOW_MS", "did you mean EVENTFLOW_GATEWAY__RECOVERY_WINDOW_MS?"),
            ("EVENTFLOW_GATEWAY__NO_SUCH_KEY", "EVENTFLOW_<SECTION>__<KEY>"),
            ("EVENTFLOW_SETTING", "--print-config"),
        ] {
            let error = with(&[(name, "1")]).expect_err(name);
            assert!(error.contains(name) && error.contains(said), "{error}");
        }
    }

    #[test]
    fn what_an_orchestrator_makes_of_a_service_called_eventflow_is_no_setting() {
        let links = [
            ("EVENTFLOW_SERVICE_HOST", "10.0.0.1"),
            ("EVENTFLOW_SERVICE_PORT", "8080"),
            ("EVENTFLOW_SERVICE_PORT_HTTP", "8080"),
            ("EVENTFLOW_PORT", "tcp://10.0.0.1:8080"),
            ("EVENTFLOW_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("EVENTFLOW_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("EVENTFLOW_WS_GATEWAY_PORT_8080_TCP_PROTO", "tcp"),
        ];
        assert!(with(&links).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_with_the_key_and_what_is_right() {
        for (name, value, said) in [
            ("LISTEN", "8080", "`server.listen` (LISTEN): `8080` is no address to listen on; write IP:PORT"),
            (
                "ADMIN_LISTEN",
                "localhost:9464",
                "`admin.listen` (ADMIN_LISTEN): `localhost:9464` is no address",
            ),
            ("SHARDS", "many", "`broker.shards` (SHARDS): `many` is no whole number"),
            ("SHARDS", "0", "`broker.shards` (SHARDS) is `0`: must be 1 to 64"),
            ("SHARDS", "70000", "`broker.shards` (SHARDS)"),
            ("LOG_LEVEL", "verbose", "`log.level` (LOG_LEVEL) is `verbose`: must be error, warn"),
            ("LOG_FORMAT", "colourful", "`log.format` (LOG_FORMAT): `colourful` is none of pretty, json"),
            ("DEMO", "maybe", "`demo.mode` (DEMO): `maybe` is none of on, off, auto"),
            (
                "TRACE_SAMPLE_RATIO",
                "half",
                "`tracing.sample_ratio` (TRACE_SAMPLE_RATIO): `half` is no number",
            ),
            ("EVENTFLOW_GATEWAY__PING_TIMEOUT_MS", "soon", "`soon` is no whole number"),
            ("RABBITMQ_URL", "http://user:hunter2@x", "`broker.url` (RABBITMQ_URL): must start with"),
        ] {
            let error = with(&[(name, value)]).expect_err(value);
            assert!(error.contains(said), "{error}");
            let is_plain = !error.contains('\n') && !error.contains("SocketAddr") && !error.contains(".rs");
            assert!(is_plain && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_file_is_named_and_its_secrets_are_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("eventflow.toml");
        let with = |text: &str| {
            std::fs::write(&file, text).unwrap();
            load_from(Some(&file), &Environment::default()).map_err(|error| error.to_string())
        };
        for (text, said) in [
            ("[auth]\njwt_secret = 12345678", "`auth.jwt_secret` (JWT_SECRET)"),
            ("[auth]\njwt_secret = \"12345678\nx", "read the configuration"),
            ("[server]\nlisten = 8080", "`8080` is no address"),
            ("[broker]\nshard = 2", "`broker.shard`"),
        ] {
            let error = with(text).expect_err(text);
            assert!(error.contains(said) && error.contains("eventflow.toml"), "{error}");
            assert!(!error.contains("12345678") && !error.contains('\n'), "{error}");
        }
        assert_eq!(with("[rest]\ntrusted_proxies = 2").unwrap().rest.trusted_proxies, "2");
        let missing = load_from(Some(Path::new("/nonexistent/x.toml")), &Environment::default());
        assert!(missing.unwrap_err().to_string().contains("/nonexistent/x.toml"));
    }
}
