//! A short run of `tests/kill`: processes and RabbitMQ are killed with `kill -9` while messages flow, and the
//! ledger stays clean.
//!
//! `EVENTFLOW_TEST_KILLS` and `EVENTFLOW_TEST_KILL_SECONDS` make the run longer. The fleet gets servers of
//! its own, because its RabbitMQ is killed too.

use eventflow_testkit::process::binaries;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

const KILLS: &str = "4";
const SECONDS: &str = "24";
/// Time beyond the run itself: the set-up, the last restarts, and reading every history for the ledger.
const REST: Duration = Duration::from_mins(4);
/// Number added to every port of the servers and systems of this test.
const SERVICES_SHIFT: &str = "5300";
const FLEET_SHIFT: &str = "5400";
const SINGLE_SHIFT: &str = "5500";

#[tokio::test]
async fn nothing_is_lost_doubled_or_reordered_while_parts_of_a_fleet_and_rabbitmq_are_killed() {
    let stage = Stage::new(FLEET_SHIFT);
    stage.servers().await;
    stage.kill("fleet").await;
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_reordered_while_the_single_process_is_killed() {
    Stage::new(SINGLE_SHIFT).kill("single").await;
}

/// A folder and ports of this test's own for the scripts of `tests/`. Dropping it ends what they started.
struct Stage {
    folder: TempDir,
    shift: &'static str,
}

impl Stage {
    fn new(shift: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), shift }
    }

    /// Starts RabbitMQ, MongoDB and Redis.
    async fn servers(&self) {
        let started = Command::from(self.script("services", &["start"])).output().await.unwrap();
        assert!(started.status.success(), "{}", said(&started));
    }

    /// Runs the kills and lets the ledger judge.
    async fn kill(&self, shape: &str) {
        let (kills, seconds) =
            (setting("EVENTFLOW_TEST_KILLS", KILLS), setting("EVENTFLOW_TEST_KILL_SECONDS", SECONDS));
        let arguments = ["--shape", shape, "--kills", &kills, "--duration", &seconds];
        let killing = Command::from(self.script("kill", &arguments)).kill_on_drop(true).output();
        let patience = REST + Duration::from_secs(seconds.parse().unwrap());
        let killed = timeout(patience, killing).await.expect("the run ends").unwrap();
        let said = said(&killed);
        assert!(killed.status.success(), "{}: {said}", killed.status);
        assert_eq!(
            said.matches(" back at ").count(),
            kills.parse::<usize>().unwrap(),
            "every kill happened: {said}"
        );
    }

    fn script(&self, name: &str, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
        for given in ["RABBITMQ_URL", "RABBITMQ_MANAGEMENT_URL", "MONGODB_URI", "REDIS_URL"] {
            command.env_remove(given);
        }
        let (services, system) = (self.folder.path().join("services"), self.folder.path().join("system"));
        command.env("EVENTFLOW_BIN_DIR", binaries().unwrap()).stdin(Stdio::null()).args(arguments);
        command.env("EVENTFLOW_SERVICES_DIR", services).env("EVENTFLOW_SERVICES_PORT_SHIFT", SERVICES_SHIFT);
        command.env("EVENTFLOW_SYSTEM_DIR", system).env("EVENTFLOW_SYSTEM_PORT_SHIFT", self.shift);
        command
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for (name, argument) in [("system", "stop"), ("services", "wipe")] {
            // A script reports by itself that there is nothing to end.
            let _ = self.script(name, &[argument]).output();
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[allow(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says how long; this is no configuration"
)]
fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}
