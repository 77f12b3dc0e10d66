//! A window that another worker has: its job waits until that worker has ended, or its lease has.
//!
//! Most leases that are met are those of a process that was killed. The wait is cut to a short rung of the
//! retry ladder, because a wait is rounded up to a rung: a lease of two and a half minutes would make its
//! mail ten minutes late. A look too many costs one question.

use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::Delay;
use eventflow_protocol::Timestamp;

/// Longest wait before the window is asked for again.
const LONGEST: Delay = Delay::TwoMinutes;

/// What becomes of the job of a window that another worker has until then.
pub(crate) fn busy(now: Timestamp, until: Timestamp) -> Outcome {
    let reason = "another worker has this window".to_owned();
    Outcome::Retry { reason, after: Some(now.age_at(until).min(LONGEST.duration())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_bus::settle::{Settlement, settle};
    use std::time::Duration;

    /// When the job of a window comes to a worker that gets it, in seconds.
    fn taken_after(lease: u64) -> u64 {
        let end = Timestamp(0).plus(Duration::from_secs(lease));
        let (mut now, mut attempt) = (Timestamp(0), 0);
        while now < end {
            let Settlement::Retry { delay, .. } = settle(busy(now, end), attempt) else { panic!("it waits") };
            now = now.plus(delay.duration());
            attempt += 1;
        }
        Timestamp(0).age_at(now).as_secs()
    }

    #[test]
    fn a_window_of_a_killed_worker_is_taken_soon_after_its_lease() {
        for lease in [1, 20, 60, 120, 150, 180, 240] {
            assert!(taken_after(lease) <= lease + 60, "{lease}: {}", taken_after(lease));
        }
        assert_eq!(taken_after(150), 150);
    }
}
