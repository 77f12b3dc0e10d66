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
    /// Admits an event at `now` if it fits: fewer than `limit` were admitted in the 60 s before. `limit` 0
    /// admits everything. The error is the time until the next event fits.
    pub fn admit(&mut self, limit: u32, now: Instant) -> Result<(), Duration> {
        if limit == 0 {
            return Ok(());
        }
        while self.admitted.front().is_some_and(|oldest| now.saturating_duration_since(*oldest) >= WINDOW) {
            self.admitted.pop_front();
        }
        match self.admitted.front() {
            Some(oldest) if self.admitted.len() >= usize::try_from(limit).unwrap_or(usize::MAX) => {
                Err(WINDOW.saturating_sub(now.saturating_duration_since(*oldest)))
            }
            _ => {
                self.admitted.push_back(now);
                Ok(())
            }
        }
    }

    /// Takes back the last admission, because the event was refused for another reason: refused events cost
    /// nothing.
    pub fn take_back(&mut self) {
        self.admitted.pop_back();
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
        times_ms
            .into_iter()
            .filter(|ms| window.admit(limit, start + Duration::from_millis(*ms)).is_ok())
            .collect()
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
    fn a_refusal_says_when_the_next_event_fits_and_what_is_taken_back_costs_nothing() {
        let mut window = SlidingWindow::default();
        let start = Instant::now();
        assert_eq!(admitted(&mut window, 2, [0, 1_000], start).len(), 2);
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(window.admit(2, at(45_000)), Err(Duration::from_secs(15)));
        window.take_back();
        assert_eq!(window.admit(2, at(45_000)), Ok(()));
        assert_eq!(window.admit(2, at(45_000)), Err(Duration::from_secs(15)));
    }

    #[test]
    fn a_limit_of_zero_admits_everything_and_keeps_nothing() {
        let mut window = SlidingWindow::default();
        assert!((0..1_000).all(|_| window.admit(0, Instant::now()).is_ok()));
        assert_eq!(window.admitted.capacity(), 0);
    }
}
