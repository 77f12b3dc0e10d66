//! The memory that sessions keep for recoveries: one budget for all sessions of a server, whether their
//! client is here or away.
//!
//! A packet counts once, until the last session has forgotten it ([`crate::packet::KeptPacket`]); each
//! session's place for it counts beside. Past the budget the oldest packets of all sessions are forgotten
//! ([`crate::room`]); what comes faster than that is not kept. An account has a share of its own
//! ([`crate::account`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::Notify;

use crate::config::Recovery;
use crate::stats::Stats;

/// A place in a session's replay: a pointer, in a queue that may have grown to twice what is in it.
pub(crate) const PLACE_BYTES: usize = 16;

/// How much may be kept, and how much is.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) bounds: Recovery,
    used: AtomicUsize,
    /// Told when something has to be forgotten.
    crowded: Notify,
    stats: Arc<Stats>,
}

/// Who keeps too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crowd {
    /// All sessions together.
    Server,
    /// The sessions of one account.
    Account,
}

impl Budget {
    pub(crate) fn new(bounds: Recovery, stats: Arc<Stats>) -> Arc<Self> {
        Arc::new(Self { bounds, used: AtomicUsize::new(0), crowded: Notify::new(), stats })
    }

    /// Counts packets that a session has forgotten early.
    pub(crate) fn count_forgotten(&self, crowd: Crowd, packets: usize) {
        let count = match crowd {
            Crowd::Server => &self.stats.forgotten_for_server,
            Crowd::Account => &self.stats.forgotten_for_account,
        };
        count.add(packets as u64);
    }

    /// Bytes kept now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Whether nothing more may be kept until something was forgotten.
    pub(crate) fn is_exhausted(&self) -> bool {
        is_exhausted(self.used(), self.bounds.max_bytes_total)
    }

    /// Bytes to be forgotten now.
    pub(crate) fn excess(&self) -> usize {
        excess(self.used(), self.bounds.max_bytes_total)
    }

    /// Counts bytes, and asks for room if they are too many.
    pub(crate) fn add(&self, bytes: usize) {
        let used = self.used.fetch_add(bytes, Relaxed) + bytes;
        if used > self.bounds.max_bytes_total {
            self.ask_for_room();
        }
    }

    /// Counts bytes no longer.
    pub(crate) fn subtract(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Relaxed);
    }

    /// Wakes the task that makes room.
    pub(crate) fn ask_for_room(&self) {
        self.crowded.notify_one();
    }

    /// Waits until somebody has asked for room.
    pub(crate) async fn wait_until_crowded(&self) {
        self.crowded.notified().await;
    }
}

/// Whether no more may be kept: an eighth past the limit, which leaves time to make room.
pub(crate) fn is_exhausted(used: usize, limit: usize) -> bool {
    used > limit + limit / 8
}

/// What is to be forgotten once the limit is passed: an eighth below it, so that it does not happen for each
/// packet.
pub(crate) fn excess(used: usize, limit: usize) -> usize {
    if used > limit { used - (limit - limit / 8) } else { 0 }
}
