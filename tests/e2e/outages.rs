//! Outages: while a server is away, accepted messages wait and are stored later, other messages are refused
//! at once, and reads go on. The system recovers by itself.
//!
//! Each test has a fleet of its own, which reaches one server through a proxy.

use crate::backends::Own;
use eventflow_testkit::{Proxy, RawSocket, System, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Limit of a refusal without a broker: the gateway refuses from what it knows and does not wait.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Refusals, of which the quickest is measured: a gateway that waits does so for each, and a machine that is
/// busy with something else does not.
const REFUSALS: usize = 5;

/// Two people and their thread.
struct Conversation {
    http: reqwest::Client,
    ann: String,
    ben: String,
    thread: String,
}

struct Answer {
    status: StatusCode,
    retry_after: Option<String>,
    body: Value,
}

impl Conversation {
    async fn start(system: &System) -> Self {
        let (ann, ben) = (system.token("ann").await.unwrap(), system.token("ben").await.unwrap());
        let mut conversation = Self { http: reqwest::Client::new(), ann, ben, thread: String::new() };
        let created =
            conversation.call(system, Method::POST, "threads", Some(json!({"participants": ["ben"]}))).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
        created.body["thread"]["_id"].as_str().unwrap().clone_into(&mut conversation.thread);
        conversation
    }

    async fn send(&self, system: &System, content: &str) -> Answer {
        self.call(system, Method::POST, &self.thread, Some(json!({"content": content}))).await
    }

    async fn history(&self, system: &System) -> Option<Vec<String>> {
        let answer = self.call(system, Method::GET, &self.thread, None).await;
        let messages = answer.body["messages"].as_array()?.iter();
        Some(messages.map(|message| message["content"].as_str().unwrap().to_owned()).collect())
    }

    async fn call(&self, system: &System, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request =
            self.http.request(method, system.url(&format!("/api/v2/messages/{path}"))).bearer_auth(&self.ann);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = request.send().await.unwrap();
        let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        Answer { status: answer.status(), retry_after, body: answer.json().await.unwrap() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_away_messages_are_queued_and_stored_when_it_is_back() {
    let mut own = Own::create("store-away").await.unwrap();
    let address = own.servers.mongodb_address().unwrap().to_owned();
    let proxy = Proxy::start(&address).await.unwrap();
    own.backends.mongodb = own.backends.mongodb.replace(&address, &proxy.address().to_string());
    let mut system = System::fleet(&own.backends, &[]).await.unwrap();
    let conversation = Conversation::start(&system).await;
    let mut ben = RawSocket::connect(&system.sockets(), &conversation.ben).await.unwrap();
    let mut socket = RawSocket::connect(&system.sockets(), &conversation.ann).await.unwrap();
    let stored = socket
        .ask("message:send", &json!({"threadId": conversation.thread, "content": "before"}))
        .await
        .unwrap();
    assert_eq!(stored["message"]["seq"], 1, "{stored}");
    // Nothing is on its way any more: the event that the thread was created makes a gateway read who is in
    // it.
    ben.event("message:received").await.unwrap();

    proxy.cut();
    let by_rest = conversation.send(&system, "by REST").await;
    assert_eq!(by_rest.status, StatusCode::ACCEPTED, "{}", by_rest.body);
    assert_eq!((&by_rest.body["success"], &by_rest.body["status"]), (&json!(true), &json!("queued")));
    assert!(by_rest.body["commandId"].is_string(), "{}", by_rest.body);
    let by_socket = json!({"threadId": conversation.thread, "content": "by socket"});
    let by_socket = socket.ask("message:send", &by_socket).await.unwrap();
    assert_eq!(
        (&by_socket["success"], &by_socket["status"]),
        (&json!(true), &json!("queued")),
        "{by_socket}"
    );
    let not_ready = async || {
        let answer = reqwest::get(system.admin("persistence-worker", "/readyz")).await.ok()?;
        (answer.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(answer)
    };
    let reasons =
        eventually("the worker says that it is not ready", not_ready).await.unwrap().text().await.unwrap();
    assert!(reasons.contains("store"), "{reasons}");
    for gateway in ["ws-gateway", "http-gateway"] {
        let status = async || {
            let status = reqwest::get(system.admin(gateway, "/status")).await.ok()?.json().await.ok()?;
            Some(status).filter(|status: &Value| status["status"] == "impaired")
        };
        let status = eventually("a gateway says what is wrong", status).await.unwrap();
        assert!(status["impaired"]["store"]["why"].is_string(), "{status}");
        assert!(status["impaired"]["store"]["seconds"].is_u64(), "{status}");
        let ready = reqwest::get(system.admin(gateway, "/readyz")).await.unwrap();
        assert_eq!(ready.status(), StatusCode::OK, "{gateway} still takes messages");
    }

    proxy.mend();
    let complete = async || conversation.history(&system).await.filter(|contents| contents.len() >= 3);
    let contents = eventually("what was accepted is stored", complete).await.unwrap();
    assert_eq!(contents, ["before", "by REST", "by socket"]);
    system.ready("persistence-worker").await.unwrap();
    let after = conversation.send(&system, "after").await;
    assert_eq!(
        (after.status, &after.body["message"]["seq"]),
        (StatusCode::CREATED, &json!(4)),
        "{}",
        after.body
    );
    finish(system, own, proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_broker_is_away_writes_are_refused_at_once_reads_go_on_and_nothing_accepted_is_lost() {
    let mut own = Own::create("broker-away").await.unwrap();
    let address = own.servers.rabbitmq_address().unwrap().to_owned();
    let proxy = Proxy::start(&address).await.unwrap();
    own.backends.rabbitmq = own.backends.rabbitmq.replace(&address, &proxy.address().to_string());
    let mut system = System::fleet(&own.backends, &[]).await.unwrap();
    let conversation = Conversation::start(&system).await;
    let mut expected = vec!["before".to_owned()];
    assert_eq!(conversation.send(&system, "before").await.status, StatusCode::CREATED);

    proxy.cut();
    let refused =
        async || Some(conversation.send(&system, "refused").await.status == StatusCode::SERVICE_UNAVAILABLE);
    assert!(eventually("a write is refused", refused).await.unwrap());
    let mut quickest = Duration::MAX;
    for _ in 0..REFUSALS {
        let started = Instant::now();
        let answer = conversation.send(&system, "refused").await;
        quickest = quickest.min(started.elapsed());
        assert_eq!(
            (answer.status, answer.retry_after.as_deref()),
            (StatusCode::SERVICE_UNAVAILABLE, Some("1")),
            "{}",
            answer.body
        );
        assert_eq!((&answer.body["success"], &answer.body["code"]), (&json!(false), &json!("unavailable")));
    }
    assert!(quickest < AT_ONCE, "refused only after {quickest:?}");
    assert_eq!(conversation.history(&system).await.unwrap(), expected, "reads do not need the broker");

    proxy.mend();
    for role in system.roles() {
        system.ready(role).await.unwrap();
    }
    // Ready all the while, since it reads without the broker.
    let has_broker = async || {
        let status = reqwest::get(system.admin("http-gateway", "/status")).await.ok()?;
        let status: Value = status.json().await.ok()?;
        (status["status"] == "ready").then_some(())
    };
    eventually("the gateway has its broker again", has_broker).await.unwrap();
    for n in 0..3 {
        let answer = conversation.send(&system, &format!("after {n}")).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        expected.push(format!("after {n}"));
    }
    assert_eq!(conversation.history(&system).await.unwrap(), expected);
    finish(system, own, proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_registry_is_away_messages_still_reach_everybody() {
    let mut own = Own::create("registry-away").await.unwrap();
    let address = own.servers.redis_address().unwrap().to_owned();
    let proxy = Proxy::start(&address).await.unwrap();
    own.backends.redis = own.backends.redis.replace(&address, &proxy.address().to_string());
    let system = System::fleet(&own.backends, &[]).await.unwrap();
    let conversation = Conversation::start(&system).await;
    let mut ben = RawSocket::connect(&system.sockets(), &conversation.ben).await.unwrap();
    for content in ["with it", "without it", "still without it", "with it again"] {
        match content {
            "without it" => proxy.cut(),
            "with it again" => proxy.mend(),
            _ => {}
        }
        assert_eq!(conversation.send(&system, content).await.status, StatusCode::CREATED);
        let heard = ben.event("message:received").await.unwrap();
        assert_eq!(heard["message"]["content"], content);
    }
    finish(system, own, proxy).await;
}

async fn finish(system: System, own: Own, proxy: Proxy) {
    for (role, status) in system.stop().await.unwrap() {
        assert!(status.success(), "{role}: {status}");
    }
    proxy.stop().await;
    own.delete().await.unwrap();
}
