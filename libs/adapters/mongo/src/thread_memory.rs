//! What the store remembers of threads, so that a batch on known threads asks the database nothing: the
//! people, the place of the newest message, and the place up to which the thread document counts.
//!
//! Everything here is a guess. The unique index on (thread, place) and the compare-and-set on `lastSeq`
//! decide; after a wrong guess the store forgets the thread and reads it again. Both places only rise, and
//! only after a majority confirmed them. The store never remembers that a thread does not exist. The people
//! of a thread can leave it and come back. The process that carries that out forgets the thread; one that
//! gets the shard later forgets all of them then. What was read before something was forgotten is not
//! remembered.

use crate::record::counters::SMALL_MAX;
use eventflow_protocol::Participants;
use eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX;
use eventflow_protocol::{ThreadId, UserId};
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Size: people over all remembered threads. About 100 MB if every id is distinct and long.
const CAPACITY_PEOPLE: u64 = 1_000_000;
/// Size: what a thread costs beside its people, counted in people.
const THREAD_WEIGHT: u32 = 4;

/// How long a thread is remembered: as long as the edge remembers who is in it.
const TIME_TO_LIVE: Duration = Duration::from_mins(1);

/// What the store remembers of one thread.
#[derive(Debug)]
pub(crate) struct KnownThread {
    /// Everybody in the thread, sorted.
    pub(crate) people: Participants,
    last: AtomicU64,
    counted: AtomicU64,
}

/// The threads that the store remembers.
#[derive(Clone, Debug)]
pub(crate) struct ThreadMemory {
    threads: Cache<ThreadId, Arc<KnownThread>>,
    /// How often something was forgotten.
    forgotten: Arc<AtomicU64>,
}

impl KnownThread {
    /// A thread of these people, whose newest message is at place `last` and whose document counts up to
    /// `counted`.
    pub(crate) fn new(people: Participants, last: u64, counted: u64) -> Self {
        Self { people, last: last.into(), counted: counted.into() }
    }

    /// Whether this person is in the thread.
    pub(crate) fn includes(&self, person: &UserId) -> bool {
        self.people.contains(person)
    }

    /// Whether the thread is small, so that its document has entries for each person.
    pub(crate) fn is_small(&self) -> bool {
        self.people.len() <= SMALL_MAX
    }

    /// Whether messages of the thread carry receipts.
    pub(crate) fn bears_receipts(&self) -> bool {
        self.people.len() <= RECEIPT_PARTICIPANTS_MAX
    }

    /// Place of the newest message.
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// Remembers that a message is stored at this place.
    pub(crate) fn stored(&self, seq: u64) {
        self.last.fetch_max(seq, Ordering::AcqRel);
    }

    /// Place of the newest message that the thread document counts.
    pub(crate) fn counted(&self) -> u64 {
        self.counted.load(Ordering::Acquire)
    }

    /// Remembers that the thread document counts the message at this place.
    pub(crate) fn touched(&self, seq: u64) {
        self.counted.fetch_max(seq, Ordering::AcqRel);
    }
}

impl ThreadMemory {
    /// Remembers nothing yet.
    pub(crate) fn new() -> Self {
        let weigh = |_: &ThreadId, thread: &Arc<KnownThread>| {
            u32::try_from(thread.people.len()).unwrap_or(u32::MAX).saturating_add(THREAD_WEIGHT)
        };
        let threads = Cache::builder().max_capacity(CAPACITY_PEOPLE).weigher(weigh);
        Self { threads: threads.time_to_live(TIME_TO_LIVE).build(), forgotten: Arc::default() }
    }

    /// What the store remembers of this thread.
    pub(crate) fn get(&self, thread: ThreadId) -> Option<Arc<KnownThread>> {
        self.threads.get(&thread)
    }

    /// How often something was forgotten, to be asked before a thread is read.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    /// Remembers a thread that was read after [`ThreadMemory::forgotten`] said this.
    pub(crate) fn insert(&self, thread: ThreadId, known: Arc<KnownThread>, forgotten: u64) {
        self.threads.insert(thread, known);
        // Asked afterwards: whoever forgets counts first, so either this sees it or the entry goes then.
        if self.forgotten() != forgotten {
            self.threads.invalidate(&thread);
        }
    }

    /// Forgets all threads.
    pub(crate) fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.threads.invalidate_all();
    }

    /// Forgets a thread.
    pub(crate) fn forget(&self, thread: ThreadId) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.threads.invalidate(&thread);
    }
}
