//! How long to wait before the next attempt to connect.
//!
//! Waits grow exponentially with jitter from 100 ms to 2 s and never end: a broker restart of seconds costs
//! seconds, and a fleet does not come back in step. They start over only after a connection was healthy for a
//! while, so that a broker that accepts and drops connections is not hammered. The only place that uses
//! `backoff`.

use crate::observer::Side;
use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;
use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// For the connection of replies: somebody waits 3 s for each, and nothing else shows that it is back.
const LONGEST_WAIT_FOR_REPLIES: Duration = Duration::from_millis(400);
/// A connection that lived this long counts as healthy.
const HEALTHY_AFTER: Duration = Duration::from_secs(10);
/// Waits are spread over ±50 %.
const JITTER: f64 = 0.5;

/// The waits of one connection.
pub(crate) struct Reconnect {
    waits: ExponentialBackoff,
    longest: Duration,
}

impl Reconnect {
    pub(crate) fn new(side: Side) -> Self {
        let longest = match side {
            Side::Publish | Side::Consume => LONGEST_WAIT,
            Side::Reply => LONGEST_WAIT_FOR_REPLIES,
        };
        let mut waits = ExponentialBackoff {
            initial_interval: FIRST_WAIT,
            current_interval: FIRST_WAIT,
            // The crate adds its jitter on top of the cap, and no wait may be longer than the longest.
            max_interval: longest.div_f64(1.0 + JITTER),
            randomization_factor: JITTER,
            multiplier: 2.0,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        waits.reset();
        Self { waits, longest }
    }

    /// The wait after an attempt that failed, or after a connection that lived for `lived` was lost.
    pub(crate) fn next_wait(&mut self, lived: Duration) -> Duration {
        if lived >= HEALTHY_AFTER {
            self.waits.reset();
        }
        self.waits.next_backoff().unwrap_or(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_never_end() {
        let mut reconnect = Reconnect::new(Side::Publish);
        let waits: Vec<Duration> = (0..1_000).map(|_| reconnect.next_wait(Duration::ZERO)).collect();
        assert!(waits[0] <= Duration::from_millis(150), "{:?}", waits[0]);
        assert!(waits.iter().all(|wait| *wait <= LONGEST_WAIT));
        assert!(waits[100..].iter().all(|wait| *wait >= Duration::from_millis(600)));
    }

    #[test]
    fn only_a_healthy_while_starts_the_waits_over() {
        let mut reconnect = Reconnect::new(Side::Publish);
        for _ in 0..20 {
            reconnect.next_wait(Duration::from_secs(9));
        }
        assert!(reconnect.next_wait(Duration::from_secs(9)) >= Duration::from_millis(600));
        assert!(reconnect.next_wait(HEALTHY_AFTER) <= Duration::from_millis(150));
    }
}
