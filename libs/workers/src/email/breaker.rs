//! The breaker: whether the mail server is worth asking.
//!
//! A mail can break its connection all by itself, and the server takes the next one. So a failure is the
//! mail's own at first, and it climbs the retry ladder. Only when a few different mails have failed and none
//! between them got an answer, the server is asked; if it fails too, mails wait in their queue. From time to
//! time a probe asks again; the first good answer lets them through.

use eventflow_protocol::Timestamp;
use eventflow_protocol::outbound::WindowId;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::time::Duration;

/// The mail server has failed several mails, and a probe.
#[derive(Debug, thiserror::Error)]
#[error("it has failed several times; the next try is soon")]
pub(super) struct BreakerOpen;

/// Different mails that fail with no success between them before the server is asked. One or two may be
/// connections that broke.
const SUSPICIOUS: usize = 3;
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
    /// Mails that have failed since the last success, or since the server was asked last.
    failed: BTreeSet<WindowId>,
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

    /// This mail has failed as it would if the server were away. Returns whether it is time to ask the
    /// server; of several callers one is told so.
    pub(super) fn failed(&self, mail: WindowId) -> bool {
        let mut state = self.0.lock();
        state.failed.insert(mail);
        let is_suspicious = state.failed.len() >= SUSPICIOUS && state.pause.is_none();
        if is_suspicious {
            state.failed.clear();
        }
        is_suspicious
    }

    /// The server was asked because a mail failed, and has failed too: mails have to wait. Several mails that
    /// were on their way together find the same outage, so a pause that has begun stays as it is.
    pub(super) fn outage_found(&self, now: Timestamp) {
        let first = Pause { until: now.plus(FIRST_PAUSE), length: FIRST_PAUSE };
        self.0.lock().pause.get_or_insert(first);
    }

    /// The server has failed a probe: mails have to wait, and the next probe is later.
    pub(super) fn probe_failed(&self, now: Timestamp) {
        let mut state = self.0.lock();
        let length = state.pause.map_or(FIRST_PAUSE, |pause| (pause.length * 2).min(LONGEST_PAUSE));
        state.pause = Some(Pause { until: now.plus(length), length });
    }

    /// Whether mails have to wait.
    pub(super) fn is_paused(&self) -> bool {
        self.0.lock().pause.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000)
    }

    #[test]
    fn three_different_mails_in_a_row_raise_suspicion_and_one_that_fails_often_does_not() {
        let breaker = Breaker::default();
        let [one, two, three] = [(); 3].map(|()| WindowId::new());
        assert!(!breaker.failed(one) && !breaker.failed(two));
        breaker.succeeded();
        assert!(!breaker.failed(one) && !breaker.failed(two));
        assert!((0..100).all(|_| !breaker.failed(one)), "it fails by itself");
        assert!(breaker.failed(three));
        assert_eq!(breaker.admission(at(0)), Admission::Open, "the server has not been asked yet");
        assert!(!breaker.failed(three), "one caller asks");
        breaker.probe_failed(at(0));
        assert_eq!(breaker.admission(at(1)), Admission::Wait);
        assert!(breaker.is_paused());
    }

    #[test]
    fn mails_that_find_one_outage_together_begin_one_pause() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            breaker.outage_found(at(0));
        }
        assert_eq!(breaker.admission(at(1)), Admission::Wait);
        assert_eq!(breaker.admission(at(2)), Admission::Probe);
        breaker.probe_failed(at(2));
        breaker.outage_found(at(2));
        assert_eq!([5, 6].map(|second| breaker.admission(at(second))), [Admission::Wait, Admission::Probe]);
    }

    #[test]
    fn probes_come_ever_less_often_and_a_good_one_ends_the_pause() {
        let breaker = Breaker::default();
        breaker.probe_failed(at(0));
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
