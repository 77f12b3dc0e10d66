//! Erasures: through the stage on both stores, and in whole systems whose worker is killed again and again in
//! the middle.

use super::batches::{in_the_data_file, item, on_mongodb};
use super::stage::parts_over;
use crate::backends::Own;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::PERSIST;
use eventflow_metrics::Metrics;
use eventflow_ports::erasures_contract::world::World;
use eventflow_ports::store_contract::fixtures::{at, history};
use eventflow_ports::{Clock, FixedClock, WholeStore};
use eventflow_protocol::command::Command;
use eventflow_protocol::erasure::{ErasePerson, ErasureState, SETTLE};
use eventflow_protocol::uploads::UploadState;
use eventflow_testkit::{RawSocket, System, eventually};
use eventflow_workers::persistence::{Persistence, PersistenceParts};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// More steps than the erasure of the small world has.
const STEPS_MAX: usize = 200;
/// Messages of the person who is erased: several steps of an erasure.
const MESSAGES: usize = 600;
/// Kills of the worker, each as soon as more is erased than before.
const KILLS: usize = 3;
/// Everybody of the test makes requests as fast as they can.
const NO_LIMIT: (&str, &str) = ("REST_PER_MINUTE_USER", "0");

#[tokio::test]
async fn an_erasure_ends_in_the_data_file_though_each_step_is_made_twice() {
    in_the_data_file(async |store, broker| each_step_is_made_twice(store, broker).await).await;
}

#[tokio::test]
async fn an_erasure_ends_on_mongodb_though_each_step_is_made_twice() {
    on_mongodb("erasures", async |store, broker| each_step_is_made_twice(store, broker).await).await;
}

/// Each step is carried out once more by a worker that does not know of the first.
async fn each_step_is_made_twice<S>(store: Arc<S>, broker: Arc<dyn Broker>)
where
    S: WholeStore,
{
    let clock = Arc::new(FixedClock::at(at(100)));
    let open = async || {
        let parts = parts_over(Arc::clone(&store), Arc::clone(&broker));
        let parts = PersistenceParts { clock: clock.clone(), ..parts };
        Persistence::open(&PERSIST, 0, parts, &Metrics::default()).await.unwrap()
    };
    let world = World::fill(&*store).await;
    let (first, second) = (open().await, open().await);
    let (by, why) = ("root".parse().unwrap(), "asked".to_owned());
    let erase = ErasePerson { user_id: world.user.clone(), by, why, at: clock.now() };
    carry_out(&first, &item(Command::ErasePerson(erase))).await;
    for pass in 0..2 {
        for step in 0.. {
            assert!(step < STEPS_MAX, "pass {pass} does not end");
            let Some(erasure) = store.due_erasures(clock.now(), 1).await.unwrap().pop() else { break };
            let step = item(Command::EraseStep(erasure.next_step(clock.now())));
            carry_out(&first, &step).await;
            carry_out(&second, &Item { redelivered: true, ..step }).await;
            for upload in store.uploads_of(&world.user, None, 10).await.unwrap() {
                if upload.state == UploadState::Deleted {
                    store.remove_upload(upload.id, upload.revision).await.unwrap();
                }
            }
        }
        clock.advance(i64::try_from(SETTLE.as_millis()).unwrap());
    }
    let done = store.erasure(&world.user).await.unwrap().unwrap();
    assert_eq!((done.state, done.counts.messages, done.counts.reactions), (ErasureState::Done, 3, 1));
    for message in history(&*store, world.scene.thread).await {
        assert_eq!(message.deleted_at.is_some(), message.sender_id == world.user, "seq {}", message.seq);
    }
}

async fn carry_out(stage: &Persistence, item: &Item<Command>) {
    let performed = stage.perform(std::slice::from_ref(item)).await.unwrap();
    assert_eq!(performed.outcomes, [Outcome::Done]);
    stage.announce(&performed.outbox).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_single_process_erases_a_person_though_it_is_killed_in_the_middle() {
    let mut stage = Stage::new(System::single(&[NO_LIMIT]).await.unwrap()).await;
    stage.fill().await;
    stage.kill_in_between().await;
    stage.nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_erases_a_person_and_tells_everybody_though_its_worker_is_killed() {
    let own = Own::create("erasurekills").await.unwrap();
    let mut stage = Stage::new(System::fleet(&own.backends, &[NO_LIMIT]).await.unwrap()).await;
    stage.fill().await;
    let mut listener = RawSocket::connect(&stage.system.sockets(), &stage.ben).await.unwrap();
    // Read all the time, since a socket that answers no pings is closed.
    let (heard, ()) = tokio::join!(heard(&mut listener), stage.kill_in_between());
    assert_eq!(heard, MESSAGES, "each is told");
    stage.nothing_is_left().await;
    drop(stage);
    own.delete().await.unwrap();
}

/// A system, somebody who is erased, somebody who shares a thread with them, and an administrator.
struct Stage {
    system: System,
    http: Client,
    ann: String,
    ben: String,
    root: String,
    thread: String,
}

impl Stage {
    async fn new(system: System) -> Self {
        let (ann, ben) = (system.token("ann").await.unwrap(), system.token("ben").await.unwrap());
        let root = system.token_as("root", "admin").await.unwrap();
        let mut stage = Self { system, http: Client::new(), ann, ben, root, thread: String::new() };
        let wanted = json!({"participants": ["ben"]});
        let made = stage.call(&stage.ann, Method::POST, "/messages/threads", &wanted).await.unwrap();
        made["thread"]["_id"].as_str().unwrap().clone_into(&mut stage.thread);
        stage
    }

    async fn call(&self, token: &str, method: Method, path: &str, body: &Value) -> Option<Value> {
        let url = self.system.url(&format!("/api/v2{path}"));
        let call = self.http.request(method, url).bearer_auth(token);
        let call = if body.is_null() { call } else { call.json(body) };
        let answer: Value = call.send().await.ok()?.json().await.ok()?;
        (answer["success"] == true).then_some(answer)
    }

    async fn fill(&self) {
        let path = format!("/messages/{}", self.thread);
        for number in 0..MESSAGES {
            let said =
                json!({"content": format!("secret {number}"), "clientMessageId": format!("k{number}")});
            eventually("it is said", async || self.call(&self.ann, Method::POST, &path, &said).await)
                .await
                .unwrap();
        }
        let kept = json!({"content": "by ben"});
        self.call(&self.ben, Method::POST, &path, &kept).await.unwrap();
    }

    async fn kill_in_between(&mut self) {
        let wanted = json!({"userId": "ann", "why": "they asked for it"});
        eventually("it is begun", async || {
            self.call(&self.root, Method::POST, "/users/ann/erase", &wanted).await
        })
        .await
        .unwrap();
        let mut before = 0;
        for _ in 0..KILLS {
            let erased = eventually("more is erased", async || {
                let erasure = self.erasure().await?;
                let erased = erasure["erased"]["messages"].as_u64()?;
                (erased > before || erasure["state"] == "done").then_some(erased)
            });
            before = erased.await.unwrap();
            self.system.process("persistence-worker").kill().await.unwrap();
            self.system.start_again("persistence-worker").await.unwrap();
        }
    }

    async fn erasure(&self) -> Option<Value> {
        let answer = self.call(&self.root, Method::GET, "/users/ann/erase", &Value::Null).await?;
        Some(answer["erasure"].clone())
    }

    async fn nothing_is_left(&self) {
        eventually("it is done", async || self.erasure().await.filter(|erasure| erasure["state"] == "done"))
            .await
            .unwrap();
        let mut after = 0;
        let mut words = Vec::new();
        loop {
            let path = format!("/messages/{}?limit=100&after={after}", self.thread);
            let page = self.call(&self.ben, Method::GET, &path, &Value::Null).await.unwrap();
            let messages = page["messages"].as_array().unwrap().clone();
            let Some(last) = messages.last() else { break };
            after = last["seq"].as_u64().unwrap();
            words.extend(messages.iter().map(|message| message["content"].as_str().unwrap().to_owned()));
        }
        assert_eq!(words.len(), MESSAGES + 1, "places stay");
        words.retain(|word| !word.is_empty());
        assert_eq!(words, ["by ben"]);
        let refused = self.call(&self.ann, Method::GET, "/messages/threads", &Value::Null).await;
        assert!(refused.is_none(), "their token does not hold");
    }
}

/// How many different messages somebody hears of that were taken back, until all were.
async fn heard(socket: &mut RawSocket) -> usize {
    let mut heard = BTreeSet::new();
    while heard.len() < MESSAGES {
        let event = socket.event("message:deleted").await.unwrap();
        heard.insert(event["messageId"].as_str().unwrap().to_owned());
    }
    heard.len()
}
