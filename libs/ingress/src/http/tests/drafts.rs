//! Drafts, by REST. Who may is in the matrix of routes and roles.

use super::{Reply, Rig, THREADS};
use eventflow_protocol::ThreadId;
use eventflow_protocol::command::Command;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

const DRAFTS: &str = "/api/v2/messages/drafts";

fn path(thread: ThreadId) -> String {
    format!("{THREADS}/{thread}/draft")
}

async fn save(rig: &Rig, thread: ThreadId, body: &Value) -> Reply {
    let call = rig.call(Method::PUT, &path(thread)).header(CONTENT_TYPE.as_str(), "application/json");
    call.body(body.to_string()).of("ann").send().await
}

#[tokio::test]
async fn a_draft_is_saved_shown_listed_and_deleted_and_nobody_else_sees_it() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let none = rig.get(&path(thread)).of("ann").send().await.expect(200);
    let expected = json!({"content": "", "revision": 0, "threadId": thread, "updatedAt": null});
    assert_eq!(none["draft"], expected);
    let saved = save(&rig, thread, &json!({"content": "a\u{202E}b", "basedOn": 0})).await.expect(200);
    let now = crate::testing::NOW.to_iso();
    let expected = json!({"content": "ab", "revision": 1, "threadId": thread, "updatedAt": now});
    assert_eq!(saved["draft"], expected, "cleaned like a message");
    assert_eq!(rig.get(&path(thread)).of("ann").send().await.expect(200)["draft"], expected);
    let listed = rig.get(DRAFTS).of("ann").send().await.expect(200);
    assert_eq!((&listed["drafts"], &listed["nextCursor"]), (&json!([expected]), &Value::Null));
    assert_eq!(rig.get(DRAFTS).of("bob").send().await.expect(200)["drafts"], json!([]));
    assert_eq!(rig.get(&path(thread)).of("bob").send().await.expect(200)["draft"]["revision"], 0);
    save(&rig, thread, &json!({"content": "late", "basedOn": 0})).await.refused(409, "conflict");
    let deleted = rig.call(Method::DELETE, &path(thread)).of("ann").send().await.expect(200);
    assert_eq!((&deleted["draft"]["content"], &deleted["draft"]["revision"]), (&json!(""), &json!(2)));
    assert_eq!(rig.get(DRAFTS).of("ann").send().await.expect(200)["drafts"], json!([]));
    let emptied = save(&rig, thread, &json!({"content": " \n"})).await.expect(200);
    assert_eq!(emptied["draft"], deleted["draft"], "an empty content deletes");
}

#[tokio::test]
async fn pages_of_drafts_go_on_where_the_one_before_ended() {
    let rig = Rig::new().await;
    let threads: Vec<_> =
        ["bob", "eve", "zed"].map(|other| rig.world.store.thread_of(&["ann", other])).into();
    for thread in &threads {
        rig.world.clock.advance(1_000);
        save(&rig, *thread, &json!({"content": "a"})).await.expect(200);
    }
    let (mut listed, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = rig.get(&format!("{DRAFTS}{query}")).of("ann").send().await.expect(200);
        listed.extend(page["drafts"].as_array().unwrap().iter().map(|draft| draft["threadId"].clone()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(listed, threads.iter().rev().map(|thread| json!(thread)).collect::<Vec<_>>());
    rig.get(&format!("{DRAFTS}?cursor=x")).of("ann").send().await.refused(400, "invalid");
    rig.get(&format!("{DRAFTS}?limit=0")).of("ann").send().await.refused(400, "invalid");
}

#[tokio::test]
async fn what_is_no_draft_is_refused_and_names_the_field() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let elsewhere = rig.world.store.thread_of(&["ann", "eve"]);
    let message = rig.post(&format!("/api/v2/messages/{elsewhere}"), &json!({"content": "m"})).of("ann");
    let foreign = message.send().await.expect(201)["message"]["_id"].clone();
    let before = rig.world.commands().len();
    for (body, names) in [
        (json!({}), "content"),
        (json!({"content": 1}), "content"),
        (json!({"content": "x".repeat(10_001)}), "longer than 10000 characters"),
        (json!({"content": "a", "basedOn": "1"}), "basedOn"),
        (json!({"content": "a", "basedOn": -1}), "basedOn"),
        (json!({"content": "a", "basedOn": 1.5}), "basedOn"),
        (json!({"content": "a", "replyTo": 7}), "replyTo"),
        (json!({"content": "a", "replyTo": "nothing"}), "replyTo"),
        (json!({"content": "a", "replyTo": foreign}), "replyTo"),
    ] {
        let refused = save(&rig, thread, &body).await;
        refused.refused(400, "invalid");
        assert!(refused.body["error"].as_str().unwrap().contains(names), "{names}: {}", refused.body);
    }
    assert_eq!(rig.world.commands().len(), before, "nothing went on");
    let own = save(&rig, elsewhere, &json!({"content": "a", "replyTo": foreign})).await.expect(200);
    assert_eq!(own["draft"]["replyTo"], foreign);
    let Some(Command::SaveDraft(saved)) = rig.world.commands().pop() else { panic!("a save") };
    assert_eq!((saved.user_id.as_str(), saved.thread_id, saved.based_on), ("ann", elsewhere, None));
}
