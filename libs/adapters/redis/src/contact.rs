//! Whether Redis was in reach of this process all the time. While it was not, leases may have run out that no
//! gateway could renew.
//!
//! The marker of [`crate::moment`] shows a server that lost its entries. A server that was only out of reach
//! for longer than their lease looks as before. So two things count as an outage that may have hit the
//! gateways too: a call that failed, and a time in which this process made no call and would not have noticed
//! an outage.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// The calls of this process to Redis so far.
#[derive(Debug, Default)]
pub(crate) struct Contact(Mutex<CallTimes>);

#[derive(Debug, Default)]
struct CallTimes {
    last_success: Option<Instant>,
    last_doubt: Option<Instant>,
}

impl Contact {
    /// Takes note that a call failed.
    pub(crate) fn failed(&self) {
        self.0.lock().last_doubt = Some(Instant::now());
    }

    /// Takes note that a call succeeded. If the call before it is longer ago than `settle`, an outage may
    /// have gone unnoticed.
    pub(crate) fn succeeded(&self, settle: Duration) {
        let now = Instant::now();
        let mut calls = self.0.lock();
        if calls.last_success.is_some_and(|before| now - before > settle) {
            calls.last_doubt = Some(now);
        }
        calls.last_success = Some(now);
    }

    /// Whether no outage was possible for longer than `settle`.
    pub(crate) fn is_settled(&self, settle: Duration) -> bool {
        self.0.lock().last_doubt.is_none_or(|doubt| doubt.elapsed() > settle)
    }
}
