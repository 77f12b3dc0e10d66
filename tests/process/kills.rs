//! A short run of `tests/kill --mix`: processes and RabbitMQ are killed with `kill -9` while messages flow,
//! people change groups, plan messages and upload files, and both ledgers stay clean.
//!
//! `EVENTFLOW_TEST_KILLS` and `EVENTFLOW_TEST_KILL_SECONDS` make the run longer. The fleet gets servers of
//! its own, because its RabbitMQ is killed too.

use eventflow_amqp::{AmqpBroker, AmqpConfig};
use eventflow_bus::contract;
use eventflow_bus::port::{Broker, Health};
use eventflow_testkit::PATIENCE;
use eventflow_testkit::process::binaries;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

/// Each role that `tests/kill --mix` strikes in a fleet, once.
const KILLS: &str = "5";
const SECONDS: &str = "30";
/// Messages on the retry ladder when RabbitMQ is killed.
const WAITING: usize = 1_000;
/// Time beyond the run itself: the set-up, the last restarts, and reading every history for the ledger.
const REST: Duration = Duration::from_mins(4);
/// Number added to every port of the servers and systems of this test.
const SERVICES_SHIFT: &str = "5300";
const LADDER_SHIFT: &str = "5600";
const FLEET_SHIFT: &str = "5400";
const SINGLE_SHIFT: &str = "5500";

#[tokio::test]
async fn nothing_is_lost_doubled_or_reordered_while_parts_of_a_fleet_and_rabbitmq_are_killed() {
    let stage = Stage::new(SERVICES_SHIFT, FLEET_SHIFT);
    stage.services(&["start"]).await;
    stage.kill("fleet").await;
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_reordered_while_the_single_process_is_killed() {
    Stage::new(SERVICES_SHIFT, SINGLE_SHIFT).kill("single").await;
}

/// RabbitMQ is killed while messages wait on the retry ladder.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_messages_on_the_ladder_survive_a_kill_of_rabbitmq_and_return_once() {
    let stage = Stage::new(LADDER_SHIFT, LADDER_SHIFT);
    stage.services(&["start", "rabbitmq"]).await;
    let exports = stage.services(&["env"]).await;
    let url = exports.lines().find_map(|line| line.strip_prefix("export RABBITMQ_URL="));
    let url = url.expect("RABBITMQ_URL is exported");
    let broker = connect(url).await;
    broker.declare(&contract::topology()).await.unwrap();
    // sleep: a queue that was declared less than a second before a kill may never come back (RabbitMQ 3.10)
    sleep(Duration::from_secs(2)).await;
    contract::durability::check_ladder(broker, WAITING, async |before| {
        stage.services(&["kill", "rabbitmq"]).await;
        stage.services(&["start", "rabbitmq"]).await;
        drop(before);
        let after: Arc<dyn Broker> = connect(url).await;
        after
    })
    .await;
}

async fn connect(url: &str) -> Arc<AmqpBroker> {
    let broker = AmqpBroker::connect(AmqpConfig::new(url.to_owned(), "ladder".to_owned())).unwrap();
    let mut health = broker.health();
    let is_up = health.wait_for(|health| matches!(health, Health::Up));
    timeout(PATIENCE, is_up).await.expect("the broker is up").expect("the broker lives");
    broker
}

/// A folder and ports of this test's own for the scripts of `tests/`. Dropping it ends what they started.
struct Stage {
    folder: TempDir,
    services_shift: &'static str,
    shift: &'static str,
}

impl Stage {
    fn new(services_shift: &'static str, shift: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), services_shift, shift }
    }

    /// Runs `tests/services`. Gives what it said.
    async fn services(&self, arguments: &[&str]) -> String {
        let done = Command::from(self.script("services", arguments)).output().await.unwrap();
        assert!(done.status.success(), "{}", said(&done));
        said(&done)
    }

    /// Runs the kills and lets the ledgers judge.
    async fn kill(&self, shape: &str) {
        let (kills, seconds) =
            (setting("EVENTFLOW_TEST_KILLS", KILLS), setting("EVENTFLOW_TEST_KILL_SECONDS", SECONDS));
        let arguments = ["--shape", shape, "--kills", &kills, "--duration", &seconds, "--mix"];
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
        for clean in ["ledger: CLEAN", "mix: clean"] {
            assert!(said.contains(clean), "{clean}: {said}");
        }
    }

    fn script(&self, name: &str, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
        for given in ["RABBITMQ_URL", "RABBITMQ_MANAGEMENT_URL", "MONGODB_URI", "REDIS_URL"] {
            command.env_remove(given);
        }
        let (services, system) = (self.folder.path().join("services"), self.folder.path().join("system"));
        command.env("EVENTFLOW_BIN_DIR", binaries().unwrap()).stdin(Stdio::null()).args(arguments);
        command
            .env("EVENTFLOW_SERVICES_DIR", services)
            .env("EVENTFLOW_SERVICES_PORT_SHIFT", self.services_shift);
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
pub(super) fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}
