//! Checks of settings that a type cannot express: ranges, URL schemes, and settings that do not go together.

use crate::{Config, ConfigError, EMBEDDED, MEMORY, explain};

/// Shards: the range of the topology.
const SHARDS: std::ops::RangeInclusive<u16> = 1..=64;
/// Prefix of collections: what MongoDB takes in a name without an escape, and short enough for every name.
const PREFIX_MAX_BYTES: usize = 32;
/// Longest wait before somebody is told, in seconds: whoever wants more has digests.
const GRACE_MAX_S: u32 = 86_400;
/// Days of the delivery log. A daily digest must not outlive the rows that keep it from being told again.
const LOG_DAYS: std::ops::RangeInclusive<u32> = 2..=3_650;
/// People told in a second: more than any store writes is a mistake.
const SENDS_PER_SECOND: std::ops::RangeInclusive<u32> = 1..=100_000;
/// Dead letters sent in a second: more than the workers carry is a mistake.
const REPLAYS_PER_SECOND: std::ops::RangeInclusive<u32> = 1..=10_000;
/// People in a thread: what the protocol allows.
const PEOPLE: std::ops::RangeInclusive<u32> = 2..=5_000;
/// Longest delay before a gateway closes its listener: balancers look at least once in five minutes.
const DELAY_MS_MAX: u64 = 300_000;
/// Pings: only protocol test suites need shorter ones; longer ones let proxies cut idle sockets.
const PING_MS: std::ops::RangeInclusive<u64> = 100..=300_000;
/// Recovery: less than 64 KiB would keep not even one large event; more than 64 GiB is a mistake in the unit.
const RECOVERY_BYTES: std::ops::RangeInclusive<usize> = 64 * 1024..=64 * 1024 * 1024 * 1024;
/// Answers: so many that a user's share holds a page, up to the memory of a large machine.
const ANSWERS_KB: std::ops::RangeInclusive<u32> = 8 * 1024..=16 * 1024 * 1024;

/// What a process of a fleet needs beside the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetNeeds {
    /// The store that all share.
    pub store: bool,
    /// The secret that all gateways share.
    pub secret: bool,
}

/// Levels of log lines.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
const LEVELS_EXPECTED: &str = "must be error, warn, info, debug, trace or off, or a filter of such levels like \
     info,eventflow_bus=debug";

impl Config {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        require("broker.shards", SHARDS.contains(&self.broker.shards), "must be 1 to 64")?;
        let ping = "must be 100 to 300000 milliseconds";
        require("gateway.ping_interval_ms", PING_MS.contains(&self.gateway.ping_interval_ms), ping)?;
        require("gateway.ping_timeout_ms", PING_MS.contains(&self.gateway.ping_timeout_ms), ping)?;
        self.check_recovery()?;
        let delay_fits = self.shutdown.delay_ms <= DELAY_MS_MAX;
        require("shutdown.delay_ms", delay_fits, "must be at most 300000 milliseconds")?;
        let spread_fits = self.shutdown.spread_ms < self.shutdown.timeout_ms;
        require("shutdown.spread_ms", spread_fits, "must be less than shutdown.timeout_ms")?;
        let answers_fit = ANSWERS_KB.contains(&self.rest.answers_kb);
        require("rest.answers_kb", answers_fit, "must be 8192 to 16777216 kilobytes")?;
        scheme("broker.url", self.broker.url.expose(), &[EMBEDDED, "amqp://", "amqps://"])?;
        scheme("store.url", self.store.url.expose(), &[EMBEDDED, "mongodb://"])?;
        scheme("presence.url", self.presence.url.expose(), &[MEMORY, "redis://"])?;
        self.check_prefix()?;
        self.check_threads()?;
        self.check_notifications()?;
        self.check_dead_letters()?;
        self.check_attachments()?;
        require("log.level", are_levels(&self.log.level), LEVELS_EXPECTED)?;
        let base_url = self.server.base_url.as_str();
        let is_beginning =
            !base_url.contains(|c: char| "?#\\".contains(c) || c.is_whitespace() || c.is_control());
        require("server.base_url", is_beginning, "must have no ? and no #: links begin with it")?;
        self.check_upstream()?;
        self.check_push()?;
        self.check_tracing()?;
        self.check_email()?;
        self.check_auth()
    }

    fn check_recovery(&self) -> Result<(), ConfigError> {
        let (all, one) = (self.gateway.recovery_bytes, self.gateway.recovery_bytes_per_user);
        require("gateway.recovery_bytes", RECOVERY_BYTES.contains(&all), "must be 64 KiB to 64 GiB")?;
        let fits = RECOVERY_BYTES.contains(&one) && one <= all;
        let what = "must be 64 KiB or more, and at most gateway.recovery_bytes";
        require("gateway.recovery_bytes_per_user", fits, what)
    }

    fn check_prefix(&self) -> Result<(), ConfigError> {
        let prefix = self.store.collection_prefix.as_str();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let fits = prefix.len() <= PREFIX_MAX_BYTES && prefix.bytes().all(is_plain);
        require("store.collection_prefix", fits, "must be at most 32 letters, digits, - and _")
    }

    fn check_notifications(&self) -> Result<(), ConfigError> {
        let settings = &self.notifications;
        let seconds = "must be 0 to 86400";
        require("notifications.email_grace_s", settings.email_grace_s <= GRACE_MAX_S, seconds)?;
        require("notifications.push_grace_s", settings.push_grace_s <= GRACE_MAX_S, seconds)?;
        let fits = SENDS_PER_SECOND.contains(&settings.sends_per_second);
        require("notifications.sends_per_second", fits, "must be 1 to 100000")?;
        require("notifications.log_days", LOG_DAYS.contains(&settings.log_days), "must be 2 to 3650")
    }

    fn check_dead_letters(&self) -> Result<(), ConfigError> {
        let settings = &self.dead_letters;
        let fits = REPLAYS_PER_SECOND.contains(&settings.replays_per_second);
        require("dead_letters.replays_per_second", fits, "must be 1 to 10000")?;
        require("dead_letters.kept_days", LOG_DAYS.contains(&settings.kept_days), "must be 2 to 3650")
    }

    fn check_threads(&self) -> Result<(), ConfigError> {
        let sizes = "must be 2 to 5000";
        require("threads.people_max", PEOPLE.contains(&self.threads.people_max), sizes)?;
        let by_role = self.threads.by_role();
        let fits = by_role.is_some_and(|sizes| sizes.values().all(|most| PEOPLE.contains(most)));
        require("threads.people_max_by_role", fits, "must be role=number, with 2 to 5000, comma-separated")
    }

    /// Accepts an address and nothing else: a path or a query would be lost, and a password would be sent on
    /// to whoever listens there.
    fn check_upstream(&self) -> Result<(), ConfigError> {
        let url = self.v1.upstream_url.as_str();
        let authority = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let is_plain = authority.is_some_and(|rest| {
            let rest = rest.strip_suffix('/').unwrap_or(rest);
            !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ', '\\'])
        });
        require(
            "v1.upstream_url",
            url.is_empty() || is_plain,
            "must be http://host:port or https://host:port, without a path",
        )
    }

    fn check_push(&self) -> Result<(), ConfigError> {
        let push = &self.push;
        scheme("push.fcm_url", &push.fcm_url, &["https://"])?;
        let subject = push.vapid_subject.as_str();
        let address = subject.strip_prefix("mailto:").filter(|address| address.contains('@'));
        let site = subject.strip_prefix("https://").filter(|site| !site.is_empty() && !site.starts_with('/'));
        let is_known = subject.is_empty() || address.or(site).is_some();
        let is_plain = subject.bytes().all(|byte| byte.is_ascii_graphic());
        require("push.vapid_subject", is_known && is_plain, "must be mailto:ADDRESS or https://…")?;
        let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte);
        require(
            "push.vapid_public_key",
            push.vapid_public_key.bytes().all(is_key),
            "must be a public key in base64url",
        )
    }

    fn check_tracing(&self) -> Result<(), ConfigError> {
        let url = self.tracing.otlp_endpoint.as_str();
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let is_address = rest.is_some_and(|rest| {
            !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', '@', ' ', '\\'])
        });
        let what =
            "must be http://host:port or https://host:port, with a path or without, without a password";
        require("tracing.otlp_endpoint", url.is_empty() || is_address, what)?;
        let ratio = self.tracing.sample_ratio;
        require("tracing.sample_ratio", (0.0..=1.0).contains(&ratio), "must be 0.0 to 1.0")
    }
}

impl Config {
    /// Accepts a process of a fleet only with what it shares with the others: on embedded backends of its own
    /// it would wait for ever for messages that never come.
    pub fn check_fleet_process(&self, process: &'static str, needs: FleetNeeds) -> Result<(), ConfigError> {
        let FleetNeeds { store: needs_store, secret: needs_secret } = needs;
        let has_secret = !self.auth.jwt_secret.is_empty() || self.auth.needs_no_token_secret();
        let missing: Vec<String> = [
            ("broker.url", self.embedded_broker()),
            ("store.url", needs_store && self.embedded_store()),
            ("auth.jwt_secret", needs_secret && !has_secret && !self.auth.has_public_keys()),
            ("auth.unsubscribe_secret", needs_secret && !has_secret && self.auth.has_public_keys()),
        ]
        .into_iter()
        .filter(|(_, is_missing)| *is_missing)
        .map(|(key, _)| explain::named(key))
        .collect();
        if missing.is_empty() { Ok(()) } else { Err(ConfigError::Missing { process, missing }) }
    }
}

/// Whether this is a level, or a filter whose every part names one. A word that is no level would count as
/// the name of a module, and silence all others.
fn are_levels(text: &str) -> bool {
    let is_level = |word: &str| LEVELS.iter().any(|level| word.trim().eq_ignore_ascii_case(level));
    text.split(',').all(|part| is_level(part.rsplit_once('=').map_or(part, |(_, level)| level)))
}

pub(crate) fn require(key: &'static str, holds: bool, why: &str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Invalid { key, given: String::new(), why: why.to_owned() }) }
}

fn scheme(key: &'static str, url: &str, allowed: &[&str]) -> Result<(), ConfigError> {
    let known = allowed.iter().any(|scheme| url.starts_with(scheme));
    require(key, known, &format!("must start with one of {}", allowed.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::FleetNeeds;
    use crate::{Config, ConfigError, DEFAULTS, Secret};
    use figment::Figment;
    use figment::providers::{Format, Toml};

    fn with(toml: &str) -> Result<Config, String> {
        let figment = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(toml));
        let config: Config = figment.extract().map_err(|error| error.to_string())?;
        config.check().map_err(|error: ConfigError| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn the_defaults_are_valid() {
        assert!(with("").is_ok());
    }

    #[test]
    fn a_bad_value_is_refused_by_the_name_of_its_key() {
        for (toml, key) in [
            ("broker.shards = 0", "broker.shards"),
            ("broker.url = 'http://x'", "broker.url"),
            ("auth.jwt_secret = 'short'", "auth.jwt_secret"),
            ("auth.jwt_secret = 'your-secret-key-min-32-chars-0123456789'", "auth.jwt_secret"),
            ("auth.jwt_secret_previous = 'short'", "auth.jwt_secret_previous"),
            ("auth.unsubscribe_secret = 'short'", "auth.unsubscribe_secret"),
            (
                "[auth]\njwt_secret = '0123456789abcdef0123456789abcdef'\njwt_secret_previous = '0123456789abcdef0123456789abcdef'",
                "auth.jwt_secret_previous",
            ),
            ("v1.upstream_url = 'old:3000'", "v1.upstream_url"),
            ("v1.upstream_url = 'http://'", "v1.upstream_url"),
            ("v1.upstream_url = 'http://old:3000/api'", "v1.upstream_url"),
            ("v1.upstream_url = 'http://user:password@old'", "v1.upstream_url"),
            ("store.collection_prefix = 'a.b'", "store.collection_prefix"),
            ("store.host_key = 'email'", "store.host_key"),
            ("threads.start_with = 'friends'", "threads.start_with"),
            ("people.search = 'friends'", "people.search"),
            ("notifications.email_grace_s = 86401", "notifications.email_grace_s"),
            ("notifications.push_grace_s = 86401", "notifications.push_grace_s"),
            ("notifications.log_days = 1", "notifications.log_days"),
            ("notifications.sends_per_second = 0", "notifications.sends_per_second"),
            ("dead_letters.replays_per_second = 0", "dead_letters.replays_per_second"),
            ("dead_letters.kept_days = 1", "dead_letters.kept_days"),
            ("threads.people_max = 1", "threads.people_max"),
            ("threads.people_max_by_role = 'admin'", "threads.people_max_by_role"),
            ("threads.people_max_by_role = 'admin=5001'", "threads.people_max_by_role"),
            ("threads.people_max_by_role = '=5'", "threads.people_max_by_role"),
            ("content.markup = 'escape'", "content.markup"),
            ("server.listen = 'nowhere'", "server.listen"),
            ("server.lissten = 'x'", "lissten"),
            ("push.fcm_url = 'http://x'", "push.fcm_url"),
            ("push.vapid_subject = 'me'", "push.vapid_subject"),
            ("push.vapid_subject = 'mailto:'", "push.vapid_subject"),
            ("push.vapid_subject = 'https://'", "push.vapid_subject"),
            ("push.vapid_public_key = 'a b'", "push.vapid_public_key"),
            ("push.allow_private_endpoints = 'yes'", "push.allow_private_endpoints"),
            ("log.level = 'verbose'", "log.level"),
            ("log.level = ''", "log.level"),
            ("log.level = 'info,eventflow_bus=loud'", "log.level"),
            ("log.level = 'eventflow_bus'", "log.level"),
            ("gateway.ping_interval_ms = 'soon'", "gateway.ping_interval_ms"),
            ("shutdown.delay_ms = 300001", "shutdown.delay_ms"),
            ("shutdown.spread_ms = 40000", "shutdown.spread_ms"),
            ("rest.answers_kb = 8191", "rest.answers_kb"),
            ("tracing.otlp_endpoint = 'collector:4318'", "tracing.otlp_endpoint"),
            ("tracing.otlp_endpoint = 'http://'", "tracing.otlp_endpoint"),
            ("tracing.otlp_endpoint = 'http://user:password@collector'", "tracing.otlp_endpoint"),
            ("tracing.otlp_endpoint = 'http://collector?x=1'", "tracing.otlp_endpoint"),
            ("tracing.sample_ratio = 1.5", "tracing.sample_ratio"),
            ("tracing.sample_ratio = -0.1", "tracing.sample_ratio"),
            ("tracing.sample_ratio = nan", "tracing.sample_ratio"),
            ("tracing.sample_ratio = 'some'", "tracing.sample_ratio"),
        ] {
            let error = with(toml).expect_err(toml);
            assert!(error.contains(key), "{toml}: {error}");
        }
    }

    #[test]
    fn a_level_may_be_a_filter_and_in_capitals() {
        for level in
            ["off", "WARN", "info,eventflow_bus=debug", "warn, lapin=off,eventflow_ingress::ws=trace"]
        {
            assert!(with(&format!("log.level = '{level}'")).is_ok(), "{level}");
        }
    }

    #[test]
    fn a_process_of_a_fleet_says_all_that_it_lacks() {
        let needs = FleetNeeds { store: true, secret: true };
        let lacks = |toml, needs| with(toml).unwrap().check_fleet_process("ws-gateway", needs);
        let error = lacks("", needs).expect_err("nothing is set").to_string();
        for name in ["ws-gateway", "RABBITMQ_URL", "MONGODB_URI", "JWT_SECRET"] {
            assert!(error.contains(name), "{error}");
        }
        let error = lacks("broker.url = 'amqp://x'", FleetNeeds { secret: false, ..needs }).unwrap_err();
        assert!(!error.to_string().contains("RABBITMQ_URL"), "{error}");
        assert!(lacks("broker.url = 'amqp://x'", FleetNeeds { store: false, secret: false }).is_ok());
        let keys =
            "auth.jwks_url = 'https://id.example/keys'\nbroker.url = 'amqp://x'\nstore.url = 'mongodb://x'";
        let error = lacks(keys, needs).expect_err("nothing makes links").to_string();
        assert!(error.contains("UNSUBSCRIBE_SECRET") && !error.contains("JWT_SECRET"), "{error}");
        let own = format!("auth.unsubscribe_secret = '{}'\n{keys}", "x".repeat(32));
        assert!(lacks(&own, needs).is_ok());
    }

    #[test]
    fn roles_have_sizes_of_their_own() {
        let config = with("threads.people_max_by_role = 'admin=5000, teacher = 40,'").unwrap();
        let sizes: Vec<_> = config.threads.by_role().unwrap().into_iter().collect();
        assert_eq!(sizes, [("admin".to_owned(), 5_000), ("teacher".to_owned(), 40)]);
        assert_eq!(with("threads.people_max_by_role = ''").unwrap().threads.by_role().unwrap().len(), 0);
    }

    #[test]
    fn a_rotation_and_an_old_system_are_settings() {
        let config = with(
            "v1.upstream_url = 'https://old:3000/'\nauth.jwt_secret_previous = 'fedcba9876543210fedcba9876543210'",
        );
        assert_eq!(config.unwrap().v1.upstream_url, "https://old:3000/");
    }

    #[test]
    fn a_collector_may_have_a_path_and_a_ratio_may_be_a_whole_number() {
        let config = with("[tracing]\notlp_endpoint = 'https://collector/otlp/'\nsample_ratio = 1").unwrap();
        assert_eq!(config.tracing.otlp_endpoint, "https://collector/otlp/");
        assert!((config.tracing.sample_ratio - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_secret_is_made_only_where_nobody_else_needs_it() {
        assert!(with("").unwrap().may_generate_secret().is_ok());
        let error =
            with("store.url = 'mongodb://x'").unwrap().may_generate_secret().expect_err("others need it");
        assert!(error.to_string().contains("auth.jwt_secret"));
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }
}
