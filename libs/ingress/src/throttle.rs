//! Throttle: lets one log line of a kind through a minute, and counts what the others would have said.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Pause between two lines: an operator sees that it goes on, and an outage fills no log.
const PAUSE: Duration = Duration::from_mins(1);

/// One kind of log line of this process.
pub(crate) struct Throttle(Mutex<Lines>);

struct Lines {
    last: Option<Instant>,
    /// What happened since the last line.
    count: u64,
}

impl Throttle {
    /// Nothing was said yet.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Lines { last: None, count: 0 }))
    }

    /// It happened once more. If a line is due: how often it happened since the last one, with this time.
    pub(crate) fn count(&self) -> Option<u64> {
        self.count_at(Instant::now())
    }

    fn count_at(&self, now: Instant) -> Option<u64> {
        let mut lines = self.0.lock();
        lines.count += 1;
        if lines.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            return None;
        }
        lines.last = Some(now);
        Some(std::mem::take(&mut lines.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_minute_tells_how_often_it_happened() {
        let throttle = Throttle::new();
        let began = Instant::now();
        assert_eq!(throttle.count_at(began), Some(1), "the first is said at once");
        let later = (1..=100).map(|n| throttle.count_at(began + Duration::from_millis(n)));
        assert_eq!(later.flatten().count(), 0);
        assert_eq!(throttle.count_at(began + PAUSE), Some(101));
    }
}
