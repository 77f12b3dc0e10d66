//! When a database thread gives its page cache back: once a time of many jobs is over.
//!
//! SQLite keeps the pages of a connection until it closes, up to the size of its cache. After a burst of load
//! that is most of what the process holds, and nobody needs it.

use rusqlite::Connection;
use std::time::{Duration, Instant};

/// A window of this length decides whether the thread is busy. A minute after a burst the memory shall be
/// back, and a pause of a few seconds between two bursts shall not empty the cache.
const WINDOW: Duration = Duration::from_secs(10);
/// Most jobs in a quiet window: what timers ask for by themselves, with some chats.
const QUIET_JOBS: usize = 200;

/// Tells when the burst is over.
pub(super) struct Quiet {
    window_ends: Instant,
    jobs: usize,
    /// Whether there was a busy window since memory was given back.
    has_grown: bool,
}

impl Quiet {
    /// Nothing was done yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { window_ends: now + WINDOW, jobs: 0, has_grown: false }
    }

    /// Until when to wait for jobs at most; `None`: for ever.
    pub(super) fn wait_until(&self) -> Option<Instant> {
        self.has_grown.then_some(self.window_ends)
    }

    /// Takes note of `jobs` at `now`. `true` if memory is to be given back.
    pub(super) fn note(&mut self, jobs: usize, now: Instant) -> bool {
        self.jobs += jobs;
        self.has_grown |= self.jobs > QUIET_JOBS;
        if now < self.window_ends {
            return false;
        }
        let is_over = self.has_grown && self.jobs <= QUIET_JOBS;
        self.has_grown &= !is_over;
        (self.window_ends, self.jobs) = (now + WINDOW, 0);
        is_over
    }
}

/// Gives the connection's page cache back.
pub(super) fn give_back(connection: &Connection) {
    if let Err(error) = connection.execute_batch("PRAGMA shrink_memory") {
        tracing::debug!(error = &error as &dyn std::error::Error, "the page cache stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_when_a_burst_is_over() {
        let start = Instant::now();
        let after = |windows: u32| start + WINDOW * windows;
        let mut quiet = Quiet::new(start);
        assert_eq!(quiet.wait_until(), None, "there is nothing to give back");
        assert!(!quiet.note(QUIET_JOBS + 1, start));
        assert_eq!(quiet.wait_until(), Some(after(1)));
        assert!(!quiet.note(0, after(1)), "the window was a busy one");
        assert!(!quiet.note(QUIET_JOBS + 1, after(2)), "and so was the next");
        assert!(quiet.note(3, after(3)));
        assert!(!quiet.note(3, after(4)), "once");
        assert_eq!(quiet.wait_until(), None);
    }
}
