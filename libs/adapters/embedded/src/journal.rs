//! The journals of the gateways of a data folder, in a file of their own. It survives `kill -9` and costs no
//! `fsync`.
//!
//! A part is a row. Parts are derived data, so the file is never synced: it cannot make the file of messages
//! wait, and a file that a power cut tore is begun anew when it is opened. Journals whose last part is older
//! than [`JOURNAL_LIFE`] are of earlier runs. They are deleted when the file is opened and, some rows at a
//! time, beside the appends of others.

use crate::database::{Database, DatabaseError};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_ports::journal::{JOURNAL_LIFE, Journal, JournalError, Part};
use eventflow_ports::{Clock, PassedOver, SystemClock};
use eventflow_protocol::{GatewayId, Timestamp, codec};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// The file's name inside a data folder.
const FILE_NAME: &str = "journal.db";
/// Tidying: an append looks for journals that are over this often, in milliseconds.
const TIDY_EVERY_MS: i64 = 5_000;
/// Tidying: most rows that one append deletes, which takes about a millisecond. A journal of a busy gateway
/// is gone within minutes.
const TIDIED_ROWS_MAX: i64 = 1_000;
/// Timeout: how long an append may take before messages go on without it. It may be carried out later, which
/// does no harm.
const APPEND_TIMEOUT: Duration = Duration::from_millis(250);

const SCHEMA: &[&str] = &["CREATE TABLE part (
    gateway TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, part BLOB NOT NULL, PRIMARY KEY (gateway, number)
) WITHOUT ROWID, STRICT"];
/// `?1` gateway, `?2` number, `?3` now, `?4` the part.
const ADD: &str = "INSERT INTO part SELECT ?1, ?2, ?3, ?4 WHERE ?2 > coalesce((SELECT max(number) FROM part WHERE gateway = ?1), -1)";
const HAS: &str = "SELECT EXISTS (SELECT 1 FROM part WHERE gateway = ?1 AND number = ?2)";
const FORGET: &str = "DELETE FROM part WHERE gateway = ?1 AND number < ?2";
/// As [`FORGET`]; without a bound it deletes all parts.
const FORGET_BELOW: &str = "DELETE FROM part WHERE gateway = ?1 AND (?2 IS NULL OR number < ?2)";
const READ: &str = "SELECT number, part FROM part WHERE gateway = ?1 ORDER BY number";
const NEXT_GATEWAY: &str = "SELECT min(gateway) FROM part WHERE gateway > ?1";
const LAST_AT: &str = "SELECT at_ms FROM part WHERE gateway = ?1 ORDER BY number DESC LIMIT 1";
/// The first number behind `?2` rows.
const BEHIND: &str = "SELECT number FROM part WHERE gateway = ?1 ORDER BY number LIMIT 1 OFFSET ?2";

/// [`Journal`] in a SQLite file that one process has open. Cheap to clone: every clone is the same file.
#[derive(Clone)]
pub struct EmbeddedJournal {
    database: Database,
    clock: Arc<dyn Clock>,
    /// When an append next looks for journals that are over, in milliseconds since 1970.
    tidy_at: Arc<AtomicI64>,
}

/// A part to be appended, ready for the writer's thread.
struct PartRow {
    gateway: GatewayId,
    number: i64,
    at: Timestamp,
    part: Bytes,
    keep_from: i64,
}

impl EmbeddedJournal {
    /// Opens `journal.db` in a folder, and creates it if it is missing. A file that cannot be read is deleted
    /// and begun anew with a warning.
    ///
    /// Blocks for as long as it takes to read the file once. Two errors remain: the folder cannot be written,
    /// or another process has the file open.
    pub fn open_in(folder: &Path) -> Result<Self, DatabaseError> {
        Self::open(&folder.join(FILE_NAME), Arc::new(SystemClock))
    }

    /// As [`EmbeddedJournal::open_in`], with the file at `path`. `clock` tells the age of journals.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, DatabaseError> {
        let now = clock.now();
        let database = Database::open_derived(path, "journal", SCHEMA)?;
        database.submit_lazily(move |tx| forget_all_over(tx, now), report)?;
        Ok(Self { database, clock, tidy_at: Arc::new(AtomicI64::new(now.0.saturating_add(TIDY_EVERY_MS))) })
    }

    /// Ends in order: finishes the waiting appends and folds the log into the file. Safe to repeat.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Deletes some rows of journals that are over, every [`TIDY_EVERY_MS`], after the append that is under
    /// way.
    fn tidy(&self, now: Timestamp) {
        let due = self.tidy_at.load(Ordering::Relaxed);
        let next = now.0.saturating_add(TIDY_EVERY_MS);
        if now.0 < due
            || self.tidy_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        if let Err(error) = self.database.submit_lazily(move |tx| forget_some_over(tx, now).map(drop), report)
        {
            report(Err(error));
        }
    }
}

#[async_trait]
impl Journal for EmbeddedJournal {
    async fn append(&self, gateway: &GatewayId, part: &Part, keep_from: u64) -> Result<(), JournalError> {
        let failed = |source: Box<dyn Error + Send + Sync>| JournalError { what: "append a part", source };
        let at = self.clock.now();
        let encoded = codec::encode(part).expect("numbers and texts always encode");
        let row = PartRow {
            gateway: gateway.clone(),
            number: integer(part.number),
            at,
            part: encoded,
            keep_from: integer(keep_from),
        };
        let write = timeout(APPEND_TIMEOUT, self.database.write(move |tx| append(tx, &row))).await;
        let there = write.map_err(|late| failed(late.into()))?.map_err(|error| failed(error.into()))?;
        self.tidy(at);
        if there { Ok(()) } else { Err(failed(PassedOver(part.number).into())) }
    }

    async fn read(&self, gateway: &GatewayId) -> Result<Vec<Part>, JournalError> {
        let gateway = gateway.clone();
        let read = self.database.read(move |connection| read(connection, &gateway)).await;
        read.map_err(|source| JournalError { what: "read the parts of a gateway", source: source.into() })
    }
}

/// Adds the part, unless its number is there, was passed over, or is forgotten. `true` if the part is there
/// now.
fn append(tx: &Transaction<'_>, row: &PartRow) -> rusqlite::Result<bool> {
    let gateway = row.gateway.as_str();
    if tx.prepare_cached(ADD)?.execute(params![gateway, row.number, row.at.0, &row.part[..]])? == 0 {
        return tx.prepare_cached(HAS)?.query_row(params![gateway, row.number], |found| found.get(0));
    }
    tx.prepare_cached(FORGET)?.execute(params![gateway, row.keep_from])?;
    Ok(true)
}

fn read(connection: &Connection, gateway: &GatewayId) -> rusqlite::Result<Vec<Part>> {
    let mut statement = connection.prepare_cached(READ)?;
    let mut rows = statement.query([gateway.as_str()])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        // A part that another version wrote and this one cannot read is left out, as a hole.
        match codec::decode(row.get_ref(1)?.as_blob()?) {
            Ok(part) => parts.push(part),
            Err(error) => {
                tracing::warn!(%error, %gateway, number = row.get::<_, i64>(0)?, "a part of a journal cannot be read");
            }
        }
    }
    Ok(parts)
}

fn forget_all_over(tx: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    while forget_some_over(tx, now)? {}
    Ok(())
}

/// Deletes the oldest parts of a journal that is over. `false` if there is no such journal.
fn forget_some_over(tx: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<bool> {
    let Some(gateway) = find_over(tx, now)? else { return Ok(false) };
    let mut statement = tx.prepare_cached(BEHIND)?;
    let behind: Option<i64> =
        statement.query_row(params![gateway, TIDIED_ROWS_MAX], |row| row.get(0)).optional()?;
    tx.prepare_cached(FORGET_BELOW)?.execute(params![gateway, behind])?;
    Ok(true)
}

/// Finds a gateway whose last part is older than [`JOURNAL_LIFE`]. Looks at one row of each gateway.
fn find_over(tx: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<Option<String>> {
    let life_ms = i64::try_from(JOURNAL_LIFE.as_millis()).unwrap_or(i64::MAX);
    let mut behind = String::new();
    let next = |behind: &str| {
        tx.prepare_cached(NEXT_GATEWAY)?.query_row([behind], |row| row.get::<_, Option<String>>(0))
    };
    while let Some(gateway) = next(&behind)? {
        let last_at: i64 = tx.prepare_cached(LAST_AT)?.query_row([&gateway], |row| row.get(0))?;
        if now.0.saturating_sub(last_at) > life_ms {
            return Ok(Some(gateway));
        }
        behind = gateway;
    }
    Ok(None)
}

/// Logs a failure. Journals that are over and stay only take room.
fn report(tidied: Result<(), DatabaseError>) {
    if let Err(error) = tidied {
        tracing::warn!(error = &error as &dyn Error, "old journals were not deleted");
    }
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn an_append_that_hangs_is_given_up_and_carried_out_later() {
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open_in(folder.path()).unwrap();
        let (release, held) = mpsc::channel::<()>();
        // Returns when the sender is gone.
        journal.database.submit(move |_| Ok(held.recv().is_ok()), drop).await.unwrap();
        let (gateway, part) = (GatewayId::new(), eventflow_ports::journal_contract::part(0, 1));
        journal.append(&gateway, &part, 0).await.expect_err("nothing is written meanwhile");
        drop(release);
        journal.append(&gateway, &part, 0).await.unwrap();
        assert_eq!(journal.read(&gateway).await.unwrap(), [part]);
        journal.close().await;
    }
}
