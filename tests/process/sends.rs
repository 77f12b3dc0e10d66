//! A send to many people whose worker is killed in the middle: everybody has exactly one notification, and
//! hears of it once.

use crate::backends::Own;
use eventflow_testkit::{RawSocket, System, eventually};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// People of the send: five full steps and a part of one.
const PEOPLE: usize = 600;
/// A step every second. So the kill has five seconds to come between the first and the last, also on a
/// machine that is busy with something else.
const PER_SECOND: (&str, &str) = ("SENDS_PER_SECOND", "110");
/// Everybody of the test makes requests as fast as they can.
const NO_LIMIT: (&str, &str) = ("REST_PER_MINUTE_USER", "0");
/// Calls and commands at the same time.
const AT_ONCE: usize = 8;
/// What is told after the send: whoever hears it has heard everything before it.
const LAST: &str = "Last";
const STRIKE: &str = "Strike";

#[tokio::test(flavor = "multi_thread")]
async fn a_send_of_the_single_process_reaches_everybody_once_though_it_is_killed_in_the_middle() {
    let mut stage = Stage::new(System::single(&[PER_SECOND, NO_LIMIT]).await.unwrap()).await;
    let send = stage.broken_off().await;
    stage.is_carried_on(&send).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_of_a_fleet_reaches_everybody_once_and_is_heard_once_though_its_worker_is_killed() {
    let own = Own::create("sends").await.unwrap();
    let system = System::fleet(&own.backends, &[PER_SECOND, NO_LIMIT]).await.unwrap();
    let mut stage = Stage::new(system).await;
    // One of the first step, of one in the middle, and of the last.
    let mut sockets = Vec::new();
    for index in [0, PEOPLE / 2, PEOPLE - 1] {
        sockets.push(RawSocket::connect(&stage.system.sockets(), &stage.tokens[index]).await.unwrap());
    }
    let sending = async {
        let send = stage.broken_off().await;
        stage.is_carried_on(&send).await;
        let everybody: Vec<String> = (0..PEOPLE).map(person).collect();
        stage.call(&stage.root, Method::POST, "", &json!({"userIds": everybody, "title": LAST})).await;
    };
    // Read all the time, since a socket that answers no pings is closed.
    let (all_heard, ()) = tokio::join!(join_all(sockets.iter_mut().map(heard)), sending);
    for titles in all_heard {
        assert_eq!(titles, [STRIKE, LAST]);
    }
    drop(stage);
    own.delete().await.unwrap();
}

/// A system, an administrator, and the people of the send in the order of their ids.
struct Stage {
    system: System,
    http: Client,
    root: String,
    tokens: Vec<String>,
}

impl Stage {
    async fn new(system: System) -> Self {
        let root = system.token_as("root", "admin").await.unwrap();
        let made = stream::iter(0..PEOPLE).map(async |index| system.token(&person(index)).await.unwrap());
        let tokens = made.buffered(AT_ONCE).collect().await;
        Self { system, http: Client::new(), root, tokens }
    }

    async fn call(&self, token: &str, method: Method, path: &str, body: &Value) -> Value {
        let url = self.system.url(&format!("/api/v2/notifications{path}"));
        let call = self.http.request(method, url).bearer_auth(token);
        let call = if body.is_null() { call } else { call.json(body) };
        let answer: Value = call.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["success"], true, "{path}: {answer}");
        answer
    }

    /// Begins a send and kills its worker as soon as somebody was told. Gives the id of the send.
    async fn broken_off(&mut self) -> String {
        let everybody: Vec<String> = (0..PEOPLE).map(person).collect();
        let wanted = json!({"to": everybody, "title": STRIKE, "clientNotificationId": "strike"});
        let made = self.call(&self.root, Method::POST, "", &wanted).await;
        let id = made["send"]["_id"].as_str().unwrap().to_owned();
        eventually("somebody was told", async || (self.told(&id).await > 0).then_some(())).await.unwrap();
        self.system.process("persistence-worker").kill().await.unwrap();
        self.system.start_again("persistence-worker").await.unwrap();
        let told = self.told(&id).await;
        assert!((1..PEOPLE).contains(&told), "it was killed in the middle: {told} of {PEOPLE} were told");
        let again = self.call(&self.root, Method::POST, "", &wanted).await;
        assert_eq!((&again["deduplicated"], &again["send"]["_id"]), (&json!(true), &json!(id)));
        id
    }

    async fn is_carried_on(&self, id: &str) {
        let done = eventually("everybody was told", async || {
            let send = self.send(id).await;
            (send["state"] == "done").then_some(send)
        })
        .await
        .unwrap();
        let counts = ["total", "sent", "suppressed", "failed"].map(|field| done[field].as_u64().unwrap());
        assert_eq!(counts, [PEOPLE as u64, PEOPLE as u64, 0, 0]);
        let looks = stream::iter(&self.tokens).map(|token| self.call(token, Method::GET, "", &Value::Null));
        let inboxes: Vec<Value> = looks.buffered(AT_ONCE).collect().await;
        for (index, inbox) in inboxes.iter().enumerate() {
            let titles: Vec<&Value> =
                inbox["notifications"].as_array().unwrap().iter().map(|one| &one["title"]).collect();
            assert_eq!(titles, [STRIKE], "{}", person(index));
        }
    }

    /// How many people were told, as the send counts.
    async fn told(&self, id: &str) -> usize {
        usize::try_from(self.send(id).await["sent"].as_u64().unwrap()).unwrap()
    }

    async fn send(&self, id: &str) -> Value {
        self.call(&self.root, Method::GET, &format!("/sends/{id}"), &Value::Null).await["send"].take()
    }
}

fn person(index: usize) -> String {
    format!("person-{index:03}")
}

/// The titles of the notifications that somebody hears of, up to the last one.
async fn heard(socket: &mut RawSocket) -> Vec<String> {
    let mut titles = Vec::new();
    while titles.last().is_none_or(|title| title != LAST) {
        let event = socket.event("notification:received").await.unwrap();
        titles.push(event["notification"]["title"].as_str().unwrap().to_owned());
    }
    titles
}
