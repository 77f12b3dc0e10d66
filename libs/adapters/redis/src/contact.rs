//! Whether this process can vouch that Redis was in reach: while it was not, entries may have run out that nobody could renew.
//!
//! The marker of [`crate::moment`] shows a server that lost its entries; a server that was merely out of reach for longer than their lease
//! looks as before. So a call that failed, and a silence of our own in which nobody would have noticed, both count as an outage that
//! may have hit the gateways too.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// What is known of the calls so far.
#[derive(Debug, Default)]
pub(crate) struct Contact(Mutex<Calls>);

#[derive(Debug, Default)]
struct Calls {
    last_success: Option<Instant>,
    last_doubt: Option<Instant>,
}

impl Contact {
    /// A call failed.
    pub(crate) fn failed(&self) {
        self.0.lock().last_doubt = Some(Instant::now());
    }

    /// A call succeeded; the one before it may be long ago, but for the first.
    pub(crate) fn succeeded(&self, settle: Duration) {
        let (mut calls, now) = (self.0.lock(), Instant::now());
        if calls.last_success.is_some_and(|before| now - before > settle) {
            calls.last_doubt = Some(now);
        }
        calls.last_success = Some(now);
    }

    /// Whether there was nothing to doubt for longer than `settle`.
    pub(crate) fn is_settled(&self, settle: Duration) -> bool {
        self.0.lock().last_doubt.is_none_or(|doubt| doubt.elapsed() > settle)
    }
}
