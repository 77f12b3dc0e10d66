//! A system with push services: a stand-in on this machine that checks every signature.

use crate::backends::Own;
use eventflow_testkit::push_services::{PushServices, ReceivedPush};
use eventflow_testkit::{System, eventually};
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// A system whose pushes go to a stand-in.
pub(super) struct PushStage {
    pub(super) services: PushServices,
    pub(super) system: System,
    pub(super) http: Client,
}

impl PushStage {
    /// A fleet on these servers, or one process.
    pub(super) async fn new(own: Option<&Own>, settings: &[(&str, &str)]) -> Self {
        let services = PushServices::start().await.unwrap();
        let of_services = services.settings();
        let mut all: Vec<(&str, &str)> =
            of_services.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // What a test names itself counts.
        all.extend_from_slice(settings);
        let system = match own {
            Some(own) => System::fleet(&own.backends, &all).await.unwrap(),
            None => System::single(&all).await.unwrap(),
        };
        Self { services, system, http: Client::new() }
    }

    pub(super) async fn call(&self, token: &str, method: Method, path: &str, body: Value) -> Value {
        let call = self.http.request(method, self.system.url(&format!("/api/v2{path}"))).bearer_auth(token);
        let call = if body.is_null() { call } else { call.json(&body) };
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["success"], true, "{path}: {answer}");
        answer
    }

    /// Starts a thread of the token's owner with `other`.
    pub(super) async fn thread(&self, token: &str, other: &str) -> String {
        let thread = json!({ "participants": [other] });
        let thread = self.call(token, Method::POST, "/messages/threads", thread).await;
        thread["thread"]["_id"].as_str().unwrap().to_owned()
    }

    /// Registers the app with this token of FCM for the token's owner.
    pub(super) async fn app(&self, token: &str, fcm_token: &str) {
        self.call(token, Method::POST, "/devices", json!({ "fcmToken": fcm_token })).await;
    }

    /// Waits for so many pushes.
    pub(super) async fn received(&self, count: usize) -> Vec<ReceivedPush> {
        let what = format!("{count} pushes, complaints: {:?}", self.services.complaints());
        eventually(&what, async || Some(self.services.received()).filter(|all| all.len() >= count))
            .await
            .unwrap()
    }

    /// The rows of a person's delivery log about pushes, the last first.
    pub(super) async fn rows(&self, root: &str, person: &str) -> Vec<Value> {
        let mut log =
            self.call(root, Method::GET, &format!("/users/{person}/deliveries?limit=100"), Value::Null).await;
        let rows = log["deliveries"].take();
        rows.as_array().unwrap().iter().filter(|row| row["channel"] == "push").cloned().collect()
    }
}
