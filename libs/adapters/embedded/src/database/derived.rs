//! Opening a file of derived data. The file is checked as a whole, since nothing guards it against a power
//! loss, and begun anew if it is torn.
//!
//! The caller holds the lock of the file, so no other process has the file that is deleted here.

use super::DatabaseError;
use super::file::{self, Durability};
use super::migration;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// The files that SQLite keeps beside the data file. The data file itself is removed last, so that a log
/// never meets a file that it does not belong to.
const ENDINGS: [&str; 3] = ["-wal", "-shm", ""];

/// Opens the connection that writes, with the tables of `piece` in the file.
pub(super) fn open(path: &Path, piece: &'static str, steps: &[&str]) -> Result<Connection, DatabaseError> {
    try_open(path, piece, steps).or_else(|error| {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, path = %path.display(), "a file of derived data cannot be used and is begun anew");
        remove(path)?;
        try_open(path, piece, steps)
    })
}

fn try_open(path: &Path, piece: &'static str, steps: &[&str]) -> Result<Connection, DatabaseError> {
    let connection = file::open_writer(path, Durability::ProcessEnd)?;
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(DatabaseError::Torn(verdict));
    }
    let tx = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)?;
    let found = migration::apply(&tx, piece, steps)?;
    let known = migration::known(steps);
    tx.commit()?;
    if found > known { Err(DatabaseError::Newer { piece, found, known }) } else { Ok(connection) }
}

fn remove(path: &Path) -> Result<(), DatabaseError> {
    for ending in ENDINGS {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match std::fs::remove_file(&name) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(DatabaseError::Open { path: name.into(), source: Arc::new(source) });
            }
            _ => {}
        }
    }
    Ok(())
}
