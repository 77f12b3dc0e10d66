//! The writer thread: takes all waiting changes, runs each in a savepoint of one transaction, commits once,
//! then answers all.
//!
//! A change that fails is undone alone. When SQLite gives up the whole transaction (disk full, I/O error),
//! every change in it gets that error, and the thread goes on with the next batch.

use super::DatabaseError;
use super::jobs::{JobQueue, Waited};
use super::quiet::{Quiet, give_back};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A change, and whoever waits for its answer.
pub(super) trait WriteJob: Send {
    /// Runs the change. Keeps an error for [`WriteJob::finish`] too.
    fn run(&mut self, tx: &Transaction<'_>) -> Result<(), DatabaseError>;
    /// Answers, with the outcome of the whole transaction.
    fn finish(self: Box<Self>, transaction: Result<(), DatabaseError>);
}

/// A closure as a [`WriteJob`].
pub(super) struct WriteClosure<T, F, D> {
    work: Option<F>,
    outcome: Option<Result<T, DatabaseError>>,
    done: D,
}

impl<T, F, D> WriteClosure<T, F, D> {
    pub(super) fn new(work: F, done: D) -> Self {
        Self { work: Some(work), outcome: None, done }
    }
}

impl<T, F, D> WriteJob for WriteClosure<T, F, D>
where
    T: Send,
    F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send,
    D: FnOnce(Result<T, DatabaseError>) + Send,
{
    fn run(&mut self, tx: &Transaction<'_>) -> Result<(), DatabaseError> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let ended = catch_unwind(AssertUnwindSafe(|| work(tx)));
        let outcome =
            ended.map_err(|_| DatabaseError::Panicked).and_then(|result| result.map_err(DatabaseError::from));
        let failed = outcome.as_ref().err().cloned();
        self.outcome = Some(outcome);
        failed.map_or(Ok(()), Err)
    }

    fn finish(self: Box<Self>, transaction: Result<(), DatabaseError>) {
        let answer = match (self.outcome, transaction) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(shared)) => Err(shared),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(DatabaseError::Closed),
        };
        (self.done)(answer);
    }
}

/// Runs until the queue is closed and empty, then folds the log into the file. Holds `_lock` as long as this
/// thread can touch the file.
pub(super) fn run(
    connection: &Connection,
    jobs: &JobQueue<Box<dyn WriteJob>>,
    commits: &AtomicU64,
    _lock: &File,
) {
    let mut quiet = Quiet::new(Instant::now());
    loop {
        let done = match jobs.take_all(quiet.wait_until()) {
            Waited::For(batch) => commit(connection, batch, commits),
            Waited::InVain => 0,
            Waited::Closed => break,
        };
        if quiet.note(done, Instant::now()) {
            give_back(connection);
        }
    }
    let folded = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    if let Err(error) = folded {
        // No change is lost: the next start takes the log in.
        tracing::warn!(%error, "could not fold the log into the data file");
    }
}

/// Carries out a batch and answers its jobs; returns their number.
fn commit(connection: &Connection, mut batch: Vec<Box<dyn WriteJob>>, commits: &AtomicU64) -> usize {
    let jobs = batch.len();
    let transaction = execute(connection, &mut batch);
    commits.fetch_add(u64::from(transaction.is_ok()), Ordering::Relaxed);
    for job in batch {
        let answered = catch_unwind(AssertUnwindSafe(|| job.finish(transaction.clone())));
        if answered.is_err() {
            tracing::error!("the completion of a change panicked");
        }
    }
    jobs
}

fn execute(connection: &Connection, batch: &mut [Box<dyn WriteJob>]) -> Result<(), DatabaseError> {
    let tx = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for job in batch {
        run_alone(&tx, job.as_mut())?;
    }
    Ok(tx.commit()?)
}

/// Runs one job in a savepoint. An error means that the whole transaction is gone, not that the job failed.
fn run_alone(tx: &Transaction<'_>, job: &mut dyn WriteJob) -> Result<(), DatabaseError> {
    tx.prepare_cached("SAVEPOINT job")?.execute([])?;
    let outcome = job.run(tx);
    if tx.is_autocommit() {
        // SQLite undid everything, as it does when it cannot write.
        return Err(outcome.err().unwrap_or(DatabaseError::Panicked));
    }
    if outcome.is_err() {
        tx.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    tx.prepare_cached("RELEASE job")?.execute([])?;
    Ok(())
}
