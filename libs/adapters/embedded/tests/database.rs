//! The data file: group commit, failures that stay alone, one process at a time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use eventflow_embedded::{Database, DatabaseError};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::task::JoinSet;

const STEPS: &[&str] = &["CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"];

async fn open() -> (TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_in(folder.path()).unwrap();
    database.migrate("test", STEPS).await.unwrap();
    (folder, database)
}

async fn insert(database: &Database, id: i64) -> Result<usize, DatabaseError> {
    database.write(move |tx| tx.execute("INSERT INTO note VALUES (?1, 'x')", [id])).await
}

async fn count(database: &Database) -> i64 {
    database
        .read(|connection| connection.query_row("SELECT count(*) FROM note", [], |row| row.get(0)))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_share_commits() {
    let (_folder, database) = open().await;
    let before = database.commits();
    let mut writes = JoinSet::new();
    for id in 0..2_000 {
        let database = database.clone();
        writes.spawn(async move { insert(&database, id).await });
    }
    while let Some(written) = writes.join_next().await {
        written.unwrap().unwrap();
    }
    let commits = database.commits() - before;
    assert_eq!(count(&database).await, 2_000);
    assert!(commits < 500, "2,000 writes took {commits} commits");
}

#[tokio::test]
async fn a_failing_change_is_undone_alone() {
    let (_folder, database) = open().await;
    let broken = database.write(|tx| {
        tx.execute("INSERT INTO note VALUES (1, 'x')", [])?;
        tx.execute("INSERT INTO note VALUES (2, NULL)", [])
    });
    let (broken, good) = tokio::join!(broken, insert(&database, 3));
    assert!(matches!(broken, Err(DatabaseError::Sqlite(_))), "{broken:?}");
    assert_eq!(good.unwrap(), 1);
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_panicking_change_is_undone_and_the_writer_lives_on() {
    let (_folder, database) = open().await;
    let panicked = database
        .write(|tx| -> rusqlite::Result<()> {
            tx.execute("INSERT INTO note VALUES (1, 'x')", [])?;
            panic!("on purpose")
        })
        .await;
    assert!(matches!(panicked, Err(DatabaseError::Panicked)));
    insert(&database, 2).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_room_heals_it() {
    let (_folder, database) = open().await;
    let limit = |pages: u32| {
        database.write(move |tx| tx.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())))
    };
    limit(1).await.unwrap();
    let large =
        database.write(|tx| tx.execute("INSERT INTO note VALUES (1, hex(zeroblob(200000)))", [])).await;
    assert!(large.as_ref().is_err_and(DatabaseError::is_full), "{large:?}");
    limit(1_000_000).await.unwrap();
    insert(&database, 1).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_file_is_used_by_one_database_at_a_time() {
    let (folder, database) = open().await;
    assert!(matches!(Database::open_in(folder.path()), Err(DatabaseError::InUse(_))));
    insert(&database, 1).await.unwrap();
    database.close().await;
    assert!(matches!(insert(&database, 2).await, Err(DatabaseError::Closed)));
    let again = Database::open_in(folder.path()).unwrap();
    assert_eq!(count(&again).await, 1);
}

#[tokio::test]
async fn closing_finishes_what_waits() {
    let (folder, database) = open().await;
    let shared = Arc::new(database);
    let mut writes = JoinSet::new();
    for id in 0..500 {
        let database = Arc::clone(&shared);
        writes.spawn(async move { insert(&database, id).await.is_ok() });
    }
    tokio::task::yield_now().await;
    shared.close().await;
    let mut written = 0;
    while let Some(ok) = writes.join_next().await {
        written += i64::from(ok.unwrap());
    }
    let again = Database::open_in(folder.path()).unwrap();
    assert_eq!(count(&again).await, written);
}

#[tokio::test]
async fn schema_steps_run_once_and_a_newer_file_is_refused() {
    const MORE: &[&str] = &[STEPS[0], "ALTER TABLE note ADD COLUMN more TEXT"];
    let (_folder, database) = open().await;
    database.migrate("test", MORE).await.unwrap();
    database.migrate("test", MORE).await.unwrap();
    let refused = database.migrate("test", STEPS).await;
    assert!(
        matches!(refused, Err(DatabaseError::Newer { piece: "test", found: 2, known: 1 })),
        "{refused:?}"
    );
}

/// The files in a folder that others than their owner may read or write.
fn readable_for_others(folder: &std::path::Path) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let open = files.filter(|file| file.metadata().unwrap().permissions().mode() & 0o077 != 0);
    open.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn the_files_of_data_and_journal_are_readable_for_their_owner_alone() {
    let (folder, database) = open().await;
    insert(&database, 1).await.unwrap();
    let journal = eventflow_embedded::EmbeddedJournal::open_in(folder.path()).unwrap();
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(files >= 6, "two files, each with its log and its lock: {files}");
    assert_eq!(readable_for_others(folder.path()), Vec::<String>::new());
    journal.close().await;
    database.close().await;
}

#[tokio::test]
async fn a_file_that_was_readable_for_others_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, database) = open().await;
    insert(&database, 1).await.unwrap();
    database.close().await;
    drop(database);
    let path = folder.path().join("eventflow.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let database = Database::open_in(folder.path()).unwrap();
    assert_eq!(count(&database).await, 1);
    assert_eq!(readable_for_others(folder.path()), Vec::<String>::new());
    database.close().await;
}
