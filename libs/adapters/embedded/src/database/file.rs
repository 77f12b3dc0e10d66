//! The file itself: its lock and the settings of its connections, each with its reason.

use super::DatabaseError;
use rusqlite::{Connection, OpenFlags};
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Application id: marks the file as EventFlow's for `file(1)`, and for anyone who opens another program's
/// database by mistake: `EFlw`.
const APPLICATION_ID: i32 = 0x4546_6c77;
/// Page size in bytes. A frame of 100 KB is a chain of pages that is written once and walked once when it is
/// deleted, so twice the default halves that; the message rows are small, so more would only inflate the log.
const PAGE_BYTES: u32 = 8_192;
/// Page cache of the writer in KiB: index pages of the store and the frames in flight.
const WRITER_CACHE_KIB: i64 = 64 * 1_024;
/// Page cache of one reader in KiB; the operating system caches the rest.
const READER_CACHE_KIB: i64 = 8 * 1_024;
/// Checkpoint: pages in the log before the writer folds them into the file (16 MiB). Each fold costs an
/// `fsync` of the file and holds up one commit: rarer ones are longer, more frequent ones write hot pages
/// more often.
const CHECKPOINT_PAGES: u32 = 2_048;
/// Checkpoint: the same for a file that is never synced (2 MiB). A fold is a copy inside the system's cache,
/// so frequent ones are short.
const UNSYNCED_CHECKPOINT_PAGES: u32 = 256;
/// Log: the file shrinks back to this many bytes after a burst.
const LOG_KEPT_BYTES: i64 = 64 * 1_024 * 1_024;
/// Busy timeout: only an operator's shell can hold the file beside this process; wait for it this long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Statement cache: prepared statements per connection, more than broker and store have together.
const STATEMENTS_KEPT: usize = 128;

/// Mode of the files: only their owner may read and write them.
const FILE_MODE: u32 = 0o600;
/// Mode of a folder that is made for them.
const FOLDER_MODE: u32 = 0o700;

/// What a change survives once it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// A power loss: the log is on the disk before a commit returns.
    PowerLoss,
    /// The end of this process, however it ends: the log is with the operating system. A power loss may tear
    /// the file.
    ProcessEnd,
}

impl Durability {
    /// SQLite's `synchronous`. With `NORMAL` a power loss would undo answered changes; without `OFF` folding
    /// the log would sync.
    fn synchronous(self) -> &'static str {
        match self {
            Self::PowerLoss => "FULL",
            Self::ProcessEnd => "OFF",
        }
    }

    fn checkpoint_pages(self) -> u32 {
        match self {
            Self::PowerLoss => CHECKPOINT_PAGES,
            Self::ProcessEnd => UNSYNCED_CHECKPOINT_PAGES,
        }
    }
}

/// Takes the lock beside the file. It is a lock of the operating system, so it ends with the process, however
/// that ends.
///
/// The lock has a file of its own, because closing any handle of the database file would drop the locks of
/// SQLite.
pub(super) fn lock(path: &Path) -> Result<File, DatabaseError> {
    let failed = |source| DatabaseError::Open { path: path.to_owned(), source: Arc::new(source) };
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(failed)?;
    }
    let file = open_private(&beside(path, ".lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DatabaseError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Opens the connection that writes. Creates the file if it is missing.
pub(super) fn open_writer(path: &Path, durability: Durability) -> Result<Connection, DatabaseError> {
    keep_private(path)
        .map_err(|source| DatabaseError::Open { path: path.to_owned(), source: Arc::new(source) })?;
    let connection = Connection::open(path)?;
    configure(&connection, WRITER_CACHE_KIB)?;
    // Must come before the first write.
    connection.pragma_update(None, "synchronous", durability.synchronous())?;
    // Takes effect only before the first table exists.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection
        .pragma_update_and_check(None, "wal_autocheckpoint", durability.checkpoint_pages(), |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_KEPT_BYTES, |_| Ok(()))?;
    Ok(connection)
}

/// Makes the file, and what SQLite keeps beside it, readable for its owner alone: it holds what people write
/// to each other. SQLite gives the files beside it the mode of the file. Call it while no connection is open:
/// closing the file drops the locks of SQLite.
fn keep_private(path: &Path) -> std::io::Result<()> {
    drop(open_private(path)?);
    for ending in ["", "-wal", "-shm"] {
        let name = beside(path, ending);
        match std::fs::set_permissions(&name, Permissions::from_mode(FILE_MODE)) {
            Err(error) if error.kind() != ErrorKind::NotFound => tracing::warn!(
                error = &error as &dyn std::error::Error,
                path = %name.display(),
                "a data file stays readable for others"
            ),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn open_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(FILE_MODE).open(path)
}

/// The path with something appended to the name of the file.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Opens a connection that can only read.
pub(super) fn open_reader(path: &Path) -> Result<Connection, DatabaseError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    configure(&connection, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn configure(connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Negative means KiB instead of pages.
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    // No memory mapping: an I/O error must arrive as an error, not as a signal that ends the process.
    connection.pragma_update_and_check(None, "mmap_size", 0, |_| Ok(()))?;
    // The tables refer to each other by ids that are derived, not looked up, so checks would only cost time.
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}
