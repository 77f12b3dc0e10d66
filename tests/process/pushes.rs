//! Pushes from end to end: a message to somebody who is away reaches their browser and their app, what they
//! read elsewhere is taken away, and a device that is gone is forgotten.
//!
//! The push services are a stand-in on this machine that checks every signature and decrypts every payload.

use eventflow_testkit::push_services::{Fault, PushServices, ReceivedPush};
use eventflow_testkit::{System, eventually};
use reqwest::{Client, Method};
use serde_json::{Value, json};

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
