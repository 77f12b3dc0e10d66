//! Sessions that can be recovered: all by their private id, and those without a transport by the time since
//! they lost it.
//!
//! The number of waiting sessions is bounded, in all and for each account; one too many makes the oldest
//! expire. Removing a session twice is harmless: only the caller that takes the socket out calls the
//! application.

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

    /// Every session.
    pub(crate) fn all(&self) -> Vec<Socket<S>> {
        self.0.lock().by_private_id.values().cloned().collect()
    }

    /// Keeps a session that has no transport. Gives the session that has to expire for it, if there are too
    /// many of its account, or of all.
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
        let crowded_out = socket.account().and_then(|account| account.park(since, *socket.id()));
        let oldest = || tables.parked.first_key_value().map(|(key, _)| *key);
        let evicted = crowded_out.or_else(|| oldest().filter(|_| tables.parked.len() > max))?;
        tables.take(evicted, stats)
    }

    /// Takes a session out because it has a transport again, or ends. `false` if somebody else took it out.
    pub(crate) fn unpark(&self, socket: &Socket<S>, since: Instant, stats: &Stats) -> bool {
        self.0.lock().take((since, *socket.id()), stats).is_some()
    }

    /// Takes out one session that has waited for longer than `window`.
    pub(crate) fn take_expired(&self, window: Duration, stats: &Stats) -> Option<Socket<S>> {
        let mut tables = self.0.lock();
        let oldest = *tables.parked.first_key_value()?.0;
        if oldest.0.elapsed() < window {
            return None;
        }
        tables.take(oldest, stats)
    }
}

impl<S> Tables<S> {
    /// Takes out a session that waits.
    fn take(&mut self, (since, id): (Instant, Id), stats: &Stats) -> Option<Socket<S>> {
        let socket = self.parked.remove(&(since, id))?;
        stats.parked.decrement();
        if let Some(account) = socket.account() {
            account.unpark(since, id);
        }
        Some(socket)
    }
}
