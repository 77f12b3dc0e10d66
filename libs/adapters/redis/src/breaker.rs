//! Circuit breaker: remembers that Redis did not answer, so that the next callers do not wait to learn the
//! same.
//!
//! After a failure the breaker refuses calls for a while. Then one call goes through as a probe while the
//! others are still refused. Its success closes the breaker; its failure (or a caller that gives it up)
//! leaves the breaker open for another while.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Pause: how long the breaker refuses calls after a failure. Short enough that a recovered Redis is used
/// again at once, long enough that a hanging one costs the busiest caller at most a tenth of its time
/// ([`PROBE_PATIENCE`]).
const PAUSE: Duration = Duration::from_secs(1);
/// Probe: longest wait for its answer, also if its caller would wait longer. Some caller's request makes it,
/// every second for as long as Redis is silent, and a Redis that is worth using again connects and answers in
/// a few milliseconds.
pub(crate) const PROBE_PATIENCE: Duration = Duration::from_millis(100);

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Go to Redis.
    Open,
    /// Go to Redis to see whether it answers again, and wait no longer than [`PROBE_PATIENCE`].
    Probe,
    /// Fail at once, without asking Redis.
    Refused,
}

/// The breaker: open (refusing) until a certain time, or closed.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    open_until: Mutex<Option<Instant>>,
}

impl Breaker {
    /// Whether a call may go to Redis now. The first one after a pause is the probe.
    pub(crate) fn admits(&self) -> Admission {
        let now = Instant::now();
        let mut open_until = self.open_until.lock();
        match *open_until {
            Some(until) if now < until => Admission::Refused,
            Some(_) => {
                *open_until = Some(now + PAUSE);
                Admission::Probe
            }
            None => Admission::Open,
        }
    }

    /// Takes note that Redis answered. `true` if the breaker was open.
    pub(crate) fn succeeded(&self) -> bool {
        self.open_until.lock().take().is_some()
    }

    /// Takes note that Redis did not answer. `true` if the breaker was closed.
    pub(crate) fn failed(&self) -> bool {
        self.open_until.lock().replace(Instant::now() + PAUSE).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_probe_goes_through_after_the_pause_and_its_success_closes_the_breaker() {
        let breaker = Breaker::default();
        assert_eq!(breaker.admits(), Admission::Open);
        assert!(breaker.failed());
        assert_eq!(breaker.admits(), Admission::Refused);
        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.admits(), Admission::Probe);
        assert_eq!(breaker.admits(), Admission::Refused, "only one probe");
        assert!(breaker.succeeded());
        assert_eq!([breaker.admits(), breaker.admits()], [Admission::Open; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_or_abandoned_probe_leaves_it_open_for_another_pause() {
        let breaker = Breaker::default();
        breaker.failed();
        for probe in ["failed", "abandoned"] {
            tokio::time::advance(PAUSE).await;
            assert_eq!(breaker.admits(), Admission::Probe, "{probe}");
            if probe == "failed" {
                assert!(!breaker.failed());
            }
            assert_eq!(breaker.admits(), Admission::Refused, "{probe}");
        }
    }
}
