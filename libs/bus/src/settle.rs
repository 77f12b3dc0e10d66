//! Settlement: the one decision about a failed envelope, to retry it or to park it.
//!
//! Input: how a handler ended, and how often it has failed before. Output: what happens to the envelope next.
//! The function is pure, so that it can be read and tested as a table. [`crate::consume`] carries the
//! decision out.

use crate::explain::explain;
use crate::topology::Delay;
use eventflow_metrics::ParkReason;
use eventflow_protocol::dead_letters::Cause;
use std::error::Error;
use std::time::Duration;

/// Retry limit: retries of an envelope whose handler asks for them, one on each rung of the ladder after the
/// first attempt.
pub const RETRY_LIMIT: u32 = 6;
/// Crash retry limit: retries after a panic or a hang. The number is small because such a fault rarely heals,
/// and each hang costs the shard one handler timeout.
pub const CRASH_RETRY_LIMIT: u32 = 2;

/// Reason of an envelope whose handler panicked.
pub(crate) const PANICKED: &str = "the handler panicked";
/// Reason of an envelope whose handler hung; the time follows.
pub(crate) const HUNG: &str = "the handler did not answer within ";
/// Reason of an envelope for which its handler gave no outcome.
pub(crate) const NO_OUTCOME: &str = "the handler gave no outcome";
/// Reason that brokers give a message which ended too many deliveries.
pub const DELIVERY_LIMIT_REASON: &str = "delivery_limit";
/// End of the reason of an envelope whose tries are used up; their number follows.
const GAVE_UP: &str = "(gave up after ";

/// Why an envelope was parked, by the reason that it carries. The reasons are those that this crate writes,
/// in this and in earlier versions; any other one is a handler's own.
pub fn cause_of(reason: Option<&str>) -> Cause {
    let Some(reason) = reason.filter(|reason| !reason.is_empty()) else { return Cause::Unknown };
    let is_crash = [PANICKED, HUNG, NO_OUTCOME].iter().any(|crash| reason.starts_with(crash));
    match reason {
        DELIVERY_LIMIT_REASON => Cause::KilledWorker,
        _ if is_crash => Cause::Crashed,
        _ if reason.contains(GAVE_UP) => Cause::GaveUp,
        _ => Cause::Refused,
    }
}

/// How a handler ended with one envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The effects of the envelope are durable.
    Done,
    /// The handler failed for a reason that may pass and that concerns only this envelope.
    Retry {
        /// Reason in words, for operators; it holds no message contents.
        reason: String,
        /// Minimum wait before the next attempt, such as a provider's `Retry-After`.
        after: Option<Duration>,
    },
    /// The envelope can never succeed.
    Reject {
        /// Reason in words, for operators; it holds no message contents.
        reason: String,
    },
    /// The handler panicked or did not return in time.
    Crashed {
        /// Reason in words, for operators.
        reason: String,
    },
}

impl Outcome {
    /// A retry without a minimum wait.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    /// A retry because of an error. The reason holds the error and its causes.
    pub fn retry_for(error: &(dyn Error + 'static)) -> Self {
        Self::retry(explain(error))
    }

    /// A rejection, with its reason in words.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject { reason: reason.into() }
    }

    /// A rejection because of an error. The reason holds the error and its causes.
    pub fn reject_for(error: &(dyn Error + 'static)) -> Self {
        Self::reject(explain(error))
    }
}

/// What the consume loop does with an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Acknowledge the envelope.
    Ack,
    /// Publish the envelope to the retry ladder with one more attempt, then acknowledge it.
    Retry {
        /// Rung of the ladder.
        delay: Delay,
        /// Reason in words, for operators.
        reason: String,
    },
    /// Publish the envelope to its dead-letter queue, then acknowledge it.
    Park {
        /// Kind of the reason, to count it.
        kind: ParkReason,
        /// Reason in words, for operators.
        reason: String,
    },
}

/// Decides what happens to an envelope. `attempt` is the number of failures before this one.
pub fn settle(outcome: Outcome, attempt: u32) -> Settlement {
    match outcome {
        Outcome::Done => Settlement::Ack,
        Outcome::Reject { reason } => Settlement::Park { kind: ParkReason::Refused, reason },
        Outcome::Retry { reason, .. } if attempt >= RETRY_LIMIT => {
            given_up(ParkReason::TriesUsedUp, &reason, attempt)
        }
        Outcome::Crashed { reason } if attempt >= CRASH_RETRY_LIMIT => {
            given_up(ParkReason::Crashed, &reason, attempt)
        }
        Outcome::Retry { reason, after } => Settlement::Retry { delay: rung(attempt, after), reason },
        Outcome::Crashed { reason } => Settlement::Retry { delay: rung(attempt, None), reason },
    }
}

fn given_up(kind: ParkReason, reason: &str, attempt: u32) -> Settlement {
    Settlement::Park { kind, reason: format!("{reason} {GAVE_UP}{} attempts)", attempt + 1) }
}

/// How long an envelope waits that is tried again after this failure, if its handler asks for `after`.
pub fn waits(attempt: u32, after: Option<Duration>) -> Duration {
    rung(attempt, after).duration()
}

/// The rung that belongs to this failure, or a longer one if the handler asked for a longer wait. If no rung
/// is long enough, the longest one.
fn rung(attempt: u32, after: Option<Duration>) -> Delay {
    let ladder = Delay::LADDER;
    let own = ladder[usize::try_from(attempt).unwrap_or(usize::MAX).min(ladder.len() - 1)];
    let asked = after.unwrap_or_default();
    ladder.into_iter().find(|delay| *delay >= own && delay.duration() >= asked).unwrap_or(Delay::OneHour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn done_is_acknowledged_and_a_rejection_is_parked_at_once() {
        assert_eq!(settle(Outcome::Done, 3), Settlement::Ack);
        let parked = Settlement::Park { kind: ParkReason::Refused, reason: "bad".into() };
        assert_eq!(settle(Outcome::reject("bad"), 0), parked);
    }

    #[test]
    fn a_parked_envelope_says_its_cause() {
        let parked = |outcome, attempt| match settle(outcome, attempt) {
            Settlement::Park { reason, .. } => cause_of(Some(&reason)),
            Settlement::Ack | Settlement::Retry { .. } => panic!("it is not parked"),
        };
        assert_eq!(parked(Outcome::reject("bad"), 0), Cause::Refused);
        assert_eq!(parked(Outcome::retry("x"), RETRY_LIMIT), Cause::GaveUp);
        for reason in [PANICKED.to_owned(), format!("{HUNG}30s"), NO_OUTCOME.to_owned()] {
            assert_eq!(parked(Outcome::Crashed { reason }, CRASH_RETRY_LIMIT), Cause::Crashed);
        }
        assert_eq!(cause_of(Some(DELIVERY_LIMIT_REASON)), Cause::KilledWorker);
        assert_eq!(cause_of(None), Cause::Unknown);
    }

    #[test]
    fn every_rung_is_tried_once() {
        assert_eq!(usize::try_from(RETRY_LIMIT), Ok(Delay::LADDER.len()));
    }

    #[test]
    fn retries_climb_the_ladder_and_end_in_the_dead_letter_queue() {
        for (attempt, delay) in (0..).zip(Delay::LADDER) {
            assert_eq!(settle(Outcome::retry("x"), attempt), Settlement::Retry { delay, reason: "x".into() });
        }
        let given_up = settle(Outcome::retry("x"), RETRY_LIMIT);
        assert!(matches!(given_up, Settlement::Park { kind: ParkReason::TriesUsedUp, .. }));
    }

    #[test]
    fn a_crash_gets_two_more_tries() {
        let crash = || Outcome::Crashed { reason: "panicked".into() };
        assert!(matches!(settle(crash(), 0), Settlement::Retry { delay: Delay::OneSecond, .. }));
        assert!(matches!(settle(crash(), 1), Settlement::Retry { delay: Delay::FiveSeconds, .. }));
        assert!(matches!(settle(crash(), 2), Settlement::Park { kind: ParkReason::Crashed, .. }));
    }

    #[test]
    fn an_asked_wait_is_rounded_up_to_a_rung() {
        let asked =
            |seconds| Outcome::Retry { reason: "x".into(), after: Some(Duration::from_secs(seconds)) };
        assert!(matches!(settle(asked(7), 0), Settlement::Retry { delay: Delay::ThirtySeconds, .. }));
        assert!(matches!(settle(asked(90_000), 0), Settlement::Retry { delay: Delay::OneHour, .. }));
    }
}
