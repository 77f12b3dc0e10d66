//! Push workers that are killed just behind a push service's answer, again and again: nobody misses a
//! push, and one that comes twice replaces the first.
//!
//! `EVENTFLOW_TEST_KILLS` says how many kills. The push services are a stand-in on this machine.

use super::push_stage::PushStage;
use crate::backends::Own;
use eventflow_testkit::eventually;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

const KILLS: &str = "4";
/// People told between two kills. The worker has all of their pushes on their way at the same time.
const OF_A_ROUND: usize = 8;
/// How long the windows of a worker that was killed stay taken, and some time to send them then.
const LEASE: Duration = Duration::from_secs(125);
/// Longest time for a round: a start of the worker, the look for what is due, and a busy machine.
const ROUND_MAX: Duration = Duration::from_mins(1);
/// Up to so long behind the answer to a push the worker is killed: before, while and after it notes it.
const KILLED_WITHIN_MS: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_push_worker_of_a_fleet_that_is_killed_behind_an_answer_loses_no_push() {
    let own = Own::create("push-kills").await.unwrap();
    let stage = PushStage::new(Some(&own), &[("PUSH_GRACE_S", "0"), ("REST_PER_MINUTE_USER", "0")]).await;
    is_killed_again_and_again(stage, "a fleet").await;
    own.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_process_that_is_killed_behind_an_answer_loses_no_push() {
    let stage = PushStage::new(None, &[("PUSH_GRACE_S", "0"), ("REST_PER_MINUTE_USER", "0")]).await;
    is_killed_again_and_again(stage, "one process").await;
}

#[allow(clippy::print_stdout, reason = "a run shows how often a push came twice")]
async fn is_killed_again_and_again(mut stage: PushStage, shape: &str) {
    let kills: usize = super::kills::setting("EVENTFLOW_TEST_KILLS", KILLS).parse().unwrap();
    let root = stage.system.token_as("root", "admin").await.unwrap();
    let names: Vec<String> = (0..kills * OF_A_ROUND).map(|n| format!("person-{n}")).collect();
    for name in &names {
        let token = stage.system.token(name).await.unwrap();
        stage.app(&token, name).await;
    }
    let began = Instant::now();
    for (round, people) in names.chunks(OF_A_ROUND).enumerate() {
        let before = stage.services.received().len();
        let told = json!({"userIds": people, "title": format!("round {round}")});
        stage.call(&root, Method::POST, "/notifications", told).await;
        timeout(ROUND_MAX, stage.services.has_taken(before + 1 + round % OF_A_ROUND)).await.unwrap();
        // sleep: the kill hits the worker in another moment of its work each time
        sleep(Duration::from_millis(u64::try_from(round).unwrap() * 3 % KILLED_WITHIN_MS)).await;
        stage.system.process("push-worker").kill().await.unwrap();
        stage.system.start_again("push-worker").await.unwrap();
    }
    let killed_for = began.elapsed();
    // sleep: until the windows that the killed workers had can be taken again
    sleep(LEASE).await;
    for name in &names {
        let is_sent = async || {
            let rows = stage.rows(&root, name).await;
            rows.iter().any(|row| row["outcome"] == "sent").then_some(())
        };
        eventually(&format!("the log says that {name} was told"), is_sent).await.unwrap();
    }
    let mut keys: HashMap<String, Vec<Value>> = HashMap::new();
    for push in stage.services.received() {
        keys.entry(push.to).or_default().push(push.payload["android"]["collapse_key"].clone());
    }
    let missing: Vec<&String> = names.iter().filter(|name| !keys.contains_key(*name)).collect();
    let twice = keys.values().filter(|keys| keys.len() > 1).count();
    let copies: usize = keys.values().map(Vec::len).sum();
    println!(
        "{shape}: {kills} kills in {} s, {} people, {copies} pushes, missing {}, more than once {twice}, each under one key",
        killed_for.as_secs(),
        names.len(),
        missing.len(),
    );
    assert_eq!(missing, Vec::<&String>::new());
    for (person, keys) in &keys {
        assert!(keys[0].is_string() && keys.iter().all(|key| *key == keys[0]), "{person}: {keys:?}");
    }
    assert_eq!(stage.services.complaints(), [""; 0]);
}
