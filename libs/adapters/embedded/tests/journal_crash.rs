//! A gateway that keeps a journal is killed again and again: each part that it was answered is there, whole,
//! and nothing is torn.
//!
//! The test starts itself as a child that appends parts and prints the number of each once it is answered.
//! The child is killed after a random number of answers; the next one goes on behind what the file says.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails where it stands, and its child speaks by printing"
)]

use eventflow_embedded::EmbeddedJournal;
use eventflow_ports::Journal;
use eventflow_ports::journal_contract::part;
use eventflow_protocol::GatewayId;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

/// Tells the child which folder to work in.
const ORDERS: &str = "EVENTFLOW_TEST_JOURNAL_CRASH";
const KILLS: u64 = 20;
/// Answers heard before a kill: at least one, at most this.
const ANSWERS_MAX: u64 = 3_000;
/// Parts that a gateway keeps.
const KEPT: u64 = 400;

#[test]
fn every_part_answered_survives_being_killed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(folder) = std::env::var_os(ORDERS) {
        return runtime.block_on(child(Path::new(&folder)));
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut random, mut last) = (0x5eed_u64, 0);
    for _ in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let heard = run_and_kill(folder.path(), 1 + (random >> 33) % ANSWERS_MAX);
        assert!(heard > last, "the child went on where the file ends");
        last = runtime.block_on(verify(folder.path(), heard));
    }
    println!("{KILLS} kills, {last} parts");
}

/// Starts a child and kills it after `answers`; the last number it was answered.
fn run_and_kill(folder: &Path, answers: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["every_part_answered_survives_being_killed", "--exact", "--nocapture"])
        .env(ORDERS, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let (mut heard, mut count) = (0, 0);
    while count < answers {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the child ended by itself");
        if let Some(number) = answered(&line) {
            heard = number;
            count += 1;
        }
    }
    child.kill().unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    child.wait().unwrap();
    rest.split_inclusive('\n').filter_map(answered).next_back().unwrap_or(heard)
}

/// The number in a whole line of the child.
fn answered(line: &str) -> Option<u64> {
    line.strip_suffix('\n')?.strip_prefix("answered ")?.parse().ok()
}

/// What was answered is there, and at most one part more; the number of the last one.
async fn verify(folder: &Path, heard: u64) -> u64 {
    let journal = EmbeddedJournal::open_in(folder).unwrap();
    let parts = journal.read(&gateway()).await.unwrap();
    journal.close().await;
    let last = parts.last().unwrap().number;
    assert!(last == heard || last == heard + 1, "{heard} was answered last, {last} is there");
    let first = parts[0].number;
    assert!(
        first == 1 || first == last - KEPT || first == last - KEPT + 1,
        "parts {first} to {last} are there"
    );
    assert!(
        parts.iter().zip(first..).all(|(found, number)| *found == part(number, entries(number))),
        "all of them, whole"
    );
    last
}

/// Appends until it is killed.
async fn child(folder: &Path) {
    let journal = EmbeddedJournal::open_in(folder).unwrap();
    let last = journal.read(&gateway()).await.unwrap().last().map_or(0, |part| part.number);
    for number in last + 1.. {
        journal
            .append(&gateway(), &part(number, entries(number)), number.saturating_sub(KEPT))
            .await
            .unwrap();
        println!("answered {number}");
    }
}

/// Up to a large part, which takes several pages.
fn entries(number: u64) -> u64 {
    if number.is_multiple_of(50) { 256 } else { number % 5 }
}

fn gateway() -> GatewayId {
    GatewayId::from("the gateway")
}
