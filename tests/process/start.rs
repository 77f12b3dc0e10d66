//! Start: what a process tells of itself, and of a store that is away.

use eventflow_testkit::system::{SECRET, SINGLE};
use eventflow_testkit::{Process, System, eventually};
use std::time::Duration;

/// Long enough for several attempts to reach a server, and for all stages to notice that it is away.
const SEVERAL_ATTEMPTS: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn the_first_line_of_the_log_tells_what_runs_here_on_what_and_for_whom() {
    let mut system = System::single(&[]).await.unwrap();
    let log = system.process(SINGLE).log();
    let first = log.lines().next().unwrap_or_default();
    let said = [
        "EventFlow messaging starts",
        concat!("release=\"", env!("CARGO_PKG_VERSION"), "\""),
        "broker=\"embedded:\"",
        "store=\"embedded:\"",
        "presence=\"memory:\"",
        "data=\"/",
        "clients=\"127.0.0.1:",
        "operators=127.0.0.1:",
        "demo=\"off\"",
    ];
    for part in said {
        assert!(first.contains(part), "{part}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_for_everybody_is_a_warning() {
    let mut system = System::single(&[("DEMO", "on")]).await.unwrap();
    let log = system.process(SINGLE).log();
    let warned = log.lines().any(|line| line.contains("WARN") && line.contains("DEMO=on"));
    assert!(warned, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_one_line_with_its_cause_and_what_happens_next() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let settings = [
        ("LISTEN", "127.0.0.1:0"),
        ("ADMIN_LISTEN", "127.0.0.1:0"),
        ("DATA_DIR", data.as_str()),
        ("JWT_SECRET", SECRET),
        ("MONGODB_URI", "mongodb://user:hunter2@127.0.0.1:1/eventflow"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let process = Process::start(SINGLE, &[], &settings, folder.path()).unwrap();
    let away = "the store cannot be used";
    eventually("the log tells that the store is away", async || process.log().contains(away).then_some(()))
        .await
        .unwrap();
    // sleep: what is tried again meanwhile must not be told again
    tokio::time::sleep(SEVERAL_ATTEMPTS).await;
    let log = process.log();
    let is_warning = |line: &&str| ["WARN", "ERROR"].iter().any(|level| line.contains(level));
    // What is not sent without a provider is told too.
    let lines: Vec<&str> = log.lines().filter(is_warning).filter(|line| !line.contains("is set:")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("writes are queued") && lines[0].contains("127.0.0.1:1"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}
