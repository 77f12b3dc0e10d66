//! Blocks: under which key one goes on its way, who is refused, and what is hidden from whom.

use super::{Rig, THREADS};
use eventflow_ports::Clock as _;
use eventflow_protocol::CommandId;
use eventflow_protocol::command::Command;
use http::Method;
use serde_json::{Value, json};

async fn put(rig: &Rig, who: &str, other: &str) -> Value {
    rig.call(Method::PUT, &format!("/api/v2/users/{other}/block")).of(who).send().await.expect(200)
}

fn key(rig: &Rig) -> Option<CommandId> {
    match rig.world.commands().pop() {
        Some(Command::ChangeBlock(change)) => change.key,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_stands_for_changes_of_one_person_about_another() {
    let rig = Rig::new().await;
    put(&rig, "ann", "bob").await;
    assert_eq!(key(&rig), None);
    let mut keys = Vec::new();
    for (who, other, header) in
        [("ann", "bob", "k"), ("ann", "bob", "\"k\""), ("ann", "eve", "k"), ("bob", "ann", "k")]
    {
        let call = rig.call(Method::PUT, &format!("/api/v2/users/{other}/block")).of(who);
        call.header("idempotency-key", header).send().await.expect(200);
        keys.push(key(&rig).unwrap());
    }
    assert_eq!(keys[0], keys[1], "bare or quoted");
    assert!(keys[2] != keys[0] && keys[3] != keys[0]);
    let before = rig.world.commands().len();
    rig.call(Method::PUT, "/api/v2/users/ann/block").of("ann").send().await.refused(400, "invalid");
    rig.call(Method::DELETE, "/api/v2/users/ann/block").of("ann").send().await.refused(400, "invalid");
    assert_eq!(rig.world.commands().len(), before, "nobody blocks themselves");
}

#[tokio::test]
async fn a_repetition_under_its_key_is_told_what_holds_now() {
    let rig = Rig::new().await;
    let path = "/api/v2/users/bob/block";
    let again = async || {
        let call = rig.call(Method::PUT, path).of("ann").header("idempotency-key", "k");
        call.send().await.expect(200)["block"].clone()
    };
    let first = again().await;
    assert_eq!(first["user"]["id"], "bob");
    assert_eq!(again().await, first);
    rig.call(Method::DELETE, path).of("ann").send().await.expect(200);
    assert_eq!(again().await, Value::Null, "the block has ended");
    let made = put(&rig, "ann", "bob").await;
    assert_eq!(again().await, made["block"]);
}

#[tokio::test]
async fn who_blocks_starts_nothing_with_whom_they_block_and_the_other_one_does() {
    let rig = Rig::new().await;
    put(&rig, "ann", "bob").await;
    let with = |other: &str| json!({"participants": [other]});
    rig.post(THREADS, &with("bob")).of("ann").send().await.refused(403, "forbidden");
    rig.post(THREADS, &with("ann")).of("bob").send().await.expect(201);
    let group = rig.world.store.group_of(&["ann", "cat"]);
    let members = format!("{THREADS}/{group}/members");
    rig.post(&members, &json!({"userIds": ["bob"]})).of("ann").send().await.refused(403, "forbidden");
    rig.call(Method::DELETE, "/api/v2/users/bob/block").of("ann").send().await.expect(200);
    rig.post(&members, &json!({"userIds": ["bob"]})).of("ann").send().await.expect(200);
}

#[tokio::test]
async fn neither_sees_the_presence_or_the_receipts_of_the_other_since_the_block() {
    let rig = Rig::new().await;
    let group = rig.world.store.group_of(&["ann", "bob", "cat"]);
    for user in ["ann", "bob", "cat"] {
        rig.is_here(user).await;
    }
    let path = format!("/api/v2/messages/{group}");
    let say = async |content: &str| {
        rig.post(&path, &json!({"content": content})).of("cat").send().await.expect(201);
    };
    let read = async || {
        for reader in ["ann", "bob"] {
            rig.post(&format!("{THREADS}/{group}/read"), &json!({})).of(reader).send().await.expect(200);
        }
    };
    say("before").await;
    read().await;
    let blocked_at = rig.world.clock.now();
    put(&rig, "ann", "bob").await;
    rig.world.clock.advance(1_000);
    say("since").await;
    read().await;
    let readers = async |who: &str| {
        let page = rig.get(&path).of(who).send().await.expect(200);
        let of = |message: &Value| {
            let receipts = message["readBy"].as_array().unwrap().clone();
            receipts.iter().map(|receipt| receipt["userId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        page["messages"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let presence = async |who: &str, other: &str| {
        let found = rig.get(&format!("/api/v2/presence/{other}")).of(who).send().await.expect(200);
        found["presence"].clone()
    };
    assert_eq!(readers("ann").await, [vec!["ann", "bob"], vec!["ann"]]);
    assert_eq!(readers("bob").await, [vec!["ann", "bob"], vec!["bob"]]);
    assert_eq!(readers("cat").await, [vec!["ann", "bob"], vec!["ann", "bob"]]);
    let gone = |user: &str| json!({"userId": user, "status": "offline", "lastSeen": blocked_at.to_iso()});
    assert_eq!([presence("ann", "bob").await, presence("bob", "ann").await], [gone("bob"), gone("ann")]);
    assert_eq!(presence("ann", "cat").await["status"], "online");
    assert_eq!(presence("cat", "ann").await["status"], "online");
}
