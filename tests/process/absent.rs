//! People who are not there, and workers that die while they tell them.
//!
//! The push services are a stand-in on this machine that checks every signature.

use super::push_stage::PushStage;
use crate::backends::Own;
use eventflow_testkit::push_services::Fault;
use eventflow_testkit::{RawSocket, eventually};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Time from the end of a line that nobody closed to the notification.
const NOTIFIED_WITHIN: Duration = Duration::from_mins(1);
/// People with a push on its way when the worker is killed: fewer than a worker has at the same time.
const ON_THEIR_WAY: usize = 40;
/// A worker that was killed holds its windows for two minutes, counted from when it took them: not much
/// before it was killed.
const LEASE: Duration = Duration::from_secs(125);
const LEASE_AT_LEAST: Duration = Duration::from_secs(110);
/// Jobs of which the decision has put windows up, as its worker's metrics tell them.
const DECIDED: &str = r#"eventflow_consume_envelopes_total{outcome="done",queue="notify"} "#;
/// Jobs that a push worker puts off, because another worker has their window.
const PUT_OFF: &str = r#"eventflow_consume_envelopes_total{outcome="retry",queue="push"} "#;

impl PushStage {
    /// How many pushes each person has got, who has got any.
    fn pushes_by_person(&self) -> Vec<usize> {
        let mut pushes: HashMap<String, usize> = HashMap::new();
        for push in self.services.received() {
            *pushes.entry(push.to).or_default() += 1;
        }
        pushes.into_values().collect()
    }

    /// Waits until a worker counts a job for each person in this series of its metrics.
    async fn has_settled(&self, role: &str, series: &str) {
        let metrics = self.system.admin(role, "/metrics");
        eventually(&format!("{role} counts {ON_THEIR_WAY} of {series}"), async || {
            let text = self.http.get(&metrics).send().await.ok()?.text().await.ok()?;
            let count = text.lines().find_map(|line| line.strip_prefix(series))?;
            (count.parse::<usize>().ok()? >= ON_THEIR_WAY).then_some(())
        })
        .await
        .unwrap();
    }

    /// Somebody closes their laptop: nothing comes from it any more, and nobody has closed its connection. A
    /// second later somebody writes to them.
    #[allow(clippy::print_stdout, reason = "a run shows how long it took")]
    async fn closed_laptop(&self) {
        let (ann, ben) = (self.system.token("ann").await.unwrap(), self.system.token("ben").await.unwrap());
        self.app(&ben, "phone-of-ben").await;
        let thread = self.thread(&ann, "ben").await;
        let laptop = RawSocket::connect(&self.system.sockets(), &ben).await.unwrap();
        let closed_at = Instant::now();
        // sleep: a second of silence is what is tested
        sleep(Duration::from_secs(1)).await;
        let content = json!({"content": "are you there?"});
        self.call(&ann, Method::POST, &format!("/messages/{thread}"), content).await;
        let shown = self.received(1).await;
        let took = closed_at.elapsed();
        assert!(took < NOTIFIED_WITHIN, "notified {took:?} after the laptop was closed");
        assert_eq!(
            (&shown[0].to[..], &shown[0].payload["notification"]["body"]),
            ("phone-of-ben", &json!("are you there?"))
        );
        println!("notified {} ms after the laptop was closed", took.as_millis());

        let mut back = RawSocket::connect(&self.system.sockets(), &ben).await.unwrap();
        let history = self.call(&ben, Method::GET, &format!("/messages/{thread}"), Value::Null).await;
        assert_eq!(history["messages"].as_array().unwrap().len(), 1);
        // What comes now is told by the socket, and by nothing else.
        let content = json!({"content": "there you are"});
        self.call(&ann, Method::POST, &format!("/messages/{thread}"), content).await;
        assert_eq!(back.event("message:received").await.unwrap()["message"]["content"], "there you are");
        let read = format!("/messages/threads/{thread}/read");
        self.call(&ben, Method::POST, &read, Value::Null).await;
        let all = self.received(2).await;
        assert_eq!(
            all.iter().map(|push| push.payload["data"]["act"].clone()).collect::<Vec<_>>(),
            [json!("show"), json!("clear")]
        );
        drop(laptop);
    }
}

#[tokio::test]
async fn who_closes_their_laptop_is_notified_within_a_minute_by_one_process() {
    PushStage::new(None, &[]).await.closed_laptop().await;
}

#[tokio::test]
async fn who_closes_their_laptop_is_notified_within_a_minute_by_a_fleet() {
    let own = Own::create("closed-laptop").await.unwrap();
    PushStage::new(Some(&own), &[]).await.closed_laptop().await;
    own.delete().await.unwrap();
}

#[tokio::test]
async fn pushes_that_were_taken_when_their_worker_was_killed_come_again_under_the_same_key() {
    let own = Own::create("killed-push-worker").await.unwrap();
    let mut stage = PushStage::new(Some(&own), &[("PUSH_GRACE_S", "0")]).await;
    let ann = stage.system.token("ann").await.unwrap();
    let mut threads = Vec::with_capacity(ON_THEIR_WAY);
    for number in 0..ON_THEIR_WAY {
        let name = format!("person-{number}");
        let token = stage.system.token(&name).await.unwrap();
        stage.app(&token, &name).await;
        threads.push(stage.thread(&ann, &name).await);
    }
    // Without an answer a push is given up after some seconds. So all windows are due when the worker starts,
    // and their pushes are on their way together, however long it took to get here.
    stage.system.process("push-worker").terminate().await.unwrap();
    stage.system.process("push-worker").ended().await.unwrap();
    stage.services.fail(vec![Fault::TakenWithoutAnswer; ON_THEIR_WAY]);
    let says = |thread: &String| {
        let path = format!("/messages/{thread}");
        let (stage, ann) = (&stage, &ann);
        async move { stage.call(ann, Method::POST, &path, json!({"content": "hello"})).await }
    };
    join_all(threads.iter().map(says)).await;
    stage.has_settled("email-worker", DECIDED).await;
    stage.system.start_again("push-worker").await.unwrap();
    stage.received(ON_THEIR_WAY).await;
    stage.system.process("push-worker").kill().await.unwrap();
    let killed_at = Instant::now();
    assert_eq!(stage.pushes_by_person(), [1; ON_THEIR_WAY], "each is on its way once");
    stage.system.start_again("push-worker").await.unwrap();
    stage.has_settled("push-worker", PUT_OFF).await;
    assert!(killed_at.elapsed() < LEASE_AT_LEAST, "the leases may have ended: {:?}", killed_at.elapsed());
    assert_eq!(stage.pushes_by_person(), [1; ON_THEIR_WAY], "a window is held for its lease");
    // sleep: until the leases of the killed worker have ended
    sleep(LEASE.saturating_sub(killed_at.elapsed())).await;
    let all = stage.received(2 * ON_THEIR_WAY).await;
    let mut keys: HashMap<String, Vec<Value>> = HashMap::new();
    for push in &all {
        keys.entry(push.to.clone()).or_default().push(push.payload["android"]["collapse_key"].clone());
    }
    assert_eq!(keys.len(), ON_THEIR_WAY, "nobody is missing");
    for (person, keys) in &keys {
        assert!(keys[0].is_string() && keys == &vec![keys[0].clone(); 2], "{person}: {keys:?}");
    }
    own.delete().await.unwrap();
}
