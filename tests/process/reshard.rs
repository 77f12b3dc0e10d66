//! `eventflow reshard` against a fleet, run as operators run it: what it tells, how it ends, that it may be
//! killed, run again, and run twice at once. That messages keep their order meanwhile is judged by
//! `tests/scale --reshard` and by the tests of the adapter.

use super::commands::{FOUND, check, run, settings_of};
use crate::backends::Own;
use eventflow_testkit::process::binaries;
use eventflow_testkit::system::SINGLE;
use eventflow_testkit::{System, eventually};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::sleep;

/// A change is under way when this has passed since the command started: it listens for 8 s, then for 1 s.
const UNDER_WAY: Duration = Duration::from_millis(9_050);

async fn status(settings: &[(String, String)]) -> Value {
    run(&["reshard", "--status", "--json"], settings).await.expect(0).json()
}

/// Waits until both gateways are heard to send to so many shards.
async fn both_send_to(shards: u16, settings: &[(String, String)]) -> Value {
    let settled = eventually("both gateways send by one number", async || {
        let status = status(settings).await;
        let gateways = status["gateways"].as_array().unwrap();
        let is_settled = gateways.len() == 2
            && gateways.iter().all(|gateway| gateway["shards"] == shards && gateway["holds"] == false);
        is_settled.then_some(status)
    });
    settled.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_shards_of_a_fleet_changes_and_the_command_says_what_it_did() {
    let own = Own::create("reshard").await.unwrap();
    let system = System::fleet(&own.backends, &[("SHARDS", "2")]).await.unwrap();
    let settings = settings_of(&own, "2");
    let before = both_send_to(2, &settings).await;
    assert_eq!((&before["shards"], &before["generation"]), (&json!(2), &json!(1)), "{before}");
    assert_eq!(before["underWayTo"], Value::Null);
    let table = run(&["reshard", "--status"], &settings).await.expect(0).printed;
    assert!(table.starts_with("2 shards are in force, generation 1\n") && table.contains("sends"), "{table}");

    let too_many = run(&["reshard", "--to", "4", "--json"], &settings).await.expect(FOUND).json();
    let obstacles = too_many["obstacles"].as_array().unwrap();
    let names = |text: &str| obstacles.iter().any(|obstacle| obstacle.as_str().unwrap().contains(text));
    assert!(names("restart it with SHARDS=4 first") && names("no worker consumes persist.3"), "{too_many}");
    assert_eq!((&too_many["shards"], &too_many["attempts"]), (&json!(2), &json!(0)));

    let dry = run(&["reshard", "--to", "1", "--dry-run"], &settings).await.expect(0).printed;
    assert_eq!(dry, "2 shards are in force; nothing speaks against changing to 1 now\n");

    let down = run(&["reshard", "--to", "1", "--json"], &settings).await.expect(0);
    assert!(down.errors.contains("2 gateways hold, 4 queues have to run empty"), "{}", down.errors);
    let down = down.json();
    assert_eq!(
        (&down["shards"], &down["generation"], &down["obstacles"]),
        (&json!(1), &json!(2), &json!([]))
    );
    assert_eq!(
        down["leftOver"],
        json!(["persist.1 (0 messages)", "cursors.1 (0 messages)", "fanout.1 (0 messages)"])
    );
    both_send_to(1, &settings).await;
    let again = run(&["reshard", "--to", "1"], &settings).await.expect(0).printed;
    assert!(again.starts_with("1 shards are in force already, generation 2\n"), "{again}");
    let doctor = run(&["doctor", "--json"], &settings).await.json();
    assert_eq!(check(&doctor, "broker", "number of shards")["seen"], "1, and SHARDS is 2");
    drop(system);
    own.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_killed_leaves_nothing_behind_and_of_two_at_once_one_changes_the_number() {
    let own = Own::create("reshard-killed").await.unwrap();
    let system = System::fleet(&own.backends, &[("SHARDS", "2")]).await.unwrap();
    let settings = settings_of(&own, "2");
    both_send_to(2, &settings).await;
    let folder = tempfile::tempdir().unwrap();
    let mut killed = Command::new(binaries().unwrap().join(SINGLE))
        .args(["reshard", "--to", "1"])
        .env_clear()
        .envs(settings.iter().cloned())
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // sleep: the command is killed in the middle of its work, whatever it does then
    sleep(UNDER_WAY).await;
    killed.kill().await.unwrap();
    let settled = eventually("the gateways agree, by the one number or the other", async || {
        let status = status(&settings).await;
        let gateways = status["gateways"].as_array().unwrap();
        let agree = |gateway: &Value| gateway["shards"] == status["shards"] && gateway["holds"] == false;
        let is_settled = status["underWayTo"].is_null() && gateways.len() == 2 && gateways.iter().all(agree);
        is_settled.then_some(())
    });
    settled.await.unwrap();
    run(&["reshard", "--to", "1"], &settings).await.expect(0);
    let between = both_send_to(1, &settings).await;
    assert_eq!(between["generation"], json!(2), "by the killed one or by this one, not by both");

    let arguments = ["reshard", "--to", "2", "--json"];
    let (one, other) = tokio::join!(run(&arguments, &settings), run(&arguments, &settings));
    let attempts = [&one, &other].map(|ran| (ran.code, ran.printed.clone(), ran.errors.clone()));
    assert!(attempts.iter().any(|(code, ..)| *code == 0), "{attempts:?}");
    let after = both_send_to(2, &settings).await;
    assert_eq!(after["generation"], json!(3), "it changed once: {attempts:?}");
    drop(system);
    own.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reshard_cannot_do_is_refused_with_the_reason() {
    for wrong in
        [&["reshard"][..], &["reshard", "--to", "0"], &["reshard", "--to", "65"], &["reshard", "--to", "x"]]
    {
        run(wrong, &[]).await.expect(2);
    }
    let single = run(&["reshard", "--to", "4"], &[]).await.expect(1);
    assert!(single.errors.contains("RABBITMQ_URL is not given"), "{}", single.errors);
    let nowhere = [("RABBITMQ_URL".to_owned(), "amqp://guest:hunter2hunter2@127.0.0.1:1/%2f".to_owned())];
    let unreachable = run(&["reshard", "--status"], &nowhere).await.expect(1);
    assert!(unreachable.errors.contains("reach the broker"), "{}", unreachable.errors);
    assert!(!unreachable.errors.contains("hunter2"), "{}", unreachable.errors);
}
