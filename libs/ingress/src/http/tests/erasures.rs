//! What is kept of a person: taken out by administrators, and erased by them.

use super::{Call, Rig};
use eventflow_ports::{AuditPage, DeadLetters as _};
use eventflow_protocol::command::Command;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderName};
use serde_json::{Value, json};
use std::sync::atomic::Ordering::SeqCst;

impl Rig {
    fn erase(&self, user: &str, named: &str) -> Call<'_> {
        let body = json!({ "userId": named, "why": "they asked for it" });
        self.post(&format!("/api/v2/users/{user}/erase"), &body)
    }

    async fn lines(&self, user: &str) -> Vec<Value> {
        let reply = self.get(&format!("/api/v2/users/{user}/export?why=asked")).of_admin().send().await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let type_of = |name: HeaderName| reply.headers[name].to_str().unwrap().to_owned();
        assert_eq!(type_of(CONTENT_TYPE), "application/x-ndjson");
        let text = reply.body.as_str().expect("several lines are no JSON").to_owned();
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn audited(&self) -> Vec<(String, Option<String>)> {
        let page = AuditPage { letter: None, after: None, limit: 10 };
        let entries = self.world.letters.audit(&page).await.unwrap();
        entries.into_iter().map(|entry| (entry.action.name().to_owned(), entry.detail)).collect()
    }
}

#[tokio::test]
async fn an_erasure_is_recorded_begun_once_and_shown() {
    let rig = Rig::new().await;
    let unknown = rig.get("/api/v2/users/ann/erase").of_admin().send().await;
    assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!("not_found")));
    let begun = rig.erase("ann", "ann").of_admin().send().await.expect(201)["erasure"].clone();
    assert_eq!(
        (&begun["userId"], &begun["by"], &begun["state"]),
        (&json!("ann"), &json!("root"), &json!("running"))
    );
    assert_eq!(
        (&begun["workingOn"], &begun["pass"], &begun["endedAt"]),
        (&json!("own"), &json!(1), &Value::Null)
    );
    assert_eq!(begun["erased"]["messages"], json!(0));
    let again = rig.erase("ann", "ann").of_admin().send().await.expect(200);
    assert_eq!((&again["deduplicated"], &again["erasure"]), (&json!(true), &begun));
    let shown = rig.get("/api/v2/users/ann/erase").of_admin().send().await.expect(200);
    assert_eq!(shown["erasure"], begun);
    let ann = ("erase".to_owned(), Some("ann".to_owned()));
    assert_eq!(rig.audited().await, [ann.clone(), ann], "each time, and before it is done");
    let is_it = |command: &Command| matches!(command, Command::ErasePerson(_));
    assert_eq!(rig.world.commands().iter().filter(|command| is_it(command)).count(), 2);
}

#[tokio::test]
async fn a_slip_erases_nobody() {
    let rig = Rig::new().await;
    for body in
        [json!({}), json!({"userId": "ann"}), json!({"why": "w"}), json!({"userId": "bob", "why": "w"})]
    {
        let refused = rig.post("/api/v2/users/ann/erase", &body).of_admin().send().await;
        assert_eq!((refused.status, &refused.body["code"]), (400, &json!("invalid")), "{body}");
    }
    assert!(rig.world.commands().is_empty());
    assert!(rig.audited().await.is_empty());
}

#[tokio::test]
async fn whoever_is_erased_comes_in_no_more_whenever_their_token_was_made() {
    let rig = Rig::new().await;
    rig.get("/api/v2/messages/threads").of("ann").send().await.expect(200);
    rig.erase("ann", "ann").of_admin().send().await.expect(201);
    for hours in [0, 10_000] {
        rig.world.clock.advance(hours * 3_600_000);
        let refused = rig.get("/api/v2/messages/threads").of("ann").send().await;
        assert_eq!((refused.status, &refused.body["code"]), (401, &json!("unauthenticated")));
    }
    rig.get("/api/v2/messages/threads").of("bob").send().await.expect(200);
}

#[tokio::test]
async fn an_export_has_what_the_person_did_and_nothing_of_others() {
    let rig = Rig::new().await;
    let thread = rig.world.store.group_of(&["ann", "bob"]);
    let path = format!("/api/v2/messages/{thread}");
    let own = rig.post(&path, &json!({"content": "by ann", "clientMessageId": "k"})).of("ann").send().await;
    let own = own.expect(201)["message"]["_id"].as_str().unwrap().to_owned();
    let other =
        rig.post(&path, &json!({"content": "the secret of bob", "mentions": ["ann"]})).of("bob").send().await;
    let other = other.expect(201)["message"]["_id"].as_str().unwrap().to_owned();
    let edit = json!({"content": "by ann, edited"}).to_string();
    let edit = rig
        .call(Method::PATCH, &format!("/api/v2/messages/{own}"))
        .header("content-type", "application/json")
        .body(edit);
    edit.of("ann").send().await.expect(200);
    let react = rig.post(&format!("/api/v2/messages/{other}/reactions"), &json!({"emoji": "👍"}));
    react.of("ann").send().await.expect(200);
    rig.post(&format!("/api/v2/messages/{own}/reactions"), &json!({"emoji": "👎"}))
        .of("bob")
        .send()
        .await
        .expect(200);
    rig.post("/api/v2/devices", &json!({"fcmToken": "a-secret-token"})).of("ann").send().await.expect(201);
    let report = json!({"reason": "spam", "text": "every day"});
    rig.post(&format!("/api/v2/messages/{other}/report"), &report).of("ann").send().await.expect(201);
    rig.post(&format!("/api/v2/messages/{own}/report"), &json!({"reason": "hate"}))
        .of("bob")
        .send()
        .await
        .expect(201);
    let block = |who: &'static str, whom: &str| {
        rig.call(Method::PUT, &format!("/api/v2/users/{whom}/block")).of(who).send()
    };
    block("ann", "eve").await.expect(200);
    block("cat", "ann").await.expect(200);
    let lines = rig.lines("ann").await;
    assert_eq!(
        (&lines[0]["kind"], &lines[0]["version"], &lines[0]["userId"]),
        (&json!("export"), &json!(1), &json!("ann"))
    );
    let end = lines.last().unwrap();
    assert_eq!(end["kind"], json!("end"));
    let mut counted = serde_json::Map::new();
    for line in &lines[1..lines.len() - 1] {
        let count = counted.entry(line["kind"].as_str().unwrap()).or_insert_with(|| json!(0));
        *count = json!(count.as_u64().unwrap() + 1);
    }
    assert_eq!(end["counts"], Value::Object(counted), "the end says what there is");
    for (kind, count) in [
        ("message", 1),
        ("wording", 1),
        ("reaction", 1),
        ("mention", 1),
        ("report", 1),
        ("block", 1),
        ("device", 1),
        ("thread", 1),
    ] {
        assert_eq!(end["counts"][kind], json!(count), "{kind}");
    }
    let text = serde_json::to_string(&lines).unwrap();
    for foreign in ["the secret of bob", "a-secret-token", "👎", "\"cat\"", "hate"] {
        assert!(!text.contains(foreign), "{foreign} is not theirs");
    }
    assert!(text.contains("by ann, edited") && text.contains("every day"));
    assert_eq!(rig.audited().await, [("export".to_owned(), Some("ann".to_owned()))]);
    assert!(rig.world.commands().iter().all(|command| !matches!(command, Command::ErasePerson(_))));
}

#[tokio::test]
async fn an_export_of_many_messages_comes_in_pages_and_has_all_of_them() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    for number in 0..250 {
        let said = json!({"content": format!("message {number}")});
        let who = if number % 2 == 0 { "ann" } else { "bob" };
        rig.post(&format!("/api/v2/messages/{thread}"), &said).of(who).send().await.expect(201);
    }
    let lines = rig.lines("ann").await;
    let seqs: Vec<u64> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(seqs, (0..125).map(|n| 2 * n + 1).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_export_that_the_store_cuts_off_has_no_end() {
    let rig = Rig::new().await;
    rig.world.store.thread_of(&["ann", "bob"]);
    rig.world.store.is_down.store(true, SeqCst);
    let response = {
        use tower::ServiceExt as _;
        let call = rig.get("/api/v2/users/ann/export").of_admin();
        rig.router.clone().oneshot(call.request).await.unwrap()
    };
    assert_eq!(response.status(), 200, "it has begun");
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    assert!(body.is_err(), "its connection breaks off");
}
