//! Whether absence can be believed: after an outage renewals are missing that were never refused.
//!
//! While the presence store or the broker is away no lease is renewed. Whoever judged by the clock right after would call everybody
//! offline, and online again with the next heartbeats. So judging waits until the renewals must have come.

use eventflow_ports::presence::{DEVICE_LEASE, HEARTBEAT};
use std::time::Duration;
use tokio::time::Instant;

/// How long the renewals that wait in the queue take to be recorded: those of 100,000 devices.
pub(super) const CATCH_UP: Duration = Duration::from_secs(5);
/// Outages up to this lose nothing: the renewals of that time are in the queue and still count.
const LOSSLESS: Duration = DEVICE_LEASE.saturating_sub(HEARTBEAT);

/// When to judge by the clock alone.
pub(super) struct Patience {
    failing_since: Option<Instant>,
    judge_from: Instant,
}

impl Patience {
    /// At the start of a sweeper, which does not know how long there was none.
    pub(super) fn new(now: Instant) -> Self {
        Self { failing_since: None, judge_from: now + CATCH_UP }
    }

    /// Something needed is away. `true` if this is news.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        let news = self.failing_since.is_none();
        self.failing_since.get_or_insert(now);
        news
    }

    /// Everything needed answers. `true` if it did not before.
    pub(super) fn succeeded(&mut self, now: Instant) -> bool {
        let Some(since) = self.failing_since.take() else { return false };
        let missing = if now - since > LOSSLESS { HEARTBEAT } else { Duration::ZERO };
        self.judge_from = self.judge_from.max(now + missing + CATCH_UP);
        true
    }

    /// Whether an absence can be believed.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.failing_since.is_none() && now >= self.judge_from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_outage_is_waited_out_shortly_and_a_long_one_until_everybody_has_renewed() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        assert!(!patience.is_over(start));
        assert!(patience.is_over(start + CATCH_UP));
        for (outage, wait) in [(LOSSLESS, CATCH_UP), (LOSSLESS + CATCH_UP, HEARTBEAT + CATCH_UP)] {
            let failed = start + CATCH_UP;
            assert!(patience.failed(failed));
            assert!(!patience.failed(failed + outage / 2), "said once");
            assert!(!patience.is_over(failed + outage));
            let back = failed + outage;
            assert!(patience.succeeded(back) && !patience.succeeded(back));
            assert!(!patience.is_over(back + wait - Duration::from_millis(1)));
            assert!(patience.is_over(back + wait));
        }
    }
}
