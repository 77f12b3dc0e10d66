//! A thread that reads: one job after the other, each in one snapshot.

use super::DatabaseError;
use super::jobs::{JobQueue, Waited};
use super::quiet::{Quiet, give_back};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// A read that sends its own answer.
pub(super) type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// Runs until the queue is closed and empty. Holds `_lock` as long as this thread can touch the file.
pub(super) fn run(connection: &Connection, jobs: &JobQueue<ReadJob>, _lock: &File) {
    let mut quiet = Quiet::new(Instant::now());
    loop {
        let done = match jobs.take_one(quiet.wait_until()) {
            Waited::For(job) => {
                job(connection);
                1
            }
            Waited::InVain => 0,
            Waited::Closed => break,
        };
        if quiet.note(done, Instant::now()) {
            give_back(connection);
        }
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
