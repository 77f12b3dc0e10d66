//! Indexing for search: putting stored messages into the blocks by which they are found.
//!
//! In come the threads that got messages, from the persistence stage of this process; out go their blocks. It
//! runs behind the answers, so no sender waits for it. What it has not done yet is found all the same, only
//! slower ([`eventflow_ports::search`]). Threads that another process left behind, or that are older than the
//! index, are found by going through all threads, at the start and then from time to time. Safe to repeat,
//! also by several processes at once, because blocks follow from messages and never go back.

use eventflow_metrics::{Metrics, SearchMetrics};
use eventflow_ports::search::block::catch_up;
use eventflow_ports::{Failing, SearchIndex, StoreError, ticks};
use eventflow_protocol::ThreadId;
use eventflow_protocol::document::Message;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How often threads that wait are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Messages of a thread that are worth a block at once: most of a block.
const WORTH_IT: u32 = 16;
/// How long fewer messages wait for others of their thread. Each step rewrites the thread's last block, so
/// waiting saves writes, and meanwhile searches read these messages themselves.
const PATIENCE: Duration = Duration::from_secs(2);
/// Threads that are remembered, some 6 MB. What is beyond is found by going through all threads.
const WAITING_MAX: usize = 100_000;
/// Threads of one step.
const THREADS_AT_ONCE: usize = 64;
/// How often all threads are gone through, for what a process that died left behind.
const ROUND_EVERY: Duration = Duration::from_mins(10);
/// Threads that a round looks at in one step.
const ROUND_STEP: u32 = 256;
/// Pause between two steps of a round, so that a store that has years to index serves others meanwhile.
const ROUND_PAUSE: Duration = Duration::from_millis(20);
/// Pause after a step that failed.
const PAUSE: Duration = Duration::from_secs(5);

/// The threads of this process whose messages wait for their blocks.
#[derive(Debug, Default)]
pub struct Unindexed(Mutex<HashMap<ThreadId, Waiting>>);

#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Instant,
    messages: u32,
}

impl Unindexed {
    /// Takes note of messages that were stored.
    pub fn note(&self, stored: &[Message]) {
        let now = Instant::now();
        let mut threads = self.0.lock();
        for message in stored {
            if threads.len() >= WAITING_MAX && !threads.contains_key(&message.thread_id) {
                continue;
            }
            let waiting = threads.entry(message.thread_id).or_insert(Waiting { since: now, messages: 0 });
            waiting.messages = waiting.messages.saturating_add(1);
        }
    }

    /// Takes out some threads whose turn it is.
    fn take(&self, now: Instant) -> Vec<ThreadId> {
        let mut threads = self.0.lock();
        let is_due = |waiting: &Waiting| waiting.messages >= WORTH_IT || now >= waiting.since + PATIENCE;
        let due = threads.iter().filter(|(_, waiting)| is_due(waiting)).map(|(thread, _)| *thread);
        let due: Vec<ThreadId> = due.take(THREADS_AT_ONCE).collect();
        for thread in &due {
            threads.remove(thread);
        }
        due
    }

    /// Puts threads back that need another step.
    fn put_back(&self, left: &[ThreadId]) {
        let mut threads = self.0.lock();
        for thread in left {
            threads.entry(*thread).or_insert(Waiting { since: Instant::now(), messages: WORTH_IT });
        }
    }

    /// How many threads wait, and how long the one has that waits longest.
    fn lag(&self, now: Instant) -> (usize, Duration) {
        let threads = self.0.lock();
        let oldest = threads.values().map(|waiting| waiting.since).min();
        (threads.len(), oldest.map_or(Duration::ZERO, |oldest| now.saturating_duration_since(oldest)))
    }
}

/// Puts messages into blocks. Any number of processes may do it.
pub struct Indexer {
    index: Arc<dyn SearchIndex>,
    unindexed: Arc<Unindexed>,
    metrics: SearchMetrics,
}

impl Indexer {
    /// An indexer of what `unindexed` takes note of.
    pub fn new(index: Arc<dyn SearchIndex>, unindexed: Arc<Unindexed>, metrics: &Metrics) -> Self {
        Self { index, unindexed, metrics: metrics.search.clone() }
    }

    /// Indexes until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = self.follow() => {}
            () = self.go_round() => {}
        }
    }

    /// Indexes what is stored, as it comes.
    async fn follow(&self) {
        let (mut looks, mut failing) = (ticks(LOOK_EVERY), Failing::default());
        loop {
            looks.tick().await;
            let result = self.index_waiting().await;
            failing.note(&result, |error| {
                tracing::warn!(error, "messages wait for the search index: the last step is made again");
            });
            if result.is_err() {
                // sleep: a store that failed is given time.
                sleep(PAUSE).await;
            }
            let (threads, lag) = self.unindexed.lag(Instant::now());
            self.metrics.waiting.set(i64::try_from(threads).unwrap_or(i64::MAX));
            self.metrics.lag_seconds.set(lag.as_secs_f64());
        }
    }

    /// Indexes the threads whose turn it is.
    pub async fn index_waiting(&self) -> Result<(), StoreError> {
        loop {
            let threads = self.unindexed.take(Instant::now());
            if threads.is_empty() {
                return Ok(());
            }
            match self.step(&threads).await {
                Ok(left) => self.unindexed.put_back(&left),
                Err(error) => {
                    self.unindexed.put_back(&threads);
                    return Err(error);
                }
            }
        }
    }

    /// Indexes what nobody in this process knows of, again and again.
    async fn go_round(&self) {
        let (mut rounds, mut failing) = (ticks(ROUND_EVERY), Failing::default());
        loop {
            rounds.tick().await;
            let result = self.index_all().await;
            failing.note(&result, |error| {
                tracing::warn!(error, "older messages are not indexed for search yet");
            });
            if result.is_err() {
                // sleep: a store that failed is given time.
                sleep(PAUSE).await;
                rounds.reset_immediately();
            }
        }
    }

    /// Goes through all threads and indexes those that are behind. Begins anew if it is repeated, and passes
    /// over what is done.
    pub async fn index_all(&self) -> Result<(), StoreError> {
        let (mut after, mut found) = (None, 0);
        loop {
            let (behind, next) = self.index.behind(after, ROUND_STEP).await?;
            let mut threads: Vec<ThreadId> = behind.iter().map(|reach| reach.thread).collect();
            found += threads.len();
            while !threads.is_empty() {
                threads = self.step(&threads).await?;
                // sleep: others use the store meanwhile.
                sleep(ROUND_PAUSE).await;
            }
            after = next;
            if after.is_none() {
                break;
            }
            // sleep: others use the store meanwhile, also if nothing is behind.
            sleep(ROUND_PAUSE).await;
        }
        if found > 0 {
            tracing::info!(threads = found, "older messages are indexed for search");
        }
        Ok(())
    }

    /// Makes one step with these threads. Gives those that need another.
    async fn step(&self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, StoreError> {
        let mut left = Vec::new();
        for some in threads.chunks(THREADS_AT_ONCE) {
            let indexed = catch_up(&*self.index, some).await;
            let (gained, behind) = indexed.inspect_err(|_| self.metrics.failures.inc())?;
            self.metrics.indexed.inc_by(gained);
            left.extend(behind);
        }
        Ok(left)
    }
}
