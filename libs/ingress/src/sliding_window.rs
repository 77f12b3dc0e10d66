//! Rate limit of one socket: an exact sliding window.
//!
//! The window keeps the times of the last N admitted events and admits another when the oldest is a minute
//! old. (A token bucket of the same numbers lets almost twice as many through in its first minute.) A window
//! that was never used has allocated nothing, and one in use never holds more than N times.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Length of the window.
pub const WINDOW: Duration = Duration::from_mins(1);
/// Events per minute and socket unless configured otherwise.
pub const DEFAULT_EVENTS_PER_MINUTE: u32 = 100;

/// The times of the last admitted events of one socket.
#[derive(Debug, Default)]
pub struct SlidingWindow {
    admitted: VecDeque<Instant>,
}

impl SlidingWindow {
    /// Whether an event at `now` fits: fewer than `limit` were admitted in the 60 s before. `limit` 0 admits
    /// everything.
    pub fn admits(&mut self, limit: u32, now: Instant) -> bool {
        if limit == 0 {
            return true;
        }
        while self.admitted.front().is_some_and(|oldest| now.saturating_duration_since(*oldest) >= WINDOW) {
            self.admitted.pop_front();
        }
        let fits = self.admitted.len() < usize::try_from(limit).unwrap_or(usize::MAX);
        if fits {
            self.admitted.push_back(now);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(
        window: &mut SlidingWindow,
        limit: u32,
        times_ms: impl IntoIterator<Item = u64>,
        start: Instant,
    ) -> Vec<u64> {
        times_ms.into_iter().filter(|ms| window.admits(limit, start + Duration::from_millis(*ms))).collect()
    }

    #[test]
    fn the_event_after_the_last_allowed_one_waits_until_the_oldest_is_a_minute_old() {
        let mut window = SlidingWindow::default();
        let start = Instant::now();
        assert_eq!(admitted(&mut window, 100, (0..100).map(|n| n * 10), start).len(), 100);
        assert_eq!(
            admitted(&mut window, 100, [1_000, 59_999, 60_000, 60_000, 60_010], start),
            [60_000, 60_010]
        );
    }

    #[test]
    fn no_minute_ever_holds_more_than_the_limit() {
        let mut window = SlidingWindow::default();
        let start = Instant::now();
        let burst_then_steady = (0..300).map(|n| n * 3).chain((0..1_000).map(|n| 1_000 + n * 500));
        let times = admitted(&mut window, 100, burst_then_steady, start);
        for (index, first) in times.iter().enumerate() {
            assert!(times[index..].iter().take_while(|at| *at - first < 60_000).count() <= 100, "{first}");
        }
        assert!(times.len() > 800, "the window slides: {}", times.len());
    }

    #[test]
    fn refused_events_cost_nothing() {
        let mut window = SlidingWindow::default();
        let start = Instant::now();
        assert_eq!(admitted(&mut window, 2, (0..=60_001).step_by(1), start), [0, 1, 60_000, 60_001]);
    }

    #[test]
    fn a_limit_of_zero_admits_everything_and_keeps_nothing() {
        let mut window = SlidingWindow::default();
        assert!((0..1_000).all(|_| window.admits(0, Instant::now())));
        assert_eq!(window.admitted.capacity(), 0);
    }
}
