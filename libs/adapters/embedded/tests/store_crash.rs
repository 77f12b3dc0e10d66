//! A process that stores messages is killed again and again: what it was answered is there, once, in order.
//!
//! The test starts itself as a child that appends from several tasks to the same threads and prints each
//! answer. The child is killed after a random number of answers; the next one goes on behind the last answer
//! that was heard, so what was stored without being heard comes again.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails where it stands, and its child speaks by printing"
)]

use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_ports::store_contract::fixtures::{history, say};
use eventflow_ports::{Appended, NewMessage, Store};
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::document::Message;
use eventflow_protocol::{CommandId, ThreadId, Timestamp, UserId};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use tokio::task::JoinSet;

/// Tells the child which folder to work in and where each writer goes on: `folder|3,17,8,0`.
const ORDERS: &str = "EVENTFLOW_TEST_CRASH";
const KILLS: usize = 20;
/// Tasks of the child that append at the same time.
const WRITERS: usize = 4;
const THREADS: usize = 3;
/// Answers heard before a kill: at least one, less than this.
const ANSWERS_MAX: u64 = 4_000;

/// An answer as the child prints it: writer, number of the writer's message, thread, seq.
type Heard = HashMap<(usize, u64), (usize, u64)>;

#[test]
fn everything_answered_survives_being_killed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(orders) = std::env::var_os(ORDERS) {
        return runtime.block_on(child(orders.to_str().unwrap()));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut heard = Heard::new();
    let mut next = [0; WRITERS];
    let mut random = 0x5eed_u64;
    for _ in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        run_and_kill(folder.path(), &mut next, 1 + (random >> 33) % ANSWERS_MAX, &mut heard);
    }
    runtime.block_on(verify(folder.path(), &heard, &next));
}

/// Starts a child, kills it after `answers`, and takes in everything it said before it died.
fn run_and_kill(folder: &Path, next: &mut [u64; WRITERS], answers: u64, heard: &mut Heard) {
    let starts: Vec<String> = next.iter().map(u64::to_string).collect();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["everything_answered_survives_being_killed", "--exact", "--nocapture"])
        .env(ORDERS, format!("{}|{}", folder.display(), starts.join(",")))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut count = 0;
    while count < answers {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the child ended by itself");
        count += u64::from(hear(&line, next, heard));
    }
    child.kill().unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    for line in rest.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        hear(line, next, heard);
    }
    child.wait().unwrap();
}

fn hear(line: &str, next: &mut [u64; WRITERS], heard: &mut Heard) -> bool {
    let Some(answer) = line.trim_end().strip_prefix("answered ") else { return false };
    let numbers: Vec<u64> = answer.split(' ').map(|number| number.parse().unwrap()).collect();
    let index = |at: usize| usize::try_from(numbers[at]).unwrap();
    let writer = index(0);
    let number = numbers[1];
    let thread = index(2);
    let seq = numbers[3];
    assert_eq!(heard.insert((writer, number), (thread, seq)), None, "nothing heard is asked again");
    next[writer] = number + 1;
    true
}

async fn verify(folder: &Path, heard: &Heard, next: &[u64; WRITERS]) {
    let store = EmbeddedStore::open(Database::open_in(folder).unwrap()).await.unwrap();
    let mut found = HashMap::new();
    let mut sent = [[0_u64; WRITERS]; THREADS];
    for (thread, sent) in sent.iter_mut().enumerate() {
        let mut last = [None; WRITERS];
        // `history` checks that there is no gap and no repeat in `seq`.
        for message in history(&store, creation(thread).thread_id).await {
            let (writer, number) = message.content.split_once('/').unwrap();
            let (writer, number): (usize, u64) = (writer.parse().unwrap(), number.parse().unwrap());
            assert!(last[writer].replace(number) < Some(number), "a writer's messages keep their order");
            assert_eq!(found.insert((writer, number), (thread, message.seq)), None, "stored once");
            sent[writer] += 1;
        }
    }
    for (key, place) in heard {
        assert_eq!(found.get(key), Some(place), "what was answered is where it was said to be");
    }
    for (writer, next) in next.iter().enumerate() {
        assert!(
            (0..*next).all(|number| found.contains_key(&(writer, number))),
            "no message of writer {writer} is missing"
        );
    }
    expect_unread(&store, &sent).await;
    println!("{KILLS} kills, {} answers heard, {} messages stored", heard.len(), found.len());
}

async fn expect_unread(store: &EmbeddedStore, sent: &[[u64; WRITERS]; THREADS]) {
    for (thread, by_writer) in sent.iter().enumerate() {
        let total: u64 = by_writer.iter().sum();
        for (writer, own) in by_writer.iter().enumerate() {
            let view = store.thread_view(creation(thread).thread_id, &person(writer)).await.unwrap().unwrap();
            assert_eq!(
                (view.unread_count, view.thread.last_seq),
                (total - own, total),
                "counters agree with the messages"
            );
        }
    }
}

/// Appends until it is killed.
async fn child(orders: &str) {
    let (folder, starts) = orders.split_once('|').unwrap();
    let store = EmbeddedStore::open(Database::open_in(Path::new(folder)).unwrap()).await.unwrap();
    for thread in 0..THREADS {
        store.create_thread(&creation(thread)).await.unwrap();
    }
    let mut writers = JoinSet::new();
    for (writer, start) in starts.split(',').enumerate() {
        let (store, start) = (store.clone(), start.parse().unwrap());
        writers.spawn(async move { write_for_ever(&store, writer, start).await });
    }
    writers.join_all().await;
}

async fn write_for_ever(store: &EmbeddedStore, writer: usize, start: u64) {
    let mut first = start;
    loop {
        let last = first + 1 + first % 23;
        let batch: Vec<NewMessage> = (first..last).map(|number| message(writer, number)).collect();
        let answers = store.append_messages(&batch).await.unwrap();
        let mut lines = Vec::new();
        for (number, answer) in (first..last).zip(answers) {
            let (Appended::Stored(Message { seq, .. }) | Appended::Duplicate(Message { seq, .. })) = answer
            else {
                panic!("neither stored now nor before: {answer:?}")
            };
            writeln!(lines, "answered {writer} {number} {} {seq}", thread_of(number)).unwrap();
        }
        // One write of whole lines, so that writers do not mix theirs.
        std::io::stdout().lock().write_all(&lines).unwrap();
        first = last;
    }
}

/// The same message however often it is asked for: the id follows from writer and number.
fn message(writer: usize, number: u64) -> NewMessage {
    let mut new = say(creation(thread_of(number)).thread_id, &person(writer), &format!("{writer}/{number}"));
    new.command_id = CommandId(uuid::Uuid::from_u64_pair(7 << 12, 2 << 62 | (writer as u64) << 48 | number));
    new
}

fn thread_of(number: u64) -> usize {
    usize::try_from(number).unwrap() / 2 % THREADS
}

fn person(writer: usize) -> UserId {
    format!("writer-{writer}").parse().unwrap()
}

fn creation(thread: usize) -> CreateThread {
    let participants: Vec<UserId> = (0..WRITERS).map(person).collect();
    CreateThread {
        thread_id: ThreadId::derive(&participants, &thread.to_string()),
        created_by: participants[0].clone(),
        participants,
        metadata: serde_json::Map::new(),
        group: None,
        at: Timestamp(0),
    }
}
