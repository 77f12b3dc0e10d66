//! The breaker: while the operator's push provider fails again and again, nothing is sent, and jobs wait in
//! their queue instead of climbing the retry ladder.
//!
//! It is asked before each batch, and again right before each push: what was taken up before it opened is not
//! sent, and goes back without counting as an attempt.
//!
//! Only FCM counts. The services of browsers are many, and users name them: one that fails concerns its own
//! devices, and nobody must be able to stop everybody's pushes with a broken one.

use eventflow_protocol::Timestamp;
use parking_lot::Mutex;
use std::time::Duration;

/// Failures in a row that open the breaker: a single bad answer or two come from healthy services.
const FAILURES_MAX: u32 = 10;
/// Time for which it stays open. Then one batch tries, and its first failure opens it again.
const OPEN_FOR: Duration = Duration::from_secs(15);

/// Counts failures of the provider.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Timestamp>,
}

/// The provider fails again and again.
#[derive(Debug, thiserror::Error)]
#[error("the last {FAILURES_MAX} pushes to FCM failed")]
pub(super) struct Open;

impl Breaker {
    /// Whether pushes may be sent at this moment.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), Open> {
        let mut state = self.0.lock();
        match state.open_until {
            Some(until) if now < until => Err(Open),
            Some(_) => {
                state.open_until = None;
                state.failures = FAILURES_MAX - 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The provider answered, whatever it said.
    pub(super) fn answered(&self) {
        *self.0.lock() = State::default();
    }

    /// The provider failed or did not answer.
    pub(super) fn failed(&self, now: Timestamp) {
        let mut state = self.0.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES_MAX && state.open_until.is_none() {
            state.open_until = Some(now.plus(OPEN_FOR));
        }
    }

    /// Whether it is open.
    pub(super) fn is_open(&self) -> bool {
        self.0.lock().open_until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_failures_in_a_row_open_it_and_one_try_decides_after_a_while() {
        let breaker = Breaker::default();
        let at = |seconds: i64| Timestamp(seconds * 1_000);
        for _ in 1..FAILURES_MAX {
            breaker.failed(at(0));
        }
        breaker.answered();
        for _ in 1..FAILURES_MAX {
            breaker.failed(at(0));
        }
        assert!(breaker.check(at(0)).is_ok() && !breaker.is_open());
        breaker.failed(at(0));
        assert!(breaker.check(at(14)).is_err() && breaker.is_open());
        assert!(breaker.check(at(15)).is_ok(), "one batch tries");
        breaker.failed(at(15));
        assert!(breaker.check(at(16)).is_err());
        assert!(breaker.check(at(31)).is_ok());
        breaker.answered();
        breaker.failed(at(31));
        assert!(breaker.check(at(31)).is_ok() && !breaker.is_open());
    }
}
