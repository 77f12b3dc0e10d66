//! Messages that are sent later, by REST. Who may is in the matrix of routes and roles.

use super::{Reply, Rig};
use crate::testing::NOW;
use eventflow_protocol::command::Command;
use eventflow_protocol::scheduled::{SCHEDULE_AHEAD_MAX, SCHEDULE_AHEAD_MIN};
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

const SCHEDULED: &str = "/api/v2/messages/scheduled";

async fn change(rig: &Rig, method: Method, id: &Value, body: &Value) -> Reply {
    let path = format!("{SCHEDULED}/{}", id.as_str().unwrap());
    let call = rig.call(method, &path).header(CONTENT_TYPE.as_str(), "application/json");
    call.body(body.to_string()).of("ann").send().await
}

#[tokio::test]
async fn a_message_is_kept_for_later_listed_changed_and_cancelled() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let path = format!("/api/v2/messages/{thread}");
    let send_at = NOW.plus(SCHEDULE_AHEAD_MIN);
    let body = json!({"content": "later", "sendAt": send_at.to_iso(), "clientMessageId": "k"});
    let made = rig.post(&path, &body).of("ann").send().await.expect(201)["scheduled"].clone();
    let expected = json!({
        "_id": made["_id"], "attachments": [], "clientMessageId": "k", "content": "later",
        "createdAt": NOW.to_iso(), "sendAt": send_at.to_iso(), "state": "waiting", "threadId": thread,
        "updatedAt": NOW.to_iso(),
    });
    assert_eq!(made, expected);
    let Some(Command::ScheduleMessage(new)) = rig.world.commands().pop() else { panic!("a message") };
    assert_eq!((new.send_at, new.message.sender_id.as_str()), (send_at, "ann"));
    // Its time has come near, and the request comes again.
    rig.world.clock.advance(9_000);
    let again = rig.post(&path, &body).of("ann").send().await.expect(200);
    assert_eq!((&again["deduplicated"], &again["scheduled"]), (&json!(true), &made));
    assert_eq!(rig.get(SCHEDULED).of("ann").send().await.expect(200)["scheduled"], json!([made]));
    assert_eq!(rig.get(SCHEDULED).of("bob").send().await.expect(200)["scheduled"], json!([]));
    let (id, later) = (&made["_id"], NOW.plus(SCHEDULE_AHEAD_MAX).to_iso());
    let changed =
        change(&rig, Method::PATCH, id, &json!({"content": "else", "sendAt": later})).await.expect(200);
    assert_eq!(
        (&changed["scheduled"]["content"], &changed["scheduled"]["sendAt"]),
        (&json!("else"), &json!(later))
    );
    for bad in [json!({}), json!({"sendAt": "soon"}), json!({"content": 1}), json!({"sendAt": NOW.to_iso()})]
    {
        change(&rig, Method::PATCH, id, &bad).await.refused(400, "invalid");
    }
    for _ in 0..2 {
        let cancelled = change(&rig, Method::DELETE, id, &json!({})).await.expect(200);
        assert_eq!(cancelled["scheduled"]["state"], "cancelled");
    }
    change(&rig, Method::PATCH, id, &json!({"content": "late"})).await.refused(409, "too_late");
}

#[tokio::test]
async fn a_time_too_near_or_too_far_is_refused_and_a_message_without_one_is_sent_at_once() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let path = format!("/api/v2/messages/{thread}");
    let (soonest, last) = (NOW.plus(SCHEDULE_AHEAD_MIN), NOW.plus(SCHEDULE_AHEAD_MAX));
    for at in [soonest.0 - 1, last.0 + 1, 0] {
        let refused = rig.post(&path, &json!({"content": "x", "sendAt": at})).of("ann").send().await;
        refused.refused(400, "invalid");
        assert!(refused.body["error"].as_str().unwrap().contains("sendAt"), "{}", refused.body);
    }
    for at in [soonest.0, last.0] {
        rig.post(&path, &json!({"content": "x", "sendAt": at})).of("ann").send().await.expect(201);
    }
    let sent = rig.post(&path, &json!({"content": "x", "sendAt": null})).of("ann").send().await.expect(201);
    assert_eq!(sent["message"]["content"], "x");
    rig.post(&path, &json!({"content": "x", "sendAt": last.0}))
        .of("eve")
        .send()
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn a_repetition_is_answered_as_the_first_though_its_time_has_come_near() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let path = format!("/api/v2/messages/{thread}");
    let send_at = NOW.plus(SCHEDULE_AHEAD_MIN).to_iso();
    let later = NOW.plus(SCHEDULE_AHEAD_MIN * 4).to_iso();
    let body = json!({"content": "later", "sendAt": later, "clientMessageId": "k"});
    let made = rig.post(&path, &body).of("ann").send().await.expect(201);
    let scheduled = format!("{SCHEDULED}/{}", made["scheduled"]["_id"].as_str().unwrap());
    let body = json!({"sendAt": send_at}).to_string();
    let change = async |key: &str| {
        let call = rig.call(Method::PATCH, &scheduled).header(CONTENT_TYPE.as_str(), "application/json");
        call.header("idempotency-key", key).body(body.clone()).of("ann").send().await
    };
    change("first").await.expect(200);
    rig.world.clock.advance(1_000);
    let again = change("first").await.expect(200);
    assert_eq!(again["scheduled"]["sendAt"], json!(send_at));
    let refused = change("other").await;
    refused.refused(400, "invalid");
    assert!(refused.body["error"].as_str().unwrap().contains("sendAt"), "{}", refused.body);
    let near = json!({"content": "x", "sendAt": send_at, "clientMessageId": "n"});
    rig.post(&path, &near).of("ann").send().await.refused(400, "invalid");
}
