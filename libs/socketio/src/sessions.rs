//! Sessions that can be recovered: all by their private id, and those without a transport by the time since
//! they lost it.
//!
//! The number of waiting sessions is bounded; one too many makes the oldest expire. Removing a session twice
//! is harmless: only the caller that takes the socket out calls the application.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::id::Id;
use crate::socket::Socket;
use crate::stats::Stats;

/// The recoverable sessions of a server.
pub(crate) struct Sessions<S>(Mutex<Tables<S>>);

struct Tables<S> {
    by_private_id: HashMap<Id, Socket<S>>,
    parked: BTreeMap<(Instant, Id), Socket<S>>,
}

impl<S> Sessions<S> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Tables { by_private_id: HashMap::new(), parked: BTreeMap::new() }))
    }

    /// Adds a session.
    pub(crate) fn insert(&self, socket: &Socket<S>) {
        if let Some(id) = socket.private_id() {
            self.0.lock().by_private_id.insert(*id, socket.clone());
        }
    }

    /// The session with this private id.
    pub(crate) fn find(&self, private_id: &Id) -> Option<Socket<S>> {
        self.0.lock().by_private_id.get(private_id).cloned()
    }

    /// Forgets a session.
    pub(crate) fn remove(&self, socket: &Socket<S>) {
        if let Some(id) = socket.private_id() {
            self.0.lock().by_private_id.remove(id);
        }
    }

    /// Keeps a session that has no transport. Gives the session that has to expire for it, if there are too
    /// many.
    pub(crate) fn park(
        &self,
        socket: &Socket<S>,
        since: Instant,
        max: usize,
        stats: &Stats,
    ) -> Option<Socket<S>> {
        let mut tables = self.0.lock();
        tables.parked.insert((since, *socket.id()), socket.clone());
        stats.parked.increment();
        if tables.parked.len() <= max {
            return None;
        }
        stats.parked.decrement();
        tables.parked.pop_first().map(|(_, socket)| socket)
    }

    /// Takes a session out because it has a transport again. `false` if the session has expired meanwhile.
    pub(crate) fn unpark(&self, socket: &Socket<S>, since: Instant, stats: &Stats) -> bool {
        let found = self.0.lock().parked.remove(&(since, *socket.id())).is_some();
        if found {
            stats.parked.decrement();
        }
        found
    }

    /// Takes out one session that has waited for longer than `window`.
    pub(crate) fn take_expired(&self, window: Duration, stats: &Stats) -> Option<Socket<S>> {
        let mut tables = self.0.lock();
        let first = tables.parked.first_entry()?;
        if first.key().0.elapsed() < window {
            return None;
        }
        stats.parked.decrement();
        Some(first.remove())
    }
}
