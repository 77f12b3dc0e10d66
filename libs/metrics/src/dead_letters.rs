//! Dead letters in the store: what waits, by queue and cause, and what was done.

use crate::MetricsError;
use crate::label::{Counters, Label, registered};
use parking_lot::Mutex;
use prometheus::{IntGaugeVec, Opts, Registry};
use std::collections::BTreeMap;
use std::sync::Arc;

/// `cause` of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeadCause {
    /// Nobody can read it.
    Unreadable,
    /// Its handler said that it can never be done.
    Refused,
    /// Its tries are used up.
    GaveUp,
    /// Its handler panicked or hung.
    Crashed,
    /// The process ended each time.
    KilledWorker,
    /// It carries no reason.
    Unknown,
}

impl Label for DeadCause {
    const ALL: &'static [Self] =
        &[Self::Unreadable, Self::Refused, Self::GaveUp, Self::Crashed, Self::KilledWorker, Self::Unknown];

    fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
            Self::GaveUp => "gave_up",
            Self::Crashed => "crashed",
            Self::KilledWorker => "killed_worker",
            Self::Unknown => "unknown",
        }
    }
}

/// `outcome` of a message that came out of a dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptOutcome {
    /// It is a new letter.
    New,
    /// It failed again and joined its letter.
    Again,
    /// It was delivered before.
    Before,
}

impl Label for KeptOutcome {
    const ALL: &'static [Self] = &[Self::New, Self::Again, Self::Before];

    fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Again => "again",
            Self::Before => "before",
        }
    }
}

/// `outcome` of a letter of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayOutcome {
    /// The broker has it again.
    Sent,
    /// It could not be sent.
    Refused,
}

impl Label for ReplayOutcome {
    const ALL: &'static [Self] = &[Self::Sent, Self::Refused];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Refused => "refused",
        }
    }
}

/// How many letters wait, by the queue that they came from and their cause.
pub type WaitingLetters = BTreeMap<(String, DeadCause), u64>;

/// The series of dead letters.
#[derive(Clone)]
pub struct DeadLetterMetrics {
    waiting: IntGaugeVec,
    told: Arc<Mutex<WaitingLetters>>,
    /// Letters out of dead-letter queues, by `outcome`.
    pub kept: Counters<KeptOutcome>,
    /// Letters of replays, by `outcome`.
    pub replayed: Counters<ReplayOutcome>,
}

impl DeadLetterMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let waiting = Opts::new(
            "eventflow_dead_letters",
            "Dead letters in the store that wait for a decision, by the queue that they came from and their cause. Every persistence worker tells the same.",
        );
        Ok(Self {
            waiting: registered(registry, IntGaugeVec::new(waiting, &["queue", "cause"])?)?,
            told: Arc::default(),
            kept: Counters::register(
                registry,
                "eventflow_dead_letters_kept_total",
                "Letters that came out of dead-letter queues, by outcome: new, again (it joined its letter), before (it was delivered twice).",
                "outcome",
            )?,
            replayed: Counters::register(
                registry,
                "eventflow_dead_letters_replayed_total",
                "Letters of replays, by outcome: sent, refused (it cannot be read, or its queue is gone).",
                "outcome",
            )?,
        })
    }

    /// Tells how many letters wait. The queues must be of a closed set, as those of the topology are.
    pub fn set_waiting(&self, waiting: WaitingLetters) {
        let mut told = self.told.lock();
        for (queue, cause) in told.keys().filter(|key| !waiting.contains_key(key)) {
            self.waiting.with_label_values(&[queue.as_str(), cause.as_str()]).set(0);
        }
        for ((queue, cause), letters) in &waiting {
            let gauge = self.waiting.with_label_values(&[queue.as_str(), cause.as_str()]);
            gauge.set(i64::try_from(*letters).unwrap_or(i64::MAX));
        }
        *told = waiting;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_no_more_is_told_once_as_none() {
        let registry = Registry::new();
        let metrics = DeadLetterMetrics::new(&registry).unwrap();
        let of = |letters| WaitingLetters::from([(("persist.0".to_owned(), DeadCause::GaveUp), letters)]);
        let gauge = metrics.waiting.with_label_values(&["persist.0", "gave_up"]);
        metrics.set_waiting(of(7));
        assert_eq!(gauge.get(), 7);
        metrics.set_waiting(WaitingLetters::new());
        assert_eq!(gauge.get(), 0);
    }
}
