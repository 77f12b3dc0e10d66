//! Dead letters in the store: what waits, by queue and cause, and what was done.

use crate::MetricsError;
use crate::label::{Counters, Label, registered};
use parking_lot::Mutex;
use prometheus::{IntGaugeVec, Opts, Registry};
use std::collections::BTreeMap;
use std::sync::Arc;

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

/// How many letters wait, by the queue that they came from and the word for their cause. Both are of closed
/// sets: the queues of the topology, and the words that the protocol has for causes.
pub type WaitingLetters = BTreeMap<(String, &'static str), u64>;

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
                "Letters that replays have brought to an end, by outcome: sent, refused (it cannot be read, or its queue is gone). A letter counts once in a replay, unless the replay is resumed and looks at it again.",
                "outcome",
            )?,
        })
    }

    /// Tells how many letters wait.
    pub fn set_waiting(&self, waiting: WaitingLetters) {
        let mut told = self.told.lock();
        for (queue, cause) in told.keys().filter(|key| !waiting.contains_key(key)) {
            self.waiting.with_label_values(&[queue.as_str(), *cause]).set(0);
        }
        for ((queue, cause), letters) in &waiting {
            let gauge = self.waiting.with_label_values(&[queue.as_str(), *cause]);
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
        let of = |letters| WaitingLetters::from([(("persist.0".to_owned(), "gave_up"), letters)]);
        let gauge = metrics.waiting.with_label_values(&["persist.0", "gave_up"]);
        metrics.set_waiting(of(7));
        assert_eq!(gauge.get(), 7);
        metrics.set_waiting(WaitingLetters::new());
        assert_eq!(gauge.get(), 0);
    }
}
