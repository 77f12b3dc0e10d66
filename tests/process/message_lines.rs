//! Log lines of one message: its id finds the gateway that took it, the worker that stored it, the fan-out
//! stage and the gateway that delivered it; and each line says which process it comes from.

use crate::backends::Own;
use eventflow_testkit::{RawSocket, System, eventually};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Which process says what of a message.
const LINES: [(&str, &str); 4] = [
    ("http-gateway", "a message was sent"),
    ("persistence-worker", "a message was stored"),
    ("fanout-worker", "a message was routed"),
    ("ws-gateway", "an event was delivered"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_a_message_finds_its_lines_in_every_process_of_its_way() {
    let own = Own::create("message-lines").await.unwrap();
    let settings =
        [("LOG_FORMAT", "json"), ("LOG_LEVEL", "eventflow_ingress=debug,eventflow_workers=debug,info")];
    let mut system = System::fleet(&own.backends, &settings).await.unwrap();
    let id = one_message(&system).await;
    for (role, said) in LINES {
        let process = system.process(role);
        // Ben may hear the message a moment before its gateway says so.
        let what = format!("{role} says: {said}");
        let line = eventually(&what, async || {
            let lines: Vec<Value> =
                process.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            lines.into_iter().find(|line| line["message_id"] == id.as_str() && line["message"] == said)
        });
        let line = line.await.unwrap();
        assert_eq!(line["role"], role, "{line}");
        assert_eq!(line["seq"], 1, "{line}");
    }
    for (role, _) in LINES {
        for line in system.process(role).log().lines() {
            let line: Value =
                serde_json::from_str(line).unwrap_or_else(|_| panic!("{role}: no JSON: {line}"));
            assert!(["role", "instance", "version"].iter().all(|key| line[*key].is_string()), "{line}");
        }
    }
    system.stop().await.unwrap();
    own.delete().await.unwrap();
}

/// Ann sends a message to Ben over REST, and Ben hears it. Gives the message's id.
async fn one_message(system: &System) -> String {
    let ann = system.token("ann").await.unwrap();
    let mut ben = RawSocket::connect(&system.sockets(), &system.token("ben").await.unwrap()).await.unwrap();
    let client = reqwest::Client::new();
    let threads = client.post(system.url("/api/v2/messages/threads")).bearer_auth(&ann);
    let created = threads.json(&json!({ "participants": ["ben"] })).send().await.unwrap();
    let created: Value = created.json().await.unwrap();
    let thread = created["thread"]["_id"].as_str().expect("a thread has an id");
    let path = format!("/api/v2/messages/{thread}");
    let message = client.post(system.url(&path)).bearer_auth(&ann).json(&json!({ "content": "hello" }));
    let sent = message.send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::CREATED);
    let sent: Value = sent.json().await.unwrap();
    let id = sent["message"]["_id"].as_str().expect("a message has an id").to_owned();
    let heard = ben.event("message:received").await.unwrap();
    assert!(heard.to_string().contains(&id), "{heard}");
    id
}
