//! Membership cache: who is in a thread. Every check at the edge and every fan-out needs it, without asking
//! the store each time.
//!
//! The capacity counts people, not threads. An entry is dropped when an event says that its thread changed,
//! and all are dropped when events may have gone to another process. A
//! process that hears no events asks the store before it shows anything ([`Membership::unheard`]): whoever
//! has left a thread must see nothing more of it. The cache holds existing threads only, so a new thread is
//! found as soon as it is created. And nobody is turned away by the cache alone: whoever was added to a group
//! may come before this process hears of it.

use crate::store::{Store, StoreError};
use eventflow_protocol::Participants;
use eventflow_protocol::blocks::THREADS_NAMED_MAX;
use eventflow_protocol::{ThreadId, UserId};
use moka::sync::Cache;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Capacity: participants over all threads, about 100 MB if every id is distinct and long.
const CAPACITY_PARTICIPANTS: u64 = 1_000_000;
/// Lifetime of an entry. It corrects a change that was missed, such as an event to a gateway that was cut
/// off.
const TIME_TO_LIVE: Duration = Duration::from_mins(1);

/// A cache over [`Store::participants`].
#[derive(Clone)]
pub struct Membership {
    store: Arc<dyn Store>,
    cache: Cache<ThreadId, Participants>,
    /// How many changes were heard. What was read before one of them is not kept: the store may have been
    /// asked before somebody left, and answer after that was heard.
    changes: Arc<RwLock<u64>>,
    hears_changes: bool,
}

impl Membership {
    /// Creates an empty cache over `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let weigh = |_: &ThreadId, people: &Participants| {
            u32::try_from(people.len()).unwrap_or(u32::MAX).saturating_add(4)
        };
        let cache = Cache::builder()
            .max_capacity(CAPACITY_PARTICIPANTS)
            .weigher(weigh)
            .time_to_live(TIME_TO_LIVE)
            .build();
        Self { store, cache, changes: Arc::default(), hears_changes: true }
    }

    /// The same cache for a process that hears of no changes.
    #[must_use]
    pub fn unheard(&self) -> Self {
        Self { hears_changes: false, ..self.clone() }
    }

    /// The participants of a thread; `None` if there is no such thread.
    pub async fn of(&self, thread: ThreadId) -> Result<Option<Participants>, StoreError> {
        Ok(self.of_all(&[thread]).await?.remove(&thread))
    }

    /// The participants of these threads; unknown threads are absent. One query asks the store for all
    /// threads that are not in the cache.
    pub async fn of_all(&self, threads: &[ThreadId]) -> Result<HashMap<ThreadId, Participants>, StoreError> {
        let mut known: HashMap<ThreadId, Participants> = threads
            .iter()
            .filter_map(|thread| self.cache.get(thread).map(|people| (*thread, people)))
            .collect();
        let mut missing: Vec<ThreadId> =
            threads.iter().filter(|thread| !known.contains_key(*thread)).copied().collect();
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            let asked_at = *self.changes.read();
            let found = self.store.participants(&missing).await?;
            self.keep(&found, asked_at);
            known.extend(found);
        }
        Ok(known)
    }

    /// Keeps what the store has answered, unless a change was heard since it was asked.
    fn keep(&self, found: &HashMap<ThreadId, Participants>, asked_at: u64) {
        let changes = self.changes.read();
        if *changes == asked_at {
            for (thread, people) in found {
                self.cache.insert(*thread, people.clone());
            }
        }
    }

    /// Notes that a change was heard; until `act` is done nothing else is kept.
    fn change(&self, act: impl FnOnce(&Cache<ThreadId, Participants>)) {
        let mut changes = self.changes.write();
        *changes += 1;
        act(&self.cache);
    }

    /// The participants of a thread that `user` is in; `None` for a stranger, and if there is no such thread.
    /// Asks the store before it takes somebody for a stranger by what is remembered: they may have been added
    /// since, or a block may have ended.
    pub async fn with(&self, thread: ThreadId, user: &UserId) -> Result<Option<Participants>, StoreError> {
        let is_remembered = self.remembered(thread).is_some();
        let Some(people) = self.of(thread).await? else { return Ok(None) };
        if people.contains(user) {
            return Ok(Some(people));
        }
        if !is_remembered || !self.store.is_participant(thread, user).await? {
            return Ok(None);
        }
        Ok(self.fresh(thread).await?.filter(|people| people.contains(user)))
    }

    /// Whether `user` is in `thread`; `false` too if there is no such thread.
    pub async fn includes(&self, thread: ThreadId, user: &UserId) -> Result<bool, StoreError> {
        Ok(self.with(thread, user).await?.is_some())
    }

    /// The place after which `user` may be shown messages of `thread` now; `None` if they may be shown
    /// nothing. Asks the store if this process does not hear who leaves.
    pub async fn seen_from(&self, thread: ThreadId, user: &UserId) -> Result<Option<u64>, StoreError> {
        if self.hears_changes {
            Ok(self.with(thread, user).await?.and_then(|people| people.seen_from(user)))
        } else {
            self.store.seen_from(thread, user).await
        }
    }

    /// The participants of a thread as they are now; `None` if there is no such thread. Asks the store if
    /// this process does not hear who leaves.
    pub async fn current(&self, thread: ThreadId) -> Result<Option<Participants>, StoreError> {
        if !self.hears_changes {
            self.forget(thread);
        }
        self.of(thread).await
    }

    /// The participants of a thread as the store has them; `None` if there is no such thread. If it does
    /// not answer, what is remembered stays.
    pub async fn fresh(&self, thread: ThreadId) -> Result<Option<Participants>, StoreError> {
        let asked_at = *self.changes.read();
        let mut found = self.store.participants(&[thread]).await?;
        self.keep(&found, asked_at);
        Ok(found.remove(&thread))
    }

    /// The participants of a thread if they are in the cache; does not ask the store.
    pub fn remembered(&self, thread: ThreadId) -> Option<Participants> {
        self.cache.get(&thread)
    }

    /// Stores the participants of a thread that a result or an event just named.
    pub fn remember(&self, thread: ThreadId, people: Participants) {
        self.change(|cache| cache.insert(thread, people));
    }

    /// Drops all entries, because others may have heard what changed.
    pub fn forget_all(&self) {
        self.change(Cache::invalidate_all);
    }

    /// Drops the entries of these threads, because a block has changed for whom they are away. As many as a
    /// block names at most stand for any number.
    pub fn forget_away(&self, threads: &[ThreadId]) {
        if threads.len() >= THREADS_NAMED_MAX {
            self.forget_all();
            return;
        }
        for thread in threads {
            self.forget(*thread);
        }
    }

    /// Drops the entry of a thread that changed.
    pub fn forget(&self, thread: ThreadId) {
        self.change(|cache| cache.invalidate(&thread));
    }
}
