//! Outage guard: whether the sweeper may take a missing renewal for an absence.
//!
//! While the presence store or the broker is down, no lease is renewed. A sweeper that judged by the clock
//! right after the outage would call everybody offline, and online again with the next heartbeats. So the
//! sweeper waits until the renewals must have come.

use eventflow_ports::presence::{DEVICE_LEASE, HEARTBEAT};
use std::time::Duration;
use tokio::time::Instant;

/// How long the stage takes to record the renewals that wait in the queue: those of 100,000 devices.
pub(super) const CATCH_UP: Duration = Duration::from_secs(5);
/// Longest outage that loses nothing: the renewals of that time are in the queue and still count.
const LOSSLESS: Duration = DEVICE_LEASE.saturating_sub(HEARTBEAT);

/// When the sweeper may judge by the clock alone.
pub(super) struct OutageGuard {
    failing_since: Option<Instant>,
    judge_from: Instant,
}

impl OutageGuard {
    /// Begins as after an outage: a sweeper that starts does not know how long there was none.
    pub(super) fn new(now: Instant) -> Self {
        Self { failing_since: None, judge_from: now + CATCH_UP }
    }

    /// A dependency is down. `true` if it was up before.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        let is_news = self.failing_since.is_none();
        self.failing_since.get_or_insert(now);
        is_news
    }

    /// Every dependency is up. `true` if one was down before.
    pub(super) fn succeeded(&mut self, now: Instant) -> bool {
        let Some(since) = self.failing_since.take() else { return false };
        // After a longer outage every device has to renew once more before its absence says anything.
        let missing = if now - since > LOSSLESS { HEARTBEAT } else { Duration::ZERO };
        self.judge_from = self.judge_from.max(now + missing + CATCH_UP);
        true
    }

    /// Whether a missing renewal means that the device is gone.
    pub(super) fn trusts_absence(&self, now: Instant) -> bool {
        self.failing_since.is_none() && now >= self.judge_from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_outage_is_waited_out_shortly_and_a_long_one_until_everybody_has_renewed() {
        let start = Instant::now();
        let mut guard = OutageGuard::new(start);
        assert!(!guard.trusts_absence(start));
        assert!(guard.trusts_absence(start + CATCH_UP));
        for (outage, wait) in [(LOSSLESS, CATCH_UP), (LOSSLESS + CATCH_UP, HEARTBEAT + CATCH_UP)] {
            let failed = start + CATCH_UP;
            assert!(guard.failed(failed));
            assert!(!guard.failed(failed + outage / 2), "said once");
            assert!(!guard.trusts_absence(failed + outage));
            let back = failed + outage;
            assert!(guard.succeeded(back) && !guard.succeeded(back));
            assert!(!guard.trusts_absence(back + wait - Duration::from_millis(1)));
            assert!(guard.trusts_absence(back + wait));
        }
    }
}
