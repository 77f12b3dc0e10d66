//! `eventflow import-v1` as an operator runs it: on an old database with good and broken documents, the real
//! command runs, is killed in the middle, runs again, and runs once more. The test compares the result with
//! what the old database holds.
//!
//! Every target keeps the same promise, so there is one check for all of them. [`old`] defines the content of
//! the old database.

mod old;

use crate::backends::Own;
use async_trait::async_trait;
use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_mongo::MongoStore;
use eventflow_ports::{MessagePage, Place, Store, ThreadPage};
use eventflow_protocol::UserId;
use eventflow_protocol::document::{Message, ThreadStatus, ThreadView};
use eventflow_testkit::process::binaries;
use eventflow_testkit::servers::own_name;
use mongodb::{Client, Database as OldDatabase};
use old::{Expected, SHOP};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Batch size: small, so that the kill comes between two of many batches.
const BATCH: &str = "8";
/// Progress line after which the test kills the import.
const KILLED_AFTER: &str = "1000 of about";
const PAGE: u32 = 100;

/// The imported threads, with their messages, as the new store holds them.
type Imported = BTreeMap<String, (ThreadView, Vec<Message>)>;

#[tokio::test]
async fn an_old_database_comes_over_into_mongodb_whole_though_the_import_was_killed() {
    let own = Own::create("import").await.unwrap();
    import_killed_and_repeated(&own, &IntoMongo(own.backends.mongodb.clone())).await;
    drop_database(&own.backends.mongodb).await;
    own.delete().await.unwrap();
}

#[tokio::test]
async fn an_old_database_comes_over_into_a_data_file_whole_though_the_import_was_killed() {
    let own = Own::create("import").await.unwrap();
    import_killed_and_repeated(&own, &IntoFile(tempfile::tempdir().unwrap())).await;
    own.delete().await.unwrap();
}

/// A store that an import writes to.
#[async_trait]
trait Target {
    fn settings(&self) -> Vec<(&'static str, String)>;
    /// Reads what the store holds, and closes the store afterwards.
    async fn imported(&self) -> Imported;
}

struct IntoMongo(String);

#[async_trait]
impl Target for IntoMongo {
    fn settings(&self) -> Vec<(&'static str, String)> {
        // The import needs no broker, but a fleet's configuration names one.
        vec![("MONGODB_URI", self.0.clone())]
    }
    async fn imported(&self) -> Imported {
        let store = MongoStore::connect(&self.0).await.unwrap();
        let imported = imported(&store).await;
        store.close().await;
        imported
    }
}

struct IntoFile(TempDir);

#[async_trait]
impl Target for IntoFile {
    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![("DATA_DIR", self.0.path().display().to_string())]
    }
    async fn imported(&self) -> Imported {
        let folder = self.0.path().to_owned();
        let database =
            tokio::task::spawn_blocking(move || Database::open_in(&folder)).await.unwrap().unwrap();
        let imported = imported(&EmbeddedStore::open(database.clone()).await.unwrap()).await;
        database.close().await;
        imported
    }
}

async fn import_killed_and_repeated(own: &Own, target: &dyn Target) {
    let uri = own.servers.database(&own_name("old")).unwrap();
    let old = Client::with_uri_str(&uri).await.unwrap().default_database().unwrap();
    let expected = old::fill(&old).await;
    let before = contents(&old).await;
    let folder = tempfile::tempdir().unwrap();

    killed(import(&uri, target, folder.path())).await;
    let half = target.imported().await;
    let (found, all) = (messages(&half), expected.messages());
    assert!((1..all).contains(&found), "it was killed in the middle: {found} of {all} messages are there");

    let second = said(import(&uri, target, folder.path()).output().await.unwrap());
    let whole = target.imported().await;
    compare(&expected, &whole);
    has_lines(&second, &expected.lines(found as u64));

    let third = said(import(&uri, target, folder.path()).output().await.unwrap());
    assert_eq!(target.imported().await, whole, "a further run changes nothing");
    has_lines(&third, &expected.lines(all as u64));
    assert_eq!(contents(&old).await, before, "the old database is only read");
    old.drop().await.unwrap();
}

fn import(uri: &str, target: &dyn Target, folder: &Path) -> Command {
    let mut command = Command::new(binaries().unwrap().join("eventflow"));
    command
        .args(["import-v1", "--from", uri, "--batch", BATCH])
        .env_clear()
        .envs(target.settings())
        .current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs the import until its progress line appears, then kills it with SIGKILL.
async fn killed(mut import: Command) {
    let mut process = import.spawn().unwrap();
    let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut heard = Vec::new();
    while let Some(line) = said.next_line().await.unwrap() {
        heard.push(line);
        if heard.last().is_some_and(|line| line.contains(KILLED_AFTER)) {
            process.kill().await.unwrap();
            return;
        }
    }
    panic!("it ended before it could be killed: {heard:?}");
}

fn said(output: Output) -> String {
    let (said, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{}: {said}{errors}", output.status);
    said
}

fn has_lines(text: &str, lines: &[String]) {
    for line in lines {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
    }
}

/// The shop is in every thread, so its list holds all threads.
async fn imported(store: &dyn Store) -> Imported {
    let (mut all, mut after) = (Imported::new(), None);
    loop {
        let page = ThreadPage { status: ThreadStatus::Active, after, skip: 0, limit: PAGE };
        let views = store.threads_of(&SHOP.parse().unwrap(), page).await.unwrap();
        let Some(last) = views.last() else { return all };
        after = Some((last.thread.last_message_at.unwrap_or(last.thread.created_at), last.thread.id));
        for view in views {
            let history = history(store, &view).await;
            let id = view.thread.metadata["v1"]["id"].as_str().unwrap().to_owned();
            assert!(all.insert(id, (view, history)).is_none(), "an old thread is one thread");
        }
    }
}

async fn history(store: &dyn Store, view: &ThreadView) -> Vec<Message> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let after = Some(Place::Seq(all.len() as u64));
        let page = store
            .messages(view.thread.id, MessagePage { before: None, after, since: 0, limit: PAGE })
            .await
            .unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn messages(imported: &Imported) -> usize {
    imported.values().map(|(_, history)| history.len()).sum()
}

fn compare(expected: &Expected, found: &Imported) {
    let names: Vec<&String> = found.keys().collect();
    assert_eq!(names, expected.threads.keys().collect::<Vec<_>>(), "every thread that could be one is there");
    for (name, thread) in &expected.threads {
        let (view, history) = &found[name];
        let people: Vec<&str> = view.thread.participants.iter().map(UserId::as_str).collect();
        assert_eq!(
            people,
            thread.people.iter().map(String::as_str).collect::<Vec<_>>(),
            "{name}: participants"
        );
        let places: Vec<u64> = history.iter().map(|message| message.seq).collect();
        assert_eq!(places, (1..=history.len() as u64).collect::<Vec<_>>(), "{name}: seq has no gaps");
        assert_eq!(view.thread.last_seq, history.len() as u64, "{name}: the thread's last place");
        let seen: Vec<old::Row> = history.iter().map(old::Row::from).collect();
        assert_eq!(seen, thread.messages, "{name}: the messages in their order");
    }
}

async fn contents(old: &OldDatabase) -> (u64, u64) {
    let count = async |name: &str| {
        old.collection::<mongodb::bson::Document>(name).count_documents(mongodb::bson::doc! {}).await
    };
    (count("threads").await.unwrap(), count("messages").await.unwrap())
}

async fn drop_database(uri: &str) {
    Client::with_uri_str(uri).await.unwrap().default_database().unwrap().drop().await.unwrap();
}
