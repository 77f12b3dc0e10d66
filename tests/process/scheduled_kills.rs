//! A backlog of scheduled messages whose worker is killed again and again: everybody hears every message once
//! and in order, in one process and in a fleet.

use crate::backends::Own;
use eventflow_ports::{Clock, SystemClock};
use eventflow_protocol::Timestamp;
use eventflow_testkit::{RawSocket, System, eventually};
use futures_util::future::join_all;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::time::Duration;

/// Conversations, each with somebody who has planned [`MESSAGES`] messages.
const CONVERSATIONS: usize = 8;
/// As many as one person may have waiting: a gateway sends those of all conversations in several steps.
const MESSAGES: i64 = 100;
/// When they are due: after all of them are planned, also on a machine that is busy with something else.
const AHEAD: Duration = Duration::from_secs(40);
/// Kills of the worker, each as soon as more messages are there than before.
const KILLS: usize = 3;
/// Everybody of the test makes requests as fast as they can.
const NO_LIMIT: (&str, &str) = ("REST_PER_MINUTE_USER", "0");

#[tokio::test(flavor = "multi_thread")]
async fn the_single_process_sends_a_backlog_once_and_in_order_though_it_is_killed() {
    let mut stage = Stage::new(System::single(&[NO_LIMIT]).await.unwrap()).await;
    stage.plan().await;
    stage.kill_in_between().await;
    stage.all_is_said_once().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_sends_a_backlog_once_and_in_order_though_its_worker_is_killed() {
    let own = Own::create("scheduledkills").await.unwrap();
    let mut stage = Stage::new(System::fleet(&own.backends, &[NO_LIMIT]).await.unwrap()).await;
    stage.plan().await;
    let mut listener = RawSocket::connect(&stage.system.sockets(), &stage.tokens[1]).await.unwrap();
    // Read all the time, since a socket that answers no pings is closed.
    let (heard, ()) = tokio::join!(heard(&mut listener), stage.kill_in_between());
    assert_eq!(heard, said());
    stage.all_is_said_once().await;
    drop(stage);
    own.delete().await.unwrap();
}

/// A system, and the people of the conversations: of each two the first plans what the second hears.
struct Stage {
    system: System,
    http: Client,
    tokens: Vec<String>,
    threads: Vec<String>,
}

impl Stage {
    async fn new(system: System) -> Self {
        let mut stage = Self { system, http: Client::new(), tokens: Vec::new(), threads: Vec::new() };
        for index in 0..CONVERSATIONS {
            for who in ["writer", "reader"] {
                stage.tokens.push(stage.system.token(&format!("{who}-{index}")).await.unwrap());
            }
            let wanted = json!({"participants": [format!("reader-{index}")]});
            let made = stage.call(index, Method::POST, "/threads", &wanted).await.unwrap();
            stage.threads.push(made["thread"]["_id"].as_str().unwrap().to_owned());
        }
        stage
    }

    /// A request of the person who writes in this conversation.
    async fn call(&self, index: usize, method: Method, path: &str, body: &Value) -> Option<Value> {
        let url = self.system.url(&format!("/api/v2/messages{path}"));
        let call = self.http.request(method, url).bearer_auth(&self.tokens[2 * index]);
        let call = if body.is_null() { call } else { call.json(body) };
        let answer: Value = call.send().await.ok()?.json().await.ok()?;
        (answer["success"] == true).then_some(answer)
    }

    /// Everybody plans their messages, the last one first, each a millisecond after the one before it.
    async fn plan(&self) {
        let first = SystemClock.now().plus(AHEAD);
        let plans = self.threads.iter().enumerate().map(async |(index, thread)| {
            for number in (0..MESSAGES).rev() {
                let send_at = Timestamp(first.0 + number).to_iso();
                let key = format!("{index}-{number}");
                let body = json!({"content": text(number), "sendAt": send_at, "clientMessageId": key});
                self.call(index, Method::POST, &format!("/{thread}"), &body).await.unwrap();
            }
        });
        join_all(plans).await;
        assert!(SystemClock.now() < first, "all of them are planned before the first is due");
    }

    async fn kill_in_between(&mut self) {
        let mut before = 0;
        for _ in 0..KILLS {
            before = eventually("more is said", async || {
                let count = self.count().await;
                (count > before).then_some(count)
            })
            .await
            .unwrap();
            self.system.process("persistence-worker").kill().await.unwrap();
            self.system.start_again("persistence-worker").await.unwrap();
        }
    }

    /// How many of the messages are there, of all conversations.
    async fn count(&self) -> usize {
        let mut count = 0;
        for index in 0..CONVERSATIONS {
            count += self.history(index).await.map_or(0, |said| said.len());
        }
        count
    }

    async fn history(&self, index: usize) -> Option<Vec<String>> {
        let path = format!("/{}?limit=100", self.threads[index]);
        let page = self.call(index, Method::GET, &path, &Value::Null).await?;
        let text = |message: &Value| Some(message["content"].as_str()?.to_owned());
        page["messages"].as_array()?.iter().map(text).collect()
    }

    async fn all_is_said_once(&self) {
        for index in 0..CONVERSATIONS {
            let said_here = eventually("everything is said", async || {
                self.history(index).await.filter(|said| said.len() >= said_count())
            })
            .await
            .unwrap();
            assert_eq!(said_here, said(), "conversation {index}");
            let ended = eventually("everything has ended", async || {
                let page = self.call(index, Method::GET, "/scheduled?limit=100", &Value::Null).await?;
                let states: Vec<String> = page["scheduled"]
                    .as_array()?
                    .iter()
                    .map(|one| one["state"].as_str().unwrap_or_default().to_owned())
                    .collect();
                states.iter().all(|state| state == "sent").then_some(states)
            });
            assert_eq!(ended.await.unwrap().len(), said_count());
        }
    }
}

fn text(number: i64) -> String {
    format!("message {number:03}")
}

fn said() -> Vec<String> {
    (0..MESSAGES).map(text).collect()
}

fn said_count() -> usize {
    said().len()
}

/// What somebody hears, up to the last message.
async fn heard(socket: &mut RawSocket) -> Vec<String> {
    let (mut heard, last) = (Vec::new(), said().pop());
    while heard.last() != last.as_ref() {
        let event = socket.event("message:received").await.unwrap();
        heard.push(event["message"]["content"].as_str().unwrap().to_owned());
    }
    heard
}
