//! The breaker: whether the mail server is worth asking.
//!
//! After a few failures in a row that are the server's own, mails wait in their queue instead of climbing the
//! retry ladder one by one. From time to time one probe asks the server; the first good answer lets the mails
//! through again.

use eventflow_protocol::Timestamp;
use parking_lot::Mutex;
use std::time::Duration;

/// Failures in a row after which mails wait. One may be a connection that broke; three are an outage.
const FAILURES_MAX: u32 = 3;
/// First time between two probes; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// Longest time between two probes: how much later than the server the mails come back.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Whether a mail may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// The server works, as far as anybody knows.
    Open,
    /// The server has failed, and it is time to ask it again.
    Probe,
    /// The server has failed a moment ago.
    Wait,
}

/// Counts failures of the server. Safe to share.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    pause: Option<Pause>,
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Timestamp,
    length: Duration,
}

impl Breaker {
    /// Whether a mail may be sent at `now`. Of several callers one is told to probe.
    pub(super) fn admission(&self, now: Timestamp) -> Admission {
        let mut state = self.0.lock();
        let Some(pause) = &mut state.pause else { return Admission::Open };
        if now < pause.until {
            return Admission::Wait;
        }
        pause.until = now.plus(pause.length);
        Admission::Probe
    }

    /// The server has taken a mail, or answered a probe.
    pub(super) fn succeeded(&self) {
        *self.0.lock() = State::default();
    }

    /// The server has failed a mail. Returns whether mails have to wait now. Mails that were on their way
    /// when the pause began do not make it longer.
    pub(super) fn failed(&self, now: Timestamp) -> bool {
        let mut state = self.0.lock();
        state.failures += 1;
        if state.failures >= FAILURES_MAX {
            state.begin_pause(now);
        }
        state.pause.is_some()
    }

    /// The server has failed a probe: the next one is later.
    pub(super) fn probe_failed(&self, now: Timestamp) {
        let mut state = self.0.lock();
        let length = state.pause.map_or(FIRST_PAUSE, |pause| (pause.length * 2).min(LONGEST_PAUSE));
        state.pause = Some(Pause { until: now.plus(length), length });
    }

    /// The server takes no mail at all: mails have to wait at once.
    pub(super) fn is_broken(&self, now: Timestamp) {
        let mut state = self.0.lock();
        state.failures = FAILURES_MAX;
        state.begin_pause(now);
    }

    /// Whether mails have to wait.
    pub(super) fn is_paused(&self) -> bool {
        self.0.lock().pause.is_some()
    }
}

impl State {
    fn begin_pause(&mut self, now: Timestamp) {
        self.pause.get_or_insert(Pause { until: now.plus(FIRST_PAUSE), length: FIRST_PAUSE });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000)
    }

    #[test]
    fn three_failures_in_a_row_pause_and_one_success_between_them_does_not() {
        let breaker = Breaker::default();
        assert!(!breaker.failed(at(0)) && !breaker.failed(at(0)));
        breaker.succeeded();
        assert!(!breaker.failed(at(0)) && !breaker.failed(at(0)));
        assert_eq!(breaker.admission(at(0)), Admission::Open);
        assert!(breaker.failed(at(0)));
        assert_eq!(breaker.admission(at(1)), Admission::Wait);
        assert!(breaker.is_paused());
    }

    #[test]
    fn probes_come_ever_less_often_and_a_good_one_ends_the_pause() {
        let breaker = Breaker::default();
        breaker.is_broken(at(0));
        let mut probes = Vec::new();
        for second in 0..300 {
            if breaker.admission(at(second)) == Admission::Probe {
                probes.push(second);
                breaker.probe_failed(at(second));
            }
        }
        assert_eq!(probes, [2, 6, 14, 30, 62, 122, 182, 242]);
        breaker.succeeded();
        assert_eq!(breaker.admission(at(300)), Admission::Open);
        assert!(!breaker.is_paused());
    }
}
