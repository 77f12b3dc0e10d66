//! `EmbeddedJournal`: the port's contract, what a closed and a torn file leave, and how old journals go.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use eventflow_embedded::{DatabaseError, EmbeddedJournal};
use eventflow_ports::journal::{JOURNAL_LIFE, Part};
use eventflow_ports::journal_contract::{check_all, part};
use eventflow_ports::{FixedClock, Journal};
use eventflow_protocol::{GatewayId, Timestamp};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// More than is deleted beside one append.
const MANY: u64 = 2_500;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> EmbeddedJournal {
    EmbeddedJournal::open_in(folder.path()).unwrap()
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("journal.db")
}

async fn append(journal: &EmbeddedJournal, gateway: &GatewayId, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        journal.append(gateway, &part(number, 3), 0).await.unwrap();
    }
}

async fn read(journal: &EmbeddedJournal, gateway: &GatewayId) -> Vec<Part> {
    journal.read(gateway).await.unwrap()
}

/// Writes over every page but `from` many, as a disk does that lost power in the middle of its work.
fn tear(path: &Path, from: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    assert!(length > from, "there is something to tear in {length} bytes");
    file.write_all_at(&vec![0xa5; usize::try_from(length - from).unwrap()], from).unwrap();
}

#[tokio::test]
async fn the_contract_holds() {
    let folder = folder();
    let journal = open(&folder);
    check_all(&journal, &journal.clone()).await;
}

#[tokio::test]
async fn another_process_reads_what_was_appended_before() {
    let (folder, gateway) = (folder(), GatewayId::new());
    let journal = open(&folder);
    append(&journal, &gateway, 1..=100).await;
    journal.close().await;
    journal.close().await;
    journal.append(&gateway, &part(101, 1), 0).await.expect_err("it is closed");
    journal.read(&gateway).await.expect_err("it is closed");

    let next = open(&folder);
    assert_eq!(read(&next, &gateway).await, (1..=100).map(|number| part(number, 3)).collect::<Vec<_>>());
    append(&next, &gateway, 101..=101).await;
    assert_eq!(read(&next, &gateway).await.len(), 101);
}

#[tokio::test]
async fn a_file_is_used_by_one_process_at_a_time_and_not_deleted_by_the_second() {
    let (folder, gateway) = (folder(), GatewayId::new());
    let journal = open(&folder);
    append(&journal, &gateway, 1..=1).await;
    assert!(matches!(EmbeddedJournal::open_in(folder.path()), Err(DatabaseError::InUse(_))));
    assert_eq!(read(&journal, &gateway).await.len(), 1);
}

#[tokio::test]
async fn a_torn_file_is_begun_anew() {
    for intact in [0, 100, 8_192, 40_000] {
        let (folder, gateway) = (folder(), GatewayId::new());
        let journal = open(&folder);
        append(&journal, &gateway, 1..=1_000).await;
        journal.close().await;
        tear(&file(&folder), intact);

        let anew = open(&folder);
        assert_eq!(read(&anew, &gateway).await, [], "torn behind {intact} bytes");
        append(&anew, &gateway, 1..=10).await;
        anew.close().await;
        assert_eq!(read(&open(&folder), &gateway).await.len(), 10, "torn behind {intact} bytes");
    }
}

#[tokio::test]
async fn a_cut_file_or_one_of_something_else_is_begun_anew() {
    let (folder, gateway) = (folder(), GatewayId::new());
    let journal = open(&folder);
    append(&journal, &gateway, 1..=1_000).await;
    journal.close().await;
    let length = std::fs::metadata(file(&folder)).unwrap().len();
    OpenOptions::new().write(true).open(file(&folder)).unwrap().set_len(length / 2).unwrap();
    let anew = open(&folder);
    assert_eq!(read(&anew, &gateway).await, []);
    anew.close().await;

    std::fs::write(file(&folder), "not a database".repeat(1_000)).unwrap();
    std::fs::write(folder.path().join("journal.db-wal"), "nor its log").unwrap();
    let anew = open(&folder);
    append(&anew, &gateway, 1..=10).await;
    assert_eq!(read(&anew, &gateway).await.len(), 10);
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_begun_anew() {
    let (folder, gateway) = (folder(), GatewayId::new());
    let journal = open(&folder);
    append(&journal, &gateway, 1..=1).await;
    journal.close().await;
    let newer = rusqlite::Connection::open(file(&folder)).unwrap();
    newer.execute("UPDATE schema_version SET version = version + 1", []).unwrap();
    newer.close().unwrap();
    assert_eq!(read(&open(&folder), &gateway).await, []);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_an_error() {
    let folder = folder();
    std::fs::create_dir(file(&folder)).unwrap();
    let refused = EmbeddedJournal::open_in(folder.path());
    assert!(matches!(refused, Err(DatabaseError::Open { .. })), "{:?}", refused.err());
}

#[tokio::test]
async fn a_part_that_cannot_be_read_is_a_hole() {
    let (folder, gateway) = (folder(), GatewayId::new());
    let journal = open(&folder);
    append(&journal, &gateway, 1..=3).await;
    journal.close().await;
    let other = rusqlite::Connection::open(file(&folder)).unwrap();
    other.execute("UPDATE part SET part = x'ff00' WHERE number = 2", []).unwrap();
    other.close().unwrap();
    assert_eq!(read(&open(&folder), &gateway).await, [part(1, 3), part(3, 3)]);
}

#[tokio::test]
async fn journals_that_are_over_go_when_the_file_is_opened() {
    let folder = folder();
    let (over, recent) = (GatewayId::new(), GatewayId::new());
    let life_ms = i64::try_from(JOURNAL_LIFE.as_millis()).unwrap();
    let open_at =
        |ms| EmbeddedJournal::open(&file(&folder), Arc::new(FixedClock::at(Timestamp(ms)))).unwrap();
    let first = open_at(0);
    append(&first, &over, 1..=MANY).await;
    first.close().await;
    let second = open_at(1);
    append(&second, &recent, 1..=MANY).await;
    second.close().await;

    let third = open_at(life_ms + 1);
    // An append goes through the writer behind what opening asked of it.
    append(&third, &GatewayId::new(), 1..=1).await;
    assert_eq!(read(&third, &over).await, []);
    assert_eq!(read(&third, &recent).await.len(), usize::try_from(MANY).unwrap());
}

#[tokio::test]
async fn journals_that_are_over_go_some_rows_at_a_time_beside_the_appends_of_others() {
    let (folder, clock) = (folder(), Arc::new(FixedClock::at(Timestamp(0))));
    let over = GatewayId::new();
    let idle = GatewayId::new();
    let alive = GatewayId::new();
    let journal = EmbeddedJournal::open(&file(&folder), Arc::clone(&clock) as _).unwrap();
    append(&journal, &over, 1..=MANY).await;
    append(&journal, &alive, 1..=1).await;
    clock.advance(i64::try_from(JOURNAL_LIFE.as_millis()).unwrap());
    append(&journal, &idle, 1..=1).await;
    append(&journal, &alive, 2..=2).await;
    assert_eq!(read(&journal, &over).await.len(), usize::try_from(MANY).unwrap(), "not over yet");

    let mut left = Vec::new();
    for number in [3, 5, 7] {
        clock.advance(10_000);
        append(&journal, &alive, number..=number + 1).await;
        left.push(read(&journal, &over).await.len());
    }
    assert_eq!(left, [1_500, 500, 0]);
    assert_eq!(read(&journal, &alive).await.len(), 8, "a journal stays whole as long as its gateway appends");
    assert_eq!(read(&journal, &idle).await.len(), 1);
}
