//! The data file: one writer with group commit, a few readers, schema pieces.
//!
//! Changes: each is a closure that runs on the writer thread, in a savepoint of its own, inside the
//! transaction that is about to be committed. The changes that wait when the writer is free share one commit
//! and therefore one `fsync`. A lone change does not wait for others. Answers: `Ok` means that the change is
//! on the disk (WAL, `synchronous=FULL`) and survives a power loss. An error means that it is not there. A
//! caller that stops waiting for the answer does not know. A file of derived data
//! ([`Database::open_derived`]) promises less and costs less.

mod derived;
mod error;
mod file;
mod jobs;
mod migration;
mod quiet;
mod reader;
mod writer;

pub use error::DatabaseError;

use eventflow_metrics::{CallMetrics, CallOutcome};
use file::Durability;
use jobs::JobQueue;
use parking_lot::Mutex;
use reader::ReadJob;
use rusqlite::{Connection, Transaction};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use writer::{WriteClosure, WriteJob};

/// Writer queue: changes that wait before [`Database::write`] waits for room. Also the most that share one
/// commit.
const WRITES_WAITING_MAX: usize = 1_024;
/// Reader queue: reads that wait before [`Database::read`] waits for room.
const READS_WAITING_MAX: usize = 1_024;
/// Readers: number of threads. Enough that one long page of history does not hold up the short lookups.
const READERS: usize = 4;
/// Readers: number of threads for a file of derived data, which is read seldom.
const DERIVED_READERS: usize = 1;
/// The file's name inside a data folder.
const FILE_NAME: &str = "eventflow.db";

/// The open data file. Cheap to clone: every clone is the same file.
#[derive(Clone)]
pub struct Database {
    inner: Arc<OpenFile>,
}

struct OpenFile {
    path: PathBuf,
    writes: Arc<JobQueue<Box<dyn WriteJob>>>,
    reads: Arc<JobQueue<ReadJob>>,
    commits: Arc<AtomicU64>,
    calls: OnceLock<CallMetrics>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Database {
    /// Opens the file at `path` and starts its threads. Creates the file and its folders if they are missing.
    ///
    /// Blocks for milliseconds, or for as long as SQLite needs to take in the log of a process that was
    /// killed.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let lock = file::lock(path)?;
        let connection = file::open_writer(path, Durability::PowerLoss)?;
        Self::start(path, lock, connection, READERS)
    }

    /// Opens a file of derived data with the tables of one `piece`, as [`Database::open`] and
    /// [`Database::migrate`] do. It never waits for the disk: an answered change survives the end of this
    /// process, but not a power loss. A file that such a loss tore, or that a newer program wrote, is deleted
    /// and begun anew with a warning.
    ///
    /// Blocks for as long as it takes to read the file once.
    pub(crate) fn open_derived(
        path: &Path,
        piece: &'static str,
        steps: &[&str],
    ) -> Result<Self, DatabaseError> {
        let lock = file::lock(path)?;
        let connection = derived::open(path, piece, steps)?;
        Self::start(path, lock, connection, DERIVED_READERS)
    }

    fn start(path: &Path, lock: File, connection: Connection, readers: usize) -> Result<Self, DatabaseError> {
        let lock = Arc::new(lock);
        let writes = Arc::new(JobQueue::new(WRITES_WAITING_MAX));
        let reads = Arc::new(JobQueue::new(READS_WAITING_MAX));
        let commits = Arc::new(AtomicU64::new(0));
        let mut threads = Vec::with_capacity(readers + 1);
        for index in 0..readers {
            let connection = file::open_reader(path)?;
            let jobs = Arc::clone(&reads);
            let lock = Arc::clone(&lock);
            threads.push(spawn(&format!("sqlite-read-{index}"), path, move || {
                reader::run(&connection, &jobs, &lock);
            })?);
        }
        let (jobs, count) = (Arc::clone(&writes), Arc::clone(&commits));
        threads.push(spawn("sqlite-write", path, move || writer::run(&connection, &jobs, &count, &lock))?);
        Ok(Self {
            inner: Arc::new(OpenFile {
                path: path.to_owned(),
                writes,
                reads,
                commits,
                calls: OnceLock::new(),
                threads: Mutex::new(threads),
            }),
        })
    }

    /// Opens `eventflow.db` in a folder, as [`Database::open`] does.
    pub fn open_in(folder: &Path) -> Result<Self, DatabaseError> {
        Self::open(&folder.join(FILE_NAME))
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Notes the duration of every read and change from now on, of all clones. A second call changes nothing.
    pub fn measure(&self, calls: CallMetrics) {
        let _ = self.inner.calls.set(calls);
    }

    /// Runs `work` in the next transaction, and answers once that is committed and on the disk.
    ///
    /// An error of `work` undoes its own changes only. `work` must not commit or roll back the transaction
    /// itself.
    pub async fn write<T, F>(&self, work: F) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let began = Instant::now();
        let (tx, rx) = oneshot::channel();
        // The receiver is gone if the caller no longer waits.
        self.submit(work, move |answer| drop(tx.send(answer))).await?;
        let answer = rx.await.unwrap_or(Err(DatabaseError::Closed));
        self.note("write", answer.is_ok(), began.elapsed());
        answer
    }

    /// As [`Database::write`], but gives the answer to `done` on the writer thread, in the order of the
    /// commits. `done` must be short and must not wait.
    pub(crate) async fn submit<T, F, D>(&self, work: F, done: D) -> Result<(), DatabaseError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
        D: FnOnce(Result<T, DatabaseError>) + Send + 'static,
    {
        self.inner
            .writes
            .push(Box::new(WriteClosure::new(work, done)))
            .await
            .map_err(|_| DatabaseError::Closed)
    }

    /// As [`Database::submit`], but without waiting for room and without hurry: the change rides with the
    /// next commit, or is committed by itself after [`jobs::LAZY_LINGER`]. The caller has at most one such
    /// change waiting.
    pub(crate) fn submit_lazily<T, F, D>(&self, work: F, done: D) -> Result<(), DatabaseError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
        D: FnOnce(Result<T, DatabaseError>) + Send + 'static,
    {
        self.inner
            .writes
            .push_lazily(Box::new(WriteClosure::new(work, done)))
            .map_err(|_| DatabaseError::Closed)
    }

    /// Runs `work` on a reader, in one consistent snapshot that contains every change answered before.
    pub async fn read<T, F>(&self, work: F) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let began = Instant::now();
        let (tx, rx) = oneshot::channel();
        let job: ReadJob = Box::new(move |connection| drop(tx.send(reader::answer(connection, work))));
        self.inner.reads.push(job).await.map_err(|_| DatabaseError::Closed)?;
        let answer = rx.await.unwrap_or(Err(DatabaseError::Closed));
        self.note("read", answer.is_ok(), began.elapsed());
        answer
    }

    fn note(&self, operation: &'static str, is_ok: bool, took: Duration) {
        if let Some(calls) = self.inner.calls.get() {
            let outcome = if is_ok { CallOutcome::Ok } else { CallOutcome::Failed };
            calls.took(operation, outcome, took);
        }
    }

    /// Brings the tables of one `piece` (`"broker"`, `"store"`) up to date: runs those of `steps` that this
    /// file has not seen.
    ///
    /// A step, once released, never changes; a new version appends one. Safe to repeat because each step and
    /// its version number are one transaction.
    pub async fn migrate(
        &self,
        piece: &'static str,
        steps: &'static [&'static str],
    ) -> Result<(), DatabaseError> {
        let known = migration::known(steps);
        let found = self.write(move |tx| migration::apply(tx, piece, steps)).await?;
        if found > known { Err(DatabaseError::Newer { piece, found, known }) } else { Ok(()) }
    }

    /// Transactions committed since the file was opened.
    pub fn commits(&self) -> u64 {
        self.inner.commits.load(Ordering::Relaxed)
    }

    /// Ends in order: refuses new jobs, finishes the waiting ones, and folds the log into the file. Safe to
    /// repeat.
    pub async fn close(&self) {
        self.inner.stop();
        let threads = std::mem::take(&mut *self.inner.threads.lock());
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().filter_map(|thread| thread.join().err()).count()
        });
        if joined.await.unwrap_or_default() > 0 {
            tracing::error!(path = %self.inner.path.display(), "a thread of the data file panicked");
        }
    }
}

impl OpenFile {
    fn stop(&self) {
        self.reads.close();
        self.writes.close();
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

fn spawn(
    name: &str,
    path: &Path,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, DatabaseError> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map_err(|source| DatabaseError::Open { path: path.to_owned(), source: Arc::new(source) })
}
