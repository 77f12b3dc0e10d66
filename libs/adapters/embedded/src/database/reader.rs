//! A thread that reads: one job after the other, each in one snapshot.

use super::DatabaseError;
use super::jobs::JobQueue;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A read that sends its own answer.
pub(super) type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// Runs until the queue is closed and empty. Holds `_lock` as long as this thread can touch the file.
pub(super) fn run(connection: &Connection, jobs: &JobQueue<ReadJob>, _lock: &File) {
    while let Some(job) = jobs.take_one() {
        job(connection);
    }
}

/// Runs `work` in a snapshot. A panic becomes an error, so that the thread lives on.
pub(super) fn answer<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, DatabaseError> {
    let snapshot = || {
        let tx = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
        work(&tx)
    };
    catch_unwind(AssertUnwindSafe(snapshot))
        .map_err(|_| DatabaseError::Panicked)?
        .map_err(DatabaseError::from)
}
