//! What happens to messages and threads after the first word, by REST.

use super::{Rig, THREADS};
use eventflow_protocol::command::Command;
use eventflow_protocol::pairing::Leg;
use http::Method;
use serde_json::{Value, json};

struct Talk {
    rig: Rig,
    thread: String,
}

impl Talk {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let thread = rig.world.store.thread_of(&["ann", "bob"]).to_string();
        Self { rig, thread }
    }

    /// Ann says something; gives the message's path.
    async fn say(&self, content: &str) -> String {
        let sent =
            self.rig.post(&self.path(), &json!({ "content": content })).of("ann").send().await.expect(201);
        format!("/api/v2/messages/{}", sent["message"]["_id"].as_str().unwrap())
    }

    fn path(&self) -> String {
        format!("/api/v2/messages/{}", self.thread)
    }

    async fn change(&self, method: Method, path: &str, user: &str, body: &Value) -> super::Reply {
        let call =
            self.rig.call(method, path).header("content-type", "application/json").body(body.to_string());
        call.of(user).send().await
    }

    async fn view(&self, user: &str) -> Value {
        self.rig.get(&format!("{THREADS}/{}", self.thread)).of(user).send().await.expect(200)["thread"]
            .clone()
    }
}

#[tokio::test]
async fn a_message_is_edited_and_taken_back_by_its_sender_only() {
    let talk = Talk::new().await;
    let path = talk.say("helo").await;
    for method in [Method::PUT, Method::PATCH] {
        let edited = talk
            .change(method.clone(), &path, "ann", &json!({"content": "<b>hello</b> a < b"}))
            .await
            .expect(200);
        assert_eq!(edited["message"]["content"], json!("<\u{2060}b>hello<\u{2060}/b> a < b"));
        assert_eq!(edited["message"]["id"], edited["message"]["_id"]);
        assert!(edited["message"]["editedAt"].is_string());
        talk.change(method.clone(), &path, "bob", &json!({"content": "mine"}))
            .await
            .refused(403, "forbidden");
        talk.change(method, &path, "ann", &json!({"content": " "})).await.refused(400, "invalid");
    }
    talk.change(Method::DELETE, &path, "bob", &json!({})).await.refused(403, "forbidden");
    for _ in 0..2 {
        let deleted = talk.change(Method::DELETE, &path, "ann", &json!({})).await.expect(200);
        assert_eq!(
            (&deleted["message"]["content"], deleted["message"]["deletedAt"].is_string()),
            (&json!(""), true)
        );
    }
    talk.change(Method::PATCH, &path, "ann", &json!({"content": "late"})).await.refused(404, "not_found");
    let history = talk.rig.get(&talk.path()).of("bob").send().await.expect(200);
    assert_eq!((&history["messages"][0]["seq"], &history["messages"][0]["content"]), (&json!(1), &json!("")));
}

#[tokio::test]
async fn a_reaction_is_a_toggle_unless_the_client_says_which() {
    let talk = Talk::new().await;
    let path = format!("{}/reactions", talk.say("nice?").await);
    for (action, said, count) in [
        (None, "added", 1),
        (None, "removed", 0),
        (Some("add"), "added", 1),
        (Some("add"), "added", 1),
        (Some("remove"), "removed", 0),
        (Some("remove"), "removed", 0),
        (Some("toggle"), "added", 1),
    ] {
        let reply = talk
            .change(Method::POST, &path, "bob", &json!({"emoji": "👍", "action": action}))
            .await
            .expect(200);
        assert_eq!(
            (&reply["action"], reply["reactions"].as_array().unwrap().len()),
            (&json!(said), count),
            "{action:?}"
        );
    }
    for bad in [
        json!({}),
        json!({"emoji": "<img>"}),
        json!({"emoji": {"$ne": ""}}),
        json!({"emoji": "👍", "action": "x"}),
    ] {
        talk.change(Method::POST, &path, "bob", &bad).await.refused(400, "invalid");
    }
}

#[tokio::test]
async fn reading_moves_the_cursor_and_never_back() {
    let talk = Talk::new().await;
    let mut paths = Vec::new();
    for n in 0..5 {
        paths.push(talk.say(&format!("m{n}")).await);
    }
    assert_eq!(
        (&talk.view("bob").await["unreadCount"], &talk.view("ann").await["unreadCount"]),
        (&json!(5), &json!(0))
    );
    let read = talk.rig.call(Method::POST, &format!("{}/read", paths[2])).of("bob").send().await.expect(200);
    assert_eq!(
        (&read["seq"], &read["unreadCount"], &read["threadId"]),
        (&json!(3), &json!(2), &json!(talk.thread))
    );
    let back = talk.rig.call(Method::POST, &format!("{}/read", paths[0])).of("bob").send().await.expect(200);
    assert_eq!((&back["seq"], &back["unreadCount"]), (&json!(3), &json!(2)));
    let all = format!("{THREADS}/{}/read", talk.thread);
    let up_to = talk.rig.post(&all, &json!({"seq": 4})).of("bob").send().await.expect(200);
    assert_eq!((&up_to["seq"], &up_to["unreadCount"]), (&json!(4), &json!(1)));
    let all = talk.rig.call(Method::POST, &all).of("bob").send().await.expect(200);
    assert_eq!((&all["seq"], &all["unreadCount"]), (&json!(5), &json!(0)));
    assert_eq!(talk.view("bob").await["unreadCount"], json!(0), "a number of the viewer, not a map");
    let history = talk.rig.get(&talk.path()).of("ann").send().await.expect(200);
    assert!(history["messages"].as_array().unwrap().iter().all(|message| message["status"] == "read"));
    talk.rig
        .post(&format!("{THREADS}/{}/read", talk.thread), &json!({"seq": "4"}))
        .of("bob")
        .send()
        .await
        .refused(400, "invalid");
}

#[tokio::test]
async fn a_thread_is_put_away_for_one_person_and_comes_back_with_a_word_of_somebody_else() {
    let talk = Talk::new().await;
    let one = format!("{THREADS}/{}", talk.thread);
    let listed = async |user: &str, status: &str| {
        let list = talk.rig.get(&format!("{THREADS}?status={status}")).of(user).send().await.expect(200);
        list["threads"].as_array().unwrap().len()
    };
    talk.say("hello").await;
    let archived = talk.rig.call(Method::DELETE, &one).of("bob").send().await.expect(200);
    assert_eq!(archived["status"], json!("archived"));
    assert_eq!(
        (listed("bob", "active").await, listed("bob", "archived").await, listed("ann", "active").await),
        (0, 1, 1)
    );
    let back = talk.rig.call(Method::POST, &format!("{one}/unarchive")).of("bob").send().await.expect(200);
    assert_eq!((&back["status"], listed("bob", "active").await), (&json!("active"), 1));
    talk.rig.call(Method::DELETE, &one).of("bob").send().await.expect(200);
    talk.say("again").await;
    assert_eq!(listed("bob", "active").await, 1);
}

#[tokio::test]
async fn history_is_paged_by_time_too() {
    let talk = Talk::new().await;
    for n in 0..5 {
        talk.say(&format!("m{n}")).await;
        talk.rig.world.clock.advance(1_000);
    }
    // Message n was accepted n - 1 seconds after 2027-01-15T08:00:00Z.
    for (query, seqs) in [
        ("before=2027-01-15T08:00:02.000Z", vec![1, 2]),
        ("beforeTime=2027-01-15T08:00:02Z", vec![1, 2]),
        ("before=2027-01-15T09:00:02.5%2B01:00", vec![1, 2, 3]),
        ("after=2027-01-15T08:00:02Z", vec![4, 5]),
        ("afterTime=2027-01-15T08:00:02.000Z&limit=1", vec![4]),
        ("beforeTime=2027-01-15T08:00:02.000Z&limit=1", vec![2]),
    ] {
        let page = talk.rig.get(&format!("{}?{query}", talk.path())).of("bob").send().await.expect(200);
        let got: Vec<u64> =
            page["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()).collect();
        assert_eq!(got, seqs, "{query}");
    }
    for bad in [
        "before=yesterday",
        "before=2026-02-30T00:00:00.000Z",
        "afterTime=2026-02-30T00:00:00Z",
        "beforeTime=5",
        "before=3&beforeTime=2027-01-15T08:00:02Z",
        "before=3&afterTime=2027-01-15T08:00:02Z",
        "after=99999999999999999999",
    ] {
        talk.rig.get(&format!("{}?{bad}", talk.path())).of("bob").send().await.refused(400, "invalid");
    }
}

#[tokio::test]
async fn a_message_without_a_key_says_how_its_twin_is_recognised_and_one_with_a_key_does_not() {
    let talk = Talk::new().await;
    talk.say("hello").await;
    let keyed = json!({"content": "hello", "clientMessageId": "k"});
    talk.rig.post(&talk.path(), &keyed).of("ann").send().await.expect(201);
    let pairings = talk.rig.world.commands().into_iter().filter_map(|command| match command {
        Command::SendMessage(send) => Some(send.pairing.map(|pairing| (pairing.leg, pairing.opened_at))),
        _ => None,
    });
    assert_eq!(pairings.collect::<Vec<_>>(), [Some((Leg::Rest, None)), None]);
}

#[tokio::test(start_paused = true)]
async fn what_the_worker_does_not_answer_in_time_is_queued_on_every_write() {
    let talk = Talk::new().await;
    let path = talk.say("hello").await;
    talk.rig.world.silence_worker();
    for (method, path, body) in [
        (Method::PATCH, path.clone(), json!({"content": "x"})),
        (Method::DELETE, path.clone(), json!({})),
        (Method::POST, format!("{path}/reactions"), json!({"emoji": "👍"})),
        (Method::POST, format!("{path}/read"), json!({})),
        (Method::DELETE, format!("{THREADS}/{}", talk.thread), json!({})),
        (Method::POST, "/api/v2/notifications/read-all".into(), json!({})),
        (Method::POST, "/api/v2/notifications/preferences".into(), json!({})),
    ] {
        let reply = talk.change(method.clone(), &path, "ann", &body).await.expect(202);
        assert_eq!(
            (&reply["status"], reply["commandId"].is_string()),
            (&json!("queued"), true),
            "{method} {path}"
        );
    }
}
