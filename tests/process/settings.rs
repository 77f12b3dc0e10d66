//! Bad settings and taken ports: a process names the setting that is wrong, and does not run.

use crate::backends::Own;
use eventflow_testkit::Process;
use eventflow_testkit::system::{FLEET, SECRET, SINGLE};
use mongodb::bson::{Document, doc};
use std::net::TcpListener;

/// A secret that no message may repeat.
const PASSWORD: &str = "hunter2hunter2";

/// Starts a binary that must refuse to run, and returns what it prints.
async fn refusal(binary: &str, arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let defaults = [("LISTEN", "127.0.0.1:0"), ("ADMIN_LISTEN", "127.0.0.1:0"), ("DATA_DIR", data.as_str())];
    let all = defaults.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut process = Process::start(binary, arguments, &all.collect::<Vec<_>>(), folder.path()).unwrap();
    let status = process.ended().await.unwrap();
    let log = process.log();
    assert_eq!(status.code(), Some(1), "{binary} {settings:?}: {log}");
    log
}

#[tokio::test]
async fn a_bad_setting_stops_the_program_at_its_start_and_is_named() {
    let secret_in_a_url = format!("http://user:{PASSWORD}@host");
    let cases: [(&str, &str, &str); 30] = [
        ("SHARDS", "0", "broker.shards"),
        ("SHARDS", "many", "broker.shards"),
        ("RABBITMQ_URL", &secret_in_a_url, "broker.url"),
        ("MONGODB_URI", &secret_in_a_url, "store.url"),
        ("REDIS_URL", &secret_in_a_url, "presence.url"),
        ("JWT_SECRET", PASSWORD, "auth.jwt_secret"),
        ("JWT_SECRET_FILE", "/nonexistent/secret", "auth.jwt_secret"),
        ("LISTEN", "nowhere", "server.listen"),
        ("LISTEN", "8080", "`server.listen` (listen): `8080` is no address to listen on; write ip:port"),
        ("LOG_LEVEL", "verbose", "`log.level` (log_level) is `verbose`: must be error, warn"),
        (
            "TRUSTED_PROXIES",
            "nginx",
            "`rest.trusted_proxies` (trusted_proxies): `nginx` is wrong; expected a number of proxies",
        ),
        ("FORWARDED_HEADER", "x-real-ip", "`rest.forwarded_header`"),
        ("BASE_URL", "chat.example.com", "`server.base_url` (base_url): `chat.example.com` is no origin"),
        ("BASE_URL", "https://x.example/path?q=1", "`server.base_url` (base_url)"),
        ("BASE_URL", "https://x.example/#start", "`server.base_url` (base_url)"),
        ("EVENTFLOW_LOG_LEVEL", "debug", "did you mean eventflow_log__level?"),
        ("EVENTFLOW_SETTING", "1", "eventflow_setting: no setting has this name"),
        ("ADMIN_LISTEN", "nowhere", "admin.listen"),
        (
            "ALLOWED_ORIGINS",
            "https://good.example,nonsense",
            "`server.allowed_origins` (allowed_origins): `nonsense` is no origin",
        ),
        (
            "EMBED_ORIGINS",
            "https://good.example,https://app.example.com/chat",
            "`server.embed_origins` (embed_origins): `https://app.example.com/chat` is no origin",
        ),
        ("EMBED_ORIGINS", "https://*.example.com", "`server.embed_origins` (embed_origins)"),
        ("EMBED_ORIGINS", "app.example.com", "`server.embed_origins` (embed_origins)"),
        ("DATA_DIR", "/dev/null/data", "data"),
        ("LOG_FORMAT", "colourful", "log.format"),
        ("OTLP_ENDPOINT", &secret_in_a_url, "tracing.otlp_endpoint"),
        ("TRACE_SAMPLE_RATIO", "2", "tracing.sample_ratio"),
        ("TRACE_SAMPLE_RATIO", "half", "tracing.sample_ratio"),
        ("EVENTFLOW_GATEWAY__PING_INTERVAL_MS", "soon", "gateway.ping_interval_ms"),
        ("EVENTFLOW_GATEWAY__NO_SUCH_KEY", "1", "no_such_key"),
        ("EVENTFLOW_SHUTDOWN__SPREAD_MS", "40000", "shutdown.spread_ms"),
    ];
    for (variable, value, key) in cases {
        // A key that was set by its long environment name is shown in capitals.
        let said = refusal(SINGLE, &[], &[(variable, value)]).await.to_lowercase();
        assert!(said.contains(key), "{variable}={value}: {said}");
        assert!(!said.contains(PASSWORD), "{variable}: a secret is repeated: {said}");
        let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(errors.len() == 1 && said.trim_end().ends_with(errors[0]), "the reason is one line: {said}");
        assert!(!said.contains(".rs:") && !said.contains("socketaddr"), "{said}");
    }
}

#[tokio::test]
async fn a_process_of_a_fleet_does_not_run_on_backends_of_its_own() {
    for binary in FLEET {
        let said = refusal(binary, &[], &[]).await;
        assert!(said.contains(binary) && said.contains("`broker.url` (RABBITMQ_URL)"), "{said}");
        let needs_secret = binary.ends_with("-gateway") || binary == "email-worker";
        assert_eq!(said.contains("`auth.jwt_secret` (JWT_SECRET)"), needs_secret, "{said}");
        assert_eq!(said.contains("`store.url` (MONGODB_URI)"), binary != "presence-sweeper", "{said}");
    }
}

#[tokio::test]
async fn a_token_is_not_signed_with_a_secret_that_no_system_has() {
    let said = refusal(SINGLE, &["token", "--user", "ann"], &[]).await;
    assert!(said.contains("jwt-secret does not exist"), "{said}");
}

#[tokio::test]
async fn every_binary_checks_its_settings() {
    for binary in FLEET {
        let said = refusal(binary, &[], &[("SHARDS", "0")]).await;
        assert!(said.contains("broker.shards"), "{binary}: {said}");
    }
}

#[tokio::test]
async fn processes_that_share_a_broker_do_not_each_make_up_a_secret() {
    let backends = [("RABBITMQ_URL", "amqp://127.0.0.1:1"), ("MONGODB_URI", "mongodb://127.0.0.1:1/x")];
    for binary in ["ws-gateway", "http-gateway"] {
        let said = refusal(binary, &[], &backends).await;
        assert!(said.contains("auth.jwt_secret"), "{binary}: {said}");
    }
}

#[tokio::test]
async fn a_settings_file_that_is_not_there_is_named() {
    let said = refusal(SINGLE, &["--config", "/nonexistent/eventflow.toml"], &[]).await;
    assert!(said.contains("/nonexistent/eventflow.toml"), "{said}");
}

#[tokio::test]
async fn a_database_of_another_system_ends_every_process_with_the_way_out() {
    let own = Own::create("foreign").await.unwrap();
    let client = mongodb::Client::with_uri_str(&own.backends.mongodb).await.unwrap();
    let database = client.default_database().unwrap();
    let old = |n: i32| doc! { "id": n, "threadId": "t1", "content": "x" };
    database.collection::<Document>("messages").insert_many((0..3).map(old)).await.unwrap();
    let servers = [
        ("RABBITMQ_URL", own.backends.rabbitmq.as_str()),
        ("MONGODB_URI", own.backends.mongodb.as_str()),
        ("REDIS_URL", own.backends.redis.as_str()),
        ("JWT_SECRET", SECRET),
    ];
    let alone = [("MONGODB_URI", own.backends.mongodb.as_str()), ("JWT_SECRET", SECRET)];
    for binary in FLEET.into_iter().chain([SINGLE]) {
        let said = refusal(binary, &[], if binary == SINGLE { &alone } else { &servers }).await;
        assert!(said.contains("MONGODB_PREFIX") && said.contains("import-v1"), "{binary}: {said}");
    }
    database.drop().await.unwrap();
    own.delete().await.unwrap();
}

#[tokio::test]
async fn a_taken_port_ends_the_process_with_that_reason() {
    let own = Own::create("port").await.unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let servers = [
        ("RABBITMQ_URL", own.backends.rabbitmq.as_str()),
        ("MONGODB_URI", own.backends.mongodb.as_str()),
        ("REDIS_URL", own.backends.redis.as_str()),
        ("JWT_SECRET", SECRET),
    ];
    let clients = [SINGLE, "ws-gateway", "http-gateway"].map(|binary| (binary, "LISTEN", "server.listen"));
    let operators = FLEET.map(|binary| (binary, "ADMIN_LISTEN", "admin.listen"));
    for (binary, variable, key) in clients.into_iter().chain(operators) {
        let backends = if binary == SINGLE { &[][..] } else { &servers[..] };
        let said = refusal(binary, &[], &[backends, &[(variable, &address)]].concat()).await;
        assert!(said.contains(&format!("{key}: bind {address}")), "{binary}: {said}");
        assert!(!said.contains("operators' endpoints"), "nobody is told that it is ready: {binary}: {said}");
    }
    own.delete().await.unwrap();
}
