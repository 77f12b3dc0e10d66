//! Operators' commands against a running system of either shape, and against a broker that is not as it must
//! be. A command is run as operators run it, and its answer and exit code are read.

use crate::backends::Own;
use eventflow_testkit::process::binaries;
use eventflow_testkit::system::{SECRET, SINGLE};
use eventflow_testkit::{Servers, System, eventually};
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::process::Command;

/// Exit code of a command that found something to mend.
pub(crate) const FOUND: i32 = 3;

/// What a command printed, and its exit code.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) printed: String,
    pub(crate) errors: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.printed)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.printed, self.errors))
    }

    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.printed, self.errors);
        self
    }
}

/// Runs `eventflow` with these arguments and settings, and no others.
pub(crate) async fn run(arguments: &[&str], settings: &[(String, String)]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binaries().unwrap().join(SINGLE));
    command.args(arguments).env_clear().envs(settings.iter().cloned()).current_dir(folder.path());
    let output = command.output().await.unwrap();
    Ran {
        code: output.status.code().unwrap(),
        printed: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The settings with which an operator reaches a fleet.
pub(crate) fn settings_of(own: &Own, shards: &str) -> Vec<(String, String)> {
    let named = [
        ("RABBITMQ_URL", own.backends.rabbitmq.as_str()),
        ("MONGODB_URI", own.backends.mongodb.as_str()),
        ("REDIS_URL", own.backends.redis.as_str()),
        ("JWT_SECRET", SECRET),
        ("SHARDS", shards),
    ];
    named.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

pub(crate) fn check<'a>(findings: &'a Value, part: &str, check: &str) -> &'a Value {
    let findings = findings.as_array().unwrap();
    let found = findings.iter().find(|finding| finding["part"] == part && finding["check"] == check);
    found.unwrap_or_else(|| panic!("{part}, {check}: {findings:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_shows_its_queues_its_owners_and_its_health_and_drains_one_process() {
    let own = Own::create("commands").await.unwrap();
    let mut system = System::fleet(&own.backends, &[("SHARDS", "2")]).await.unwrap();
    let settings = settings_of(&own, "2");
    let pipeline = eventually("every shard is owned and consumed", async || {
        let pipeline = run(&["queues", "--json"], &settings).await.expect(0).json();
        let hops = pipeline["hops"].as_array().unwrap().clone();
        let is_owned =
            |hop: &Value| hop["shard"].is_null() || hop["isConsumed"] == true && hop["owner"].is_string();
        hops.iter().all(is_owned).then_some(pipeline)
    });
    let pipeline = pipeline.await.unwrap();
    assert_eq!(pipeline["unknown"]["inPerSecond"].as_str().map(str::is_empty), Some(false));
    let stages: BTreeSet<&str> = pipeline["workers"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|worker| worker["stage"].as_str())
        .collect();
    assert_eq!(
        stages,
        BTreeSet::from(["fanout", "gateway", "persist"]),
        "who shares shards or sends to them"
    );
    let text = run(&["queues"], &settings).await.expect(0).printed;
    assert!(text.contains("persist.1") && text.contains("dead: all empty"), "{text}");
    let shards = run(&["shards"], &settings).await.expect(0).printed;
    assert!(shards.contains("fanout") && shards.contains(env!("CARGO_PKG_VERSION")), "{shards}");
    let diff = run(&["topology", "diff"], &settings).await.expect(0).printed;
    assert_eq!(diff, "everything is declared as it must be\n");

    let management = Servers::from_environment().unwrap().management;
    let doctor = run(&["doctor", "--json", "--management", &management], &settings).await.expect(0).json();
    for (part, name) in [
        ("broker", "version"),
        ("broker", "declare, publish, read"),
        ("broker", "topology"),
        ("broker", "leaders of queues"),
        ("broker", "number of shards"),
        ("store", "read and write"),
        ("store", "indexes"),
        ("presence", "reach"),
    ] {
        assert_eq!(check(&doctor, part, name)["grade"], "ok", "{part}, {name}: {doctor}");
    }
    assert_eq!(check(&doctor, "broker", "file descriptors")["part"], "broker");

    let admin = system.admin("ws-gateway", "");
    let drained =
        run(&["drain", "--admin", &admin, "--wait", "40", "--json"], &settings).await.expect(0).json();
    assert_eq!((&drained["role"], &drained["gone"]), (&Value::from("ws-gateway"), &Value::from(true)));
    let status = system.process("ws-gateway").ended().await.unwrap();
    assert!(status.success(), "it ended in order");
    drop(system);
    own.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_as_it_must_be_is_told_with_what_to_do() {
    let own = Own::create("commands-diff").await.unwrap();
    let settings = settings_of(&own, "1");
    let missing = run(&["topology", "diff", "--json"], &settings).await.expect(FOUND).json();
    let missing = missing.as_array().unwrap();
    assert!(missing.iter().all(|difference| difference["what"] == "missing"), "{missing:?}");
    assert!(
        missing
            .iter()
            .all(|difference| difference["advice"].as_str().is_some_and(|advice| !advice.is_empty()))
    );
    let doctor = run(&["doctor"], &settings).await.expect(FOUND).printed;
    assert!(doctor.contains("What to do") && doctor.contains("rabbitmq/definitions.json"), "{doctor}");
    let mut elsewhere = settings.clone();
    elsewhere.push(("RABBITMQ_URL".to_owned(), "amqp://guest:hunter2hunter2@127.0.0.1:1/%2f".to_owned()));
    let unreachable = run(&["doctor", "--json"], &elsewhere).await.expect(FOUND);
    assert!(!unreachable.printed.contains("hunter2"), "{}", unreachable.printed);
    assert_eq!(check(&unreachable.json(), "broker", "reach")["grade"], "bad");
    let failed = run(&["topology", "diff"], &elsewhere).await.expect(1);
    assert!(
        failed.errors.starts_with("error: reach the broker") && failed.printed.is_empty(),
        "{}",
        failed.errors
    );
    own.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_process_answers_about_its_queues_itself() {
    let system = System::single(&[]).await.unwrap();
    let server = system.url("");
    let settings = [("JWT_SECRET".to_owned(), SECRET.to_owned())];
    let pipeline = eventually("rates and owners are known", async || {
        let pipeline = run(&["queues", "--json", "--server", &server], &settings).await.expect(0).json();
        let hop =
            pipeline["hops"].as_array().unwrap().iter().find(|hop| hop["queue"] == "persist.0").cloned();
        let hop = hop.unwrap();
        (hop["outPerSecond"].is_number() && hop["owner"].is_string()).then_some(pipeline)
    });
    let pipeline = pipeline.await.unwrap();
    assert_eq!(pipeline["shards"], 1);
    let groups = run(&["dlq", "groups", "--server", &server], &settings).await.expect(0).printed;
    assert_eq!(groups, "none\n");
    let why = ["dlq", "discard", "--server", &server, "--why", "none"];
    assert!(run(&why, &settings).await.expect(1).errors.contains("--all"));
    assert_eq!(
        run(&["dlq", "discard", "--all", "--server", &server, "--why", "none"], &settings)
            .await
            .expect(0)
            .printed,
        "0 discarded: nothing waits\n"
    );
    let elsewhere = run(&["queues", "--server", "http://127.0.0.1:1"], &settings).await.expect(1);
    assert!(elsewhere.errors.contains("--server"), "{}", elsewhere.errors);
    drop(system);
}
