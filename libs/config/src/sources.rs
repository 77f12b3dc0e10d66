//! The names of settings: the defaults, which have every key, and the short names of the environment.

/// The text of `default.toml`, for `--print-config` and for the test that every key is explained.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Short environment names: those of the published document, and those that an operator types often. Values
/// are text (a password of digits stays one) except where the key is a number.
pub(crate) const ALIASES: &[(&str, &str, ValueKind)] = &[
    ("LISTEN", "server.listen", ValueKind::Text),
    ("BASE_URL", "server.base_url", ValueKind::Text),
    ("ALLOWED_ORIGINS", "server.allowed_origins", ValueKind::Text),
    ("EMBED_ORIGINS", "server.embed_origins", ValueKind::Text),
    ("CONNECTIONS_PER_IP", "server.connections_per_ip", ValueKind::Number),
    ("ADMIN_LISTEN", "admin.listen", ValueKind::Text),
    ("DATA_DIR", "data.dir", ValueKind::Text),
    ("RABBITMQ_URL", "broker.url", ValueKind::Text),
    ("SHARDS", "broker.shards", ValueKind::Number),
    ("MONGODB_URI", "store.url", ValueKind::Text),
    ("MONGODB_PREFIX", "store.collection_prefix", ValueKind::Text),
    ("REDIS_URL", "presence.url", ValueKind::Text),
    ("JWT_SECRET", "auth.jwt_secret", ValueKind::Text),
    ("JWT_SECRET_PREVIOUS", "auth.jwt_secret_previous", ValueKind::Text),
    ("UNSUBSCRIBE_SECRET", "auth.unsubscribe_secret", ValueKind::Text),
    ("JWKS_URL", "auth.jwks_url", ValueKind::Text),
    ("JWKS_FILE", "auth.jwks_file", ValueKind::Text),
    ("JWT_ISSUER", "auth.jwt_issuer", ValueKind::Text),
    ("JWT_AUDIENCE", "auth.jwt_audience", ValueKind::Text),
    ("EVENTS_PER_MINUTE", "gateway.events_per_minute", ValueKind::Number),
    ("EVENTS_PER_MINUTE_USER", "gateway.events_per_minute_user", ValueKind::Number),
    ("SOCKETS_PER_USER", "gateway.sockets_per_user", ValueKind::Number),
    ("SOCKETS_PER_IP", "gateway.sockets_per_ip", ValueKind::Number),
    ("JOINS_PER_SECOND", "gateway.joins_per_second", ValueKind::Number),
    ("SHED_AT_MS", "gateway.shed_at_ms", ValueKind::Number),
    ("EMAIL_ENABLED", "email.enabled", ValueKind::Switch),
    ("POSTMARK_API_KEY", "email.postmark_api_key", ValueKind::Text),
    ("POSTMARK_FROM", "email.from", ValueKind::Text),
    ("SMTP_URL", "email.smtp_url", ValueKind::Text),
    ("EMAIL_WEBHOOK_SECRET", "email.webhook_secret", ValueKind::Text),
    ("EMAIL_TEMPLATES", "email.templates", ValueKind::Text),
    ("EMAIL_PRODUCT", "email.product", ValueKind::Text),
    ("EMAIL_SETTINGS_URL", "email.settings_url", ValueKind::Text),
    ("CONTENT_MARKUP", "content.markup", ValueKind::Text),
    ("V1_UPSTREAM_URL", "v1.upstream_url", ValueKind::Text),
    ("V1_PER_MINUTE_IP", "v1.per_minute_ip", ValueKind::Number),
    ("REST_PER_MINUTE_USER", "rest.per_minute_user", ValueKind::Number),
    ("REST_PER_MINUTE_IP", "rest.per_minute_ip", ValueKind::Number),
    ("REST_ANSWERS_KB", "rest.answers_kb", ValueKind::Number),
    ("THREADS_START_WITH", "threads.start_with", ValueKind::Text),
    ("THREADS_PEOPLE_MAX", "threads.people_max", ValueKind::Number),
    ("THREADS_PEOPLE_MAX_BY_ROLE", "threads.people_max_by_role", ValueKind::Text),
    ("THREADS_NEW_PER_HOUR", "threads.new_per_hour", ValueKind::Number),
    ("PEOPLE_SEARCH", "people.search", ValueKind::Text),
    ("EMAIL_GRACE_S", "notifications.email_grace_s", ValueKind::Number),
    ("PUSH_GRACE_S", "notifications.push_grace_s", ValueKind::Number),
    ("SENDS_PER_SECOND", "notifications.sends_per_second", ValueKind::Number),
    ("NOTIFICATION_TEMPLATES", "notifications.templates", ValueKind::Text),
    ("DELIVERY_LOG_DAYS", "notifications.log_days", ValueKind::Number),
    ("REPLAYS_PER_SECOND", "dead_letters.replays_per_second", ValueKind::Number),
    ("DEAD_LETTERS_KEPT_DAYS", "dead_letters.kept_days", ValueKind::Number),
    ("TRUSTED_PROXIES", "rest.trusted_proxies", ValueKind::Text),
    ("FORWARDED_HEADER", "rest.forwarded_header", ValueKind::Text),
    ("FIREBASE_CREDENTIALS", "push.firebase_credentials", ValueKind::Text),
    ("VAPID_PRIVATE_KEY", "push.vapid_private_key", ValueKind::Text),
    ("VAPID_PUBLIC_KEY", "push.vapid_public_key", ValueKind::Text),
    ("VAPID_SUBJECT", "push.vapid_subject", ValueKind::Text),
    ("SHUTDOWN_DELAY_MS", "shutdown.delay_ms", ValueKind::Number),
    ("SHUTDOWN_SPREAD_MS", "shutdown.spread_ms", ValueKind::Number),
    ("LOG_FORMAT", "log.format", ValueKind::Text),
    ("LOG_LEVEL", "log.level", ValueKind::Text),
    ("OTLP_ENDPOINT", "tracing.otlp_endpoint", ValueKind::Text),
    ("TRACE_SAMPLE_RATIO", "tracing.sample_ratio", ValueKind::Fraction),
    ("TRACE_CONTINUE", "tracing.continue_requests", ValueKind::Switch),
    ("DEMO", "demo.mode", ValueKind::Text),
    ("ATTACHMENTS_URL", "attachments.url", ValueKind::Text),
    ("ATTACHMENTS_S3_ENDPOINT", "attachments.s3_endpoint", ValueKind::Text),
    ("AWS_REGION", "attachments.s3_region", ValueKind::Text),
    ("AWS_ACCESS_KEY_ID", "attachments.s3_access_key_id", ValueKind::Text),
    ("AWS_SECRET_ACCESS_KEY", "attachments.s3_secret_access_key", ValueKind::Text),
    ("AWS_SESSION_TOKEN", "attachments.s3_session_token", ValueKind::Text),
    ("ATTACHMENTS_FILE_MAX_MB", "attachments.file_max_mb", ValueKind::Number),
    ("ATTACHMENTS_USER_QUOTA_MB", "attachments.user_quota_mb", ValueKind::Number),
    ("ATTACHMENTS_TYPES", "attachments.types", ValueKind::Text),
    ("ATTACHMENTS_ORIGIN", "attachments.origin", ValueKind::Text),
    ("ATTACHMENTS_AT_ONCE", "attachments.at_once", ValueKind::Number),
    ("ATTACHMENTS_AT_ONCE_USER", "attachments.at_once_user", ValueKind::Number),
    ("ATTACHMENTS_UNSENT_HOURS", "attachments.unsent_hours", ValueKind::Number),
];
/// Keys whose values may hold a secret or a password.
const SECRETS: [&str; 16] = [
    "attachments.s3_secret_access_key",
    "attachments.s3_session_token",
    "auth.jwt_secret",
    "auth.jwt_secret_previous",
    "auth.unsubscribe_secret",
    "broker.url",
    "email.postmark_api_key",
    "email.postmark_smtp",
    "email.smtp_url",
    "email.webhook_secret",
    "presence.url",
    "push.firebase_credentials",
    "push.vapid_private_key",
    "store.url",
    "tracing.otlp_endpoint",
    "v1.upstream_url",
];

/// Whether the value of this key must not be shown.
pub(crate) fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key)
}

/// What the name of a file that holds a secret ends in, as container platforms mount it.
const FILE: &str = "_FILE";

/// What a value from the environment is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Text,
    Number,
    Fraction,
    Switch,
}

/// The short environment names and the keys they set.
pub fn aliases() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALIASES.iter().map(|(name, key, _)| (*name, *key))
}

/// The environment names of files that hold a secret, and the keys whose values they hold: every short name
/// of a secret, with `_FILE` behind it.
pub fn secret_files() -> impl Iterator<Item = (String, &'static str)> {
    aliases().filter(|(_, key)| is_secret(key)).map(|(name, key)| (format!("{name}{FILE}"), key))
}
