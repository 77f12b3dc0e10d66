//! The thread that writes: takes all that waits, one transaction, one savepoint each, one commit, then answers all.
//!
//! A change that fails is undone alone. When SQLite gives up the whole transaction (disk full, I/O error) everything in it
//! is answered with that error and the thread goes on with the next batch.

use super::DatabaseError;
use super::jobs::JobQueue;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// A change and whoever waits for it.
pub(super) trait WriteJob: Send {
    /// Does the work; the error, if any, is also kept for [`WriteJob::finish`].
    fn run(&mut self, tx: &Transaction<'_>) -> Result<(), DatabaseError>;
    /// Answers, after the transaction as a whole has ended like this.
    fn finish(self: Box<Self>, transaction: Result<(), DatabaseError>);
}

/// A closure as a [`WriteJob`].
pub(super) struct Change<T, F, D> {
    work: Option<F>,
    outcome: Option<Result<T, DatabaseError>>,
    done: D,
}

impl<T, F, D> Change<T, F, D> {
    pub(super) fn new(work: F, done: D) -> Self {
        Self { work: Some(work), outcome: None, done }
    }
}

impl<T, F, D> WriteJob for Change<T, F, D>
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

/// Works until the queue is closed and empty, then folds the log into the file. `_lock` is held as long as this thread can
/// touch the file.
pub(super) fn run(
    connection: &Connection,
    jobs: &JobQueue<Box<dyn WriteJob>>,
    commits: &AtomicU64,
    _lock: &File,
) {
    while let Some(mut batch) = jobs.take_all() {
        let transaction = execute(connection, &mut batch);
        commits.fetch_add(u64::from(transaction.is_ok()), Ordering::Relaxed);
        for job in batch {
            let answered = catch_unwind(AssertUnwindSafe(|| job.finish(transaction.clone())));
            if answered.is_err() {
                tracing::error!("the completion of a change panicked");
            }
        }
    }
    let folded = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    if let Err(error) = folded {
        // Nothing is lost: the next start takes the log in.
        tracing::warn!(%error, "could not fold the log into the data file");
    }
}

fn execute(connection: &Connection, batch: &mut [Box<dyn WriteJob>]) -> Result<(), DatabaseError> {
    let tx = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for job in batch {
        run_alone(&tx, job.as_mut())?;
    }
    Ok(tx.commit()?)
}

/// Runs one job in a savepoint. An error means that the transaction is gone, not that the job failed.
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
