//! Outbox: what one client sent, which is the sending half of the ledger, and the rules for repeating
//! messages.
//!
//! Every message is an intent with an outcome. An intent without a final answer is repeated under the same
//! `clientMessageId`: after a lost connection, after no answer in time, after a retryable code, or when it
//! was "queued" and never seen. Repetitions go lowest number first and before new messages, so a client never
//! overtakes itself. Repeating is safe because the server stores each id once; the ledger checks that it
//! does.

use crate::{pacer::Feed, stage::Stage, tag::Tag, wire::Answer};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

/// Answer limit: after this time an unanswered message counts as unknown and is repeated. The server answers
/// "queued" after 3 s at the latest.
const ANSWER_WITHIN_US: u64 = 10_000_000;
/// Confirm limit: a queued message that does not arrive within this time is repeated.
const CONFIRM_WITHIN_US: u64 = 5_000_000;
/// Pause after a retryable code, plus a random part of up to the same length.
const HOLD_US: u64 = 150_000;

/// Where new messages come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// The client sends nothing.
    Silent,
    /// The client keeps this many messages unanswered.
    Closed(u32),
    /// The client sends as many messages as the feed releases.
    Fed(Arc<Feed>),
}

/// Outcome of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The message waits to be sent, for the first time or again.
    Waiting,
    /// The message is sent and not answered.
    InFlight,
    /// The message was answered "queued" and not yet seen.
    Queued,
    /// The message is stored, by its answer or because the client saw it.
    Stored,
    /// The message was refused for good.
    Failed,
}

/// One message that this client meant to send.
#[derive(Debug, Clone, Copy)]
pub struct Intent {
    /// Time at which the message was meant to be sent, in microseconds.
    pub intended_us: u64,
    /// The `seq` that the server answered; 0 if none.
    pub seq: u32,
    /// Path: a number that changes with every new connection and every repetition. Intents with the same path
    /// were sent one after another.
    pub path: u32,
    /// How often the message was sent.
    pub attempts: u16,
    /// What became of the message.
    pub outcome: Outcome,
}

/// A message that [`Outbox::next`] wants written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Tag of the message.
    pub tag: Tag,
    /// Whether the message was sent before.
    pub again: bool,
}

/// The sending half of one client.
#[derive(Debug)]
pub struct Outbox {
    sender: u32,
    source: Source,
    intents: Vec<Intent>,
    waiting: BTreeSet<u32>,
    unanswered: u32,
    answers_due: VecDeque<Deadline>,
    confirms_due: VecDeque<Deadline>,
    hold_until_us: u64,
    path: u32,
}

#[derive(Debug, Clone, Copy)]
struct Deadline {
    at_us: u64,
    n: u32,
    attempt: u16,
}

impl Outbox {
    /// Creates the outbox of user number `sender`.
    pub fn new(sender: u32, source: Source) -> Self {
        Self {
            sender,
            source,
            intents: Vec::new(),
            waiting: BTreeSet::new(),
            unanswered: 0,
            answers_due: VecDeque::new(),
            confirms_due: VecDeque::new(),
            hold_until_us: 0,
            path: 0,
        }
    }

    /// Every intent, by number.
    pub fn intents(&self) -> &[Intent] {
        &self.intents
    }

    /// The feed, if the source is one.
    pub fn feed(&self) -> Option<&Arc<Feed>> {
        match &self.source {
            Source::Fed(feed) => Some(feed),
            Source::Silent | Source::Closed(_) => None,
        }
    }

    /// Returns the next message to write, and counts it as written.
    pub fn next(&mut self, now_us: u64, stage: &Stage) -> Option<Due> {
        if now_us < self.hold_until_us {
            return None;
        }
        self.hold_until_us = 0;
        let n = match self.waiting.pop_first() {
            Some(n) => n,
            None => self.create(now_us, stage)?,
        };
        let intent = &mut self.intents[n as usize];
        let again = intent.attempts > 0;
        // A repetition breaks the order of sending, so it begins a new path.
        self.path += u32::from(again);
        intent.attempts = intent.attempts.saturating_add(1);
        intent.path = self.path;
        intent.outcome = Outcome::InFlight;
        self.unanswered += 1;
        let deadline = Deadline { at_us: now_us + ANSWER_WITHIN_US, n, attempt: intent.attempts };
        self.answers_due.push_back(deadline);
        Some(Due { tag: Tag { sender: self.sender, n, intended_us: intent.intended_us }, again })
    }

    /// Handles the server's answer to message `n`.
    pub fn answered(&mut self, n: u32, answer: &Answer<'_>, now_us: u64, stage: &Stage) {
        let Some(intent) = self.intents.get(n as usize).copied() else {
            stage.on_error("answer to nothing");
            return;
        };
        if matches!(intent.outcome, Outcome::Stored | Outcome::Failed) {
            self.check_again(n, answer, stage);
            return;
        }
        match answer {
            Answer::Stored(seq) => {
                self.intents[n as usize].seq = *seq;
                self.settle(n, Outcome::Stored);
                stage.on_stored(intent.intended_us, now_us);
            }
            Answer::Queued => {
                self.settle(n, Outcome::Queued);
                let attempt = intent.attempts;
                self.confirms_due.push_back(Deadline { at_us: now_us + CONFIRM_WITHIN_US, n, attempt });
                stage.on_error("answered queued");
            }
            Answer::Retryable(code) => {
                self.requeue(n);
                self.hold_until_us = now_us + HOLD_US + rand::random_range(0..HOLD_US);
                stage.on_error(code);
            }
            Answer::Failed(code) => {
                self.settle(n, Outcome::Failed);
                stage.on_failed();
                stage.on_error(code);
            }
        }
    }

    /// Notes that the client saw its own message at `seq`. This settles a queued message.
    pub fn seen(&mut self, n: u32, seq: u32, now_us: u64, stage: &Stage) {
        let Some(intent) = self.intents.get(n as usize).copied() else { return };
        if intent.outcome == Outcome::Queued {
            self.intents[n as usize].seq = seq;
            self.settle(n, Outcome::Stored);
            stage.on_stored(intent.intended_us, now_us);
        }
    }

    /// Requeues every unanswered message after the connection broke, because their outcome is unknown.
    pub fn path_broken(&mut self) {
        self.path += 1;
        self.hold_until_us = 0;
        for deadline in std::mem::take(&mut self.answers_due) {
            if self.is_open(deadline, Outcome::InFlight) {
                self.requeue(deadline.n);
            }
        }
    }

    /// Requeues every message that has waited too long for its answer or its confirmation.
    pub fn expire(&mut self, now_us: u64, stage: &Stage) {
        while let Some(deadline) = self.first_answer_due().filter(|deadline| deadline.at_us <= now_us) {
            stage.on_error("no answer");
            self.requeue(deadline.n);
        }
        while let Some(deadline) = self.first_confirm_due().filter(|deadline| deadline.at_us <= now_us) {
            stage.on_error("queued, not seen");
            self.requeue(deadline.n);
        }
    }

    /// Next time at which [`Self::expire`] or [`Self::next`] has work, if nothing happens before.
    pub fn wake_us(&mut self) -> Option<u64> {
        let held = (self.hold_until_us > 0).then_some(self.hold_until_us);
        let answer = self.first_answer_due().map(|deadline| deadline.at_us);
        let confirm = self.first_confirm_due().map(|deadline| deadline.at_us);
        [held, answer, confirm].into_iter().flatten().min()
    }

    fn create(&mut self, now_us: u64, stage: &Stage) -> Option<u32> {
        let n = u32::try_from(self.intents.len()).ok()?;
        let intended_us = match &self.source {
            Source::Closed(limit) if stage.may_send() && self.unanswered < *limit => {
                stage.offered.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
                now_us
            }
            Source::Fed(feed) if n < feed.due() => feed.intended_us(n, stage),
            Source::Silent | Source::Closed(_) | Source::Fed(_) => return None,
        };
        self.intents.push(Intent { intended_us, seq: 0, path: 0, attempts: 0, outcome: Outcome::Waiting });
        Some(n)
    }

    fn settle(&mut self, n: u32, outcome: Outcome) {
        let intent = &mut self.intents[n as usize];
        match intent.outcome {
            Outcome::InFlight => self.unanswered -= 1,
            Outcome::Waiting => {
                self.waiting.remove(&n);
            }
            Outcome::Queued | Outcome::Stored | Outcome::Failed => {}
        }
        intent.outcome = outcome;
    }

    fn requeue(&mut self, n: u32) {
        self.settle(n, Outcome::Waiting);
        self.waiting.insert(n);
    }

    /// Checks that a second answer to a settled message agrees with the first.
    fn check_again(&mut self, n: u32, answer: &Answer<'_>, stage: &Stage) {
        let intent = &mut self.intents[n as usize];
        if let Answer::Stored(seq) = answer {
            if intent.outcome == Outcome::Failed {
                stage.on_error("stored after it was refused");
            } else if intent.seq != *seq {
                stage.on_error("two answers with different seq");
            }
        }
    }

    fn first_answer_due(&mut self) -> Option<Deadline> {
        while let Some(&deadline) = self.answers_due.front() {
            if self.is_open(deadline, Outcome::InFlight) {
                return Some(deadline);
            }
            self.answers_due.pop_front();
        }
        None
    }

    fn first_confirm_due(&mut self) -> Option<Deadline> {
        while let Some(&deadline) = self.confirms_due.front() {
            if self.is_open(deadline, Outcome::Queued) {
                return Some(deadline);
            }
            self.confirms_due.pop_front();
        }
        None
    }

    fn is_open(&self, deadline: Deadline, outcome: Outcome) -> bool {
        let intent = &self.intents[deadline.n as usize];
        intent.outcome == outcome && intent.attempts == deadline.attempt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::atomic::Ordering, time::Duration};

    fn saturating(limit: u32) -> (Outbox, Stage) {
        let stage = Stage::new("r");
        stage.begin(Duration::ZERO, Duration::from_mins(1));
        (Outbox::new(1, Source::Closed(limit)), stage)
    }

    fn numbers(outbox: &mut Outbox, now_us: u64, stage: &Stage) -> Vec<(u32, bool)> {
        std::iter::from_fn(|| outbox.next(now_us, stage)).map(|due| (due.tag.n, due.again)).collect()
    }

    #[test]
    fn a_closed_loop_keeps_so_many_unanswered() {
        let (mut outbox, stage) = saturating(2);
        assert_eq!(numbers(&mut outbox, 0, &stage), vec![(0, false), (1, false)]);
        outbox.answered(0, &Answer::Stored(1), 5, &stage);
        assert_eq!(numbers(&mut outbox, 6, &stage), vec![(2, false)]);
        assert_eq!(stage.stored.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn after_a_broken_path_the_unanswered_go_first_and_in_order() {
        let (mut outbox, stage) = saturating(3);
        numbers(&mut outbox, 0, &stage);
        outbox.answered(1, &Answer::Stored(1), 5, &stage);
        outbox.path_broken();
        assert_eq!(numbers(&mut outbox, 6, &stage), vec![(0, true), (2, true), (3, false)]);
        let paths: Vec<u32> = outbox.intents().iter().map(|intent| intent.path).collect();
        assert_eq!(paths, vec![2, 0, 3, 3]);
    }

    #[test]
    fn a_retryable_code_holds_everything_back_for_a_moment() {
        let (mut outbox, stage) = saturating(2);
        numbers(&mut outbox, 0, &stage);
        outbox.answered(0, &Answer::Retryable("unavailable".into()), 10, &stage);
        assert_eq!(numbers(&mut outbox, 20, &stage), vec![]);
        let wake = outbox.wake_us().unwrap();
        assert_eq!(numbers(&mut outbox, wake, &stage), vec![(0, true)]);
    }

    #[test]
    fn a_queued_message_is_settled_by_being_seen_or_sent_again() {
        let (mut outbox, stage) = saturating(2);
        numbers(&mut outbox, 0, &stage);
        outbox.answered(0, &Answer::Queued, 10, &stage);
        outbox.answered(1, &Answer::Queued, 10, &stage);
        stage.end_sending();
        outbox.seen(0, 7, 20, &stage);
        outbox.expire(10 + CONFIRM_WITHIN_US, &stage);
        assert_eq!(numbers(&mut outbox, 10 + CONFIRM_WITHIN_US, &stage), vec![(1, true)]);
        assert_eq!((outbox.intents()[0].outcome, outbox.intents()[0].seq), (Outcome::Stored, 7));
    }

    #[test]
    fn silence_makes_a_message_unknown_and_it_is_sent_again() {
        let (mut outbox, stage) = saturating(1);
        numbers(&mut outbox, 0, &stage);
        assert_eq!(outbox.wake_us(), Some(ANSWER_WITHIN_US));
        outbox.expire(ANSWER_WITHIN_US, &stage);
        assert_eq!(numbers(&mut outbox, ANSWER_WITHIN_US, &stage), vec![(0, true)]);
        assert_eq!(stage.errors()["no answer"], 1);
    }

    #[test]
    fn a_refused_message_is_final() {
        let (mut outbox, stage) = saturating(1);
        numbers(&mut outbox, 0, &stage);
        outbox.answered(0, &Answer::Failed("forbidden".into()), 1, &stage);
        outbox.path_broken();
        assert_eq!(outbox.intents()[0].outcome, Outcome::Failed);
        assert_eq!(numbers(&mut outbox, 2, &stage), vec![(1, false)]);
    }
}
