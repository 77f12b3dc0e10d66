//! Pushes from end to end: a message to somebody who is away reaches their browser and their app, what they
//! read elsewhere is taken away, and a device that is gone is forgotten.
//!
//! The push services are a stand-in on this machine that checks every signature and decrypts every payload.

use eventflow_testkit::push_services::{Fault, PushServices, ReceivedPush};
use eventflow_testkit::{System, eventually};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// One process, its push services, and the people's tokens.
struct Stage {
    services: PushServices,
    system: System,
    http: Client,
    ann: String,
    ben: String,
}

impl Stage {
    async fn new() -> Self {
        let services = PushServices::start().await.unwrap();
        let of_services = services.settings();
        let mut settings = vec![("PUSH_GRACE_S", "0")];
        settings.extend(of_services.iter().map(|(name, value)| (*name, value.as_str())));
        let system = System::single(&settings).await.unwrap();
        let (ann, ben) = (system.token("ann").await.unwrap(), system.token("ben").await.unwrap());
        Self { services, system, http: Client::new(), ann, ben }
    }

    async fn call(&self, token: &str, method: Method, path: &str, body: Value) -> Value {
        let url = self.system.url(&format!("/api/v2{path}"));
        let call = self.http.request(method, url).bearer_auth(token);
        let call = if body.is_null() { call } else { call.json(&body) };
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["success"], true, "{path}: {answer}");
        answer
    }

    /// A conversation of the two, in which the first one says something.
    async fn say(&self, content: &str) -> String {
        let people = json!({"participants": ["ben"]});
        let thread = self.call(&self.ann, Method::POST, "/messages/threads", people).await;
        let thread = thread["thread"]["_id"].as_str().unwrap().to_owned();
        self.call(&self.ann, Method::POST, &format!("/messages/{thread}"), json!({"content": content})).await;
        thread
    }

    async fn devices(&self) -> usize {
        let list = self.call(&self.ben, Method::GET, "/devices", Value::Null).await;
        list["devices"].as_array().unwrap().len()
    }

    /// Waits for so many pushes.
    async fn received(&self, count: usize) -> Vec<ReceivedPush> {
        let what = format!("{count} pushes, complaints: {:?}", self.services.complaints());
        eventually(&what, async || Some(self.services.received()).filter(|all| all.len() >= count))
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_message_to_somebody_who_is_away_reaches_their_devices_and_reading_takes_it_away() {
    let stage = Stage::new().await;
    let key = stage.call(&stage.ben, Method::GET, "/push/key", Value::Null).await;
    let browser = stage.services.subscribe(key["publicKey"].as_str().unwrap());
    let subscription = json!({"subscription": browser.to_json(), "name": "Browser"});
    stage.call(&stage.ben, Method::POST, "/devices", subscription).await;
    stage.call(&stage.ben, Method::POST, "/devices", json!({"fcmToken": "app-of-ben"})).await;
    let thread = stage.say("hello <b> ben").await;
    let shown = stage.received(2).await;
    let to_browser = shown.iter().find(|push| push.to == browser.id).expect("the browser has it");
    let to_app = shown.iter().find(|push| push.to == "app-of-ben").expect("the app has it");
    assert_eq!(
        (&to_browser.payload["act"], &to_browser.payload["title"], &to_browser.payload["text"]),
        (&json!("show"), &json!("ann"), &json!("hello <b> ben"))
    );
    assert_eq!((&to_browser.payload["threadId"], &to_browser.payload["badge"]), (&json!(thread), &json!(1)));
    assert_eq!(to_app.payload["notification"]["body"], "hello <b> ben");
    let read = format!("/messages/threads/{thread}/read");
    stage.call(&stage.ben, Method::POST, &read, Value::Null).await;
    let cleared = &stage.received(4).await[2..];
    for push in cleared {
        let act = if push.to == browser.id { &push.payload["act"] } else { &push.payload["data"]["act"] };
        assert_eq!(act, "clear", "{push:?}");
    }
    assert_eq!((stage.services.received().len(), stage.services.complaints()), (4, vec![]));
}

/// Google and browsers take 100 requests at a time on one connection. What waits for its turn waits in this
/// server, and that is no failure of theirs.
#[tokio::test]
async fn a_send_to_many_devices_at_a_slow_service_reaches_each_of_them_once_and_nobody_is_blamed() {
    const APPS: usize = 20;
    const PEOPLE: usize = 40;
    let stage = Stage::new().await;
    let people: Vec<String> = (0..PEOPLE).map(|n| format!("person{n}")).collect();
    for (n, person) in people.iter().enumerate() {
        let token = stage.system.token(person).await.unwrap();
        for m in 0..APPS {
            let app = json!({"fcmToken": format!("app-{n}-{m}")});
            stage.call(&token, Method::POST, "/devices", app).await;
        }
    }
    // All of them at once would need 8 s, which is longer than a request may take.
    stage.services.answer_after(Duration::from_secs(1));
    let root = stage.system.token_as("root", "admin").await.unwrap();
    stage.call(&root, Method::POST, "/notifications", json!({"to": people, "title": "ALL"})).await;
    let shown = stage.received(PEOPLE * APPS).await;
    let devices: BTreeSet<&str> = shown.iter().map(|push| push.to.as_str()).collect();
    assert_eq!((devices.len(), shown.len()), (PEOPLE * APPS, PEOPLE * APPS), "each once");
    let sent = format!("eventflow_push_pushes_total{{outcome=\"sent\"}} {}", PEOPLE * APPS);
    let metrics = stage.system.admin("push-worker", "/metrics");
    let answered = eventually("all are answered", async || {
        let text = stage.http.get(&metrics).send().await.ok()?.text().await.ok()?;
        text.contains(&sent).then_some(text)
    });
    let answered = answered.await.unwrap();
    let has_failed = |line: &str| line.contains(r#"pushes_total{outcome="failed"}"#) && !line.ends_with(" 0");
    assert!(!answered.lines().any(has_failed) && answered.contains("eventflow_push_breaker_open 0"));
    assert_eq!(stage.services.asked(), PEOPLE * APPS, "and nobody was asked twice");
}

#[tokio::test]
async fn a_device_that_is_gone_is_forgotten_and_a_service_that_fails_is_asked_again() {
    let stage = Stage::new().await;
    stage.call(&stage.ben, Method::POST, "/devices", json!({"fcmToken": "gone"})).await;
    stage.services.fail([Fault::Status(503), Fault::Code(404, "UNREGISTERED")]);
    stage.say("one").await;
    eventually("the device is forgotten", async || (stage.devices().await == 0).then_some(())).await.unwrap();
    assert_eq!((stage.services.asked(), stage.services.received().len()), (2, 0));
    stage.call(&stage.ben, Method::POST, "/devices", json!({"fcmToken": "new"})).await;
    stage.services.fail([Fault::RetryAfter(429, 1)]);
    stage.say("two").await;
    assert_eq!(stage.received(1).await[0].to, "new");
    assert_eq!(stage.services.asked(), 4);
}
