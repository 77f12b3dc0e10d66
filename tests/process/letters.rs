//! A thousand dead letters, one of them of 250 KiB: replayed while their cause lasts, and again when it is
//! gone, with a kill in the middle. Each has its effect once, none is lost, and the audit log has everything.
//!
//! The cause is real: the store refuses the documents. On MongoDB a validator of the collection does that, in
//! the data file a trigger.

use crate::backends::Own;
use eventflow_embedded::Database;
use eventflow_testkit::{System, eventually};
use futures_util::{StreamExt, stream};
use mongodb::Client as Mongo;
use mongodb::bson::{Document, doc};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Messages that the store refuses.
const MESSAGES: usize = 999;
/// People of the thread whose command has 250 KiB; each id has so many bytes.
const CROWD: usize = 5_000;
const CROWD_ID_BYTES: usize = 49;
/// Beginning of what the store refuses.
const HELD: &str = "unstorable";
/// Letters a second of the replay whose worker is killed: it takes seven seconds, so that the kill comes
/// between the first and the last, also on a machine that is busy with something else.
const KILLED_PER_SECOND: u32 = 150;
const SETTINGS: [(&str, &str); 4] = [
    ("REPLAYS_PER_SECOND", "400"),
    ("REST_PER_MINUTE_USER", "0"),
    ("THREADS_NEW_PER_HOUR", "0"),
    ("LOG_LEVEL", "debug"),
];
/// Calls at the same time.
const AT_ONCE: usize = 32;

/// What makes the store refuse, and what ends that.
enum Cause {
    Validator(mongodb::Database),
    Trigger,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_dead_letters_of_the_single_process_are_done_once_though_it_is_killed_in_the_middle() {
    let system = System::single(&SETTINGS).await.unwrap();
    Stage::new(system, Cause::Trigger).await.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_dead_letters_of_a_fleet_are_done_once_though_their_worker_is_killed_in_the_middle() {
    let own = Own::create("letters").await.unwrap();
    let system = System::fleet(&own.backends, &SETTINGS).await.unwrap();
    let client = Mongo::with_uri_str(&own.backends.mongodb).await.unwrap();
    let database = client.default_database().unwrap();
    Stage::new(system, Cause::Validator(database)).await.run().await;
    own.delete().await.unwrap();
}

struct Stage {
    system: System,
    http: Client,
    cause: Cause,
    ann: String,
    root: String,
    thread: String,
}

impl Stage {
    async fn new(system: System, cause: Cause) -> Self {
        let (ann, root) =
            (system.token("ann").await.unwrap(), system.token_as("root", "admin").await.unwrap());
        let mut stage = Self { system, http: Client::new(), cause, ann, root, thread: String::new() };
        let wanted = json!({"participants": ["bob"]});
        let (_, made) = stage.call(&stage.ann, Method::POST, "/messages/threads", &wanted).await;
        made["thread"]["_id"].as_str().unwrap().clone_into(&mut stage.thread);
        stage
    }

    async fn run(mut self) {
        self.refuse().await;
        self.fail_everything().await;
        self.nothing_is_seen_of_what_people_typed().await;

        let total = MESSAGES as u64 + 1;
        let first = self.replay("perhaps it is over", None).await;
        let shown = eventually("everything has failed again", async || {
            let replay = self.shown(&first).await;
            (replay["state"] == "done" && replay["failedAgain"] == total).then_some(replay)
        });
        let shown = shown.await.unwrap();
        assert_eq!((&shown["replayed"], &shown["refused"]), (&json!(total), &json!(0)));
        let letter = self.letters("").await.remove(0);
        assert_eq!(
            (&letter["failures"], &letter["replays"], &letter["version"]),
            (&json!(2), &json!(1), &json!(1))
        );

        self.refuse_no_more().await;
        let second = self.replay("the store takes them again", Some(KILLED_PER_SECOND)).await;
        eventually("some are sent", async || {
            (self.shown(&second).await["replayed"].as_u64() > Some(0)).then_some(())
        })
        .await
        .unwrap();
        self.system.process("persistence-worker").kill().await.unwrap();
        self.system.start_again("persistence-worker").await.unwrap();
        let replayed = self.shown(&second).await["replayed"].as_u64().unwrap();
        assert!(
            (1..total).contains(&replayed),
            "it was killed in the middle: {replayed} of {total} were sent"
        );
        let done = eventually("the replay is carried on", async || {
            let replay = self.shown(&second).await;
            (replay["state"] == "done").then_some(replay)
        });
        let done = done.await.unwrap();
        let counts = ["replayed", "refused", "failedAgain"].map(|field| done[field].as_u64().unwrap());
        assert_eq!(counts, [total, 0, 0]);
        self.everything_is_done_once().await;
        self.everything_is_recorded(&[&first, &second]).await;
    }

    /// Makes the store refuse what begins with [`HELD`].
    async fn refuse(&mut self) {
        let on_messages = doc! { "content": { "$not": { "$regex": format!("^{HELD}") } } };
        let on_threads = doc! { "participants": { "$not": { "$regex": format!("^{HELD}") } } };
        self.validate(on_messages, on_threads).await;
        self.change_data_file(&format!(
            "CREATE TRIGGER held_message BEFORE INSERT ON message WHEN NEW.content LIKE '{HELD}%'
                BEGIN SELECT raise(ABORT, 'held'); END;
             CREATE TRIGGER held_thread BEFORE INSERT ON thread_participant WHEN NEW.user_id LIKE '{HELD}%'
                BEGIN SELECT raise(ABORT, 'held'); END;"
        ))
        .await;
    }

    async fn refuse_no_more(&mut self) {
        self.validate(doc! {}, doc! {}).await;
        self.change_data_file("DROP TRIGGER held_message; DROP TRIGGER held_thread;").await;
    }

    async fn validate(&self, messages: Document, threads: Document) {
        let Cause::Validator(database) = &self.cause else { return };
        for (collection, validator) in [("messages", messages), ("threads", threads)] {
            database.run_command(doc! { "collMod": collection, "validator": validator }).await.unwrap();
        }
    }

    /// Changes the data file, which nobody else may have open.
    async fn change_data_file(&mut self, change: &str) {
        if !matches!(self.cause, Cause::Trigger) {
            return;
        }
        self.system.process("eventflow").terminate().await.unwrap();
        self.system.process("eventflow").ended().await.unwrap();
        let database = Database::open_in(&self.system.data()).unwrap();
        let change = change.to_owned();
        database.write(move |tx| tx.execute_batch(&change)).await.unwrap();
        database.close().await;
        self.system.start_again("eventflow").await.unwrap();
    }

    async fn fail_everything(&self) {
        let path = format!("/messages/{}", self.thread);
        let sends = stream::iter(0..MESSAGES).map(async |number| {
            let body =
                json!({"content": format!("{HELD} {number}"), "clientMessageId": format!("k{number}")});
            let (status, answer) = self.call(&self.ann, Method::POST, &path, &body).await;
            assert!(
                status == StatusCode::INTERNAL_SERVER_ERROR || status == StatusCode::ACCEPTED,
                "{answer}"
            );
        });
        sends.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        let body = json!({"participants": crowd()});
        self.call(&self.root, Method::POST, "/messages/threads", &body).await;
        eventually("everything is a dead letter", async || {
            let (_, groups) =
                self.call(&self.root, Method::GET, "/ops/dead-letters/groups", &Value::Null).await;
            let counts = groups["groups"].as_array()?.iter().filter_map(|group| group["count"].as_u64());
            (counts.sum::<u64>() == MESSAGES as u64 + 1).then_some(())
        })
        .await
        .unwrap();
        let large = self.letters("kind=create_thread").await.remove(0);
        assert!(large["size"].as_u64().unwrap() > 250_000, "{large}");
    }

    /// Neither lists nor logs nor metrics have what people typed.
    async fn nothing_is_seen_of_what_people_typed(&mut self) {
        let letter = self.letters("kind=send_message").await.remove(0);
        let path = format!("/ops/dead-letters/{}", letter["_id"].as_str().unwrap());
        let (_, shown) = self.call(&self.root, Method::GET, &path, &Value::Null).await;
        let admin = self.system.admin("persistence-worker", "/metrics");
        let metrics = reqwest::get(admin).await.unwrap().text().await.unwrap();
        assert!(metrics.contains("eventflow_dead_letters_kept_total"), "{metrics}");
        let log = self.system.process("persistence-worker").log();
        for (place, text) in [("the letter", shown.to_string()), ("metrics", metrics), ("the log", log)] {
            assert!(!text.contains(&format!("{HELD} ")), "{place} has what somebody typed");
        }
        let (_, revealed) = self
            .call(&self.root, Method::POST, &format!("{path}/reveal"), &json!({"why": "to see it"}))
            .await;
        assert!(revealed["body"]["content"].as_str().unwrap().starts_with(HELD), "{revealed}");
    }

    async fn replay(&self, why: &str, per_second: Option<u32>) -> String {
        let mut body = json!({"filter": {}, "why": why});
        if let Some(per_second) = per_second {
            body["perSecond"] = per_second.into();
        }
        let (status, begun) = self.call(&self.root, Method::POST, "/ops/replays", &body).await;
        assert_eq!(
            (status, &begun["replay"]["total"]),
            (StatusCode::CREATED, &json!(MESSAGES + 1)),
            "{begun}"
        );
        begun["replay"]["_id"].as_str().unwrap().to_owned()
    }

    async fn shown(&self, replay: &str) -> Value {
        let path = format!("/ops/replays/{replay}");
        self.call(&self.root, Method::GET, &path, &Value::Null).await.1["replay"].take()
    }

    async fn letters(&self, query: &str) -> Vec<Value> {
        let path = format!("/ops/dead-letters?{query}");
        let (_, mut answer) = self.call(&self.root, Method::GET, &path, &Value::Null).await;
        let Value::Array(letters) = answer["letters"].take() else { panic!("{answer}") };
        letters
    }

    async fn everything_is_done_once(&self) {
        let expected: BTreeSet<String> = (0..MESSAGES).map(|number| format!("{HELD} {number}")).collect();
        let found = eventually("every message is stored", async || {
            let found = self.history().await;
            (found.len() >= MESSAGES).then_some(found)
        });
        let found = found.await.unwrap();
        assert_eq!(found.len(), MESSAGES, "each once");
        assert_eq!(found.into_iter().collect::<BTreeSet<String>>(), expected);
        let (_, threads) = self.call(&self.root, Method::GET, "/messages/threads", &Value::Null).await;
        let sizes: Vec<u64> = threads["threads"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|thread| thread["participantCount"].as_u64())
            .collect();
        assert_eq!(sizes, [CROWD as u64], "{threads}");
        assert_eq!(self.letters("").await, [] as [Value; 0], "nothing waits");
    }

    async fn history(&self) -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let path = format!("/messages/{}?after={after}&limit=100", self.thread);
            let (_, page) = self.call(&self.ann, Method::GET, &path, &Value::Null).await;
            let messages = page["messages"].as_array().unwrap();
            if messages.is_empty() {
                return found;
            }
            let seqs = messages.iter().filter_map(|message| message["seq"].as_u64());
            after = seqs.max().unwrap();
            found.extend(messages.iter().map(|message| message["content"].as_str().unwrap().to_owned()));
        }
    }

    /// Each letter was sent by each replay, by the administrator, for the reason given; and the reveal.
    async fn everything_is_recorded(&self, replays: &[&str]) {
        let (mut entries, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/ops/audit?limit=100{cursor}");
            let (_, mut page) = self.call(&self.root, Method::GET, &path, &Value::Null).await;
            let Value::Array(some) = page["entries"].take() else { panic!("{page}") };
            entries.extend(some);
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let of = |action: &str, replay: &str| -> BTreeSet<String> {
            let its_own =
                entries.iter().filter(|entry| entry["action"] == action && entry["replay"] == replay);
            its_own.map(|entry| entry["letter"].as_str().unwrap_or_default().to_owned()).collect()
        };
        for replay in replays {
            assert_eq!(of("replay_letter", replay).len(), MESSAGES + 1);
            assert_eq!(of("replay", replay).len(), 1);
        }
        assert_eq!(entries.len(), 2 * (MESSAGES + 2) + 1);
        assert!(entries.iter().all(|entry| entry["by"] == "root" && entry["why"] != ""));
    }

    async fn call(&self, token: &str, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let url = self.system.url(&format!("/api/v2{path}"));
        // The one process is killed and starts again in between: a call that could not be made is made again.
        let answer = eventually("the process takes calls", async || {
            let call = self.http.request(method.clone(), &url).bearer_auth(token);
            let call = if body.is_null() { call } else { call.json(body) };
            match call.send().await {
                Err(error) if error.is_connect() => None,
                answer => Some(answer.unwrap()),
            }
        });
        let answer = answer.await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

/// Everybody of the large thread but its creator.
fn crowd() -> Vec<String> {
    let digits = CROWD_ID_BYTES - HELD.len() - 1;
    (1..CROWD).map(|number| format!("{HELD}-{number:0>digits$}")).collect()
}
