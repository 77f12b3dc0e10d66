//! The routes that change a group: under which key a change goes on its way, and what is refused before.

use super::{Call, Rig};
use eventflow_protocol::command::Command;
use eventflow_protocol::{CommandId, ThreadId};
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

const THREADS: &str = "/api/v2/messages/threads";

fn patch<'a>(rig: &'a Rig, path: &str, body: &Value) -> Call<'a> {
    let call = rig.call(Method::PATCH, path).header(CONTENT_TYPE.as_str(), "application/json");
    call.body(body.to_string())
}

/// What stands for the key of the last change that went on its way.
fn key(rig: &Rig) -> Option<CommandId> {
    match rig.world.commands().pop() {
        Some(Command::ChangeGroup(change)) => change.key,
        other => panic!("{other:?}"),
    }
}

fn group(rig: &Rig) -> ThreadId {
    rig.world.store.group_of(&["ann", "bob", "cat"])
}

#[tokio::test]
async fn a_key_stands_for_changes_of_one_person_in_one_group() {
    let rig = Rig::new().await;
    let path = format!("{THREADS}/{}", group(&rig));
    let name = json!({"name": "Us"});
    patch(&rig, &path, &name).of("ann").send().await.expect(200);
    assert_eq!(key(&rig), None);
    let mut keys = Vec::new();
    for header in ["k", "\"k\"", "l"] {
        patch(&rig, &path, &name).of("ann").header("idempotency-key", header).send().await.expect(200);
        keys.push(key(&rig).unwrap());
    }
    assert_eq!(keys[0], keys[1], "bare or quoted");
    assert_ne!(keys[0], keys[2]);
    let owner = json!({"role": "owner"});
    patch(&rig, &format!("{path}/members/bob"), &owner).of("ann").send().await.expect(200);
    patch(&rig, &path, &name).of("bob").header("idempotency-key", "k").send().await.expect(200);
    assert_ne!(key(&rig), Some(keys[0]), "a key is its person's own");
}

#[tokio::test]
async fn a_change_that_cannot_be_meant_sends_no_command() {
    let rig = Rig::new().await;
    let thread = group(&rig);
    let path = format!("{THREADS}/{thread}");
    let long = "k".repeat(129);
    patch(&rig, &path, &json!({"name": "Us"}))
        .of("ann")
        .header("idempotency-key", &long)
        .send()
        .await
        .refused(400, "invalid");
    patch(&rig, &path, &json!({})).of("ann").send().await.refused(400, "invalid");
    patch(&rig, &path, &json!({"picture": "javascript:1"})).of("ann").send().await.refused(400, "invalid");
    let members = format!("{path}/members");
    for ids in [json!([]), json!(["a,b"]), json!("eve"), json!(vec!["x"; 101])] {
        rig.post(&members, &json!({"userIds": ids})).of("ann").send().await.refused(400, "invalid");
    }
    patch(&rig, &format!("{members}/bob"), &json!({"role": "king"}))
        .of("ann")
        .send()
        .await
        .refused(400, "invalid");
    let nobody = rig.call(Method::DELETE, &format!("{members}/%20")).of("ann").send().await;
    nobody.refused(400, "invalid");
    assert_eq!(rig.world.commands().len(), 0);
}

#[tokio::test]
async fn whoever_removes_themselves_leaves_and_what_a_removal_makes_is_seen_at_once() {
    let rig = Rig::new().await;
    let path = format!("{THREADS}/{}", group(&rig));
    let remove = |who: &str| rig.call(Method::DELETE, &format!("{path}/members/{who}"));
    remove("bob").of("ann").send().await.expect(200);
    rig.get(&path).of("bob").send().await.refused(404, "not_found");
    remove("cat").of("cat").send().await.expect(200);
    assert!(matches!(rig.world.commands().pop(), Some(Command::LeaveThread(_))));
    let members = rig.get(&format!("{path}/members")).of("ann").send().await.expect(200);
    assert_eq!(
        members["members"],
        json!([{"id": "ann", "name": "ann", "avatar": "/assets/avatar.svg", "role": "owner"}])
    );
}
