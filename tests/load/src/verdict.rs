//! Verdict of the ledger: compares what was sent and what was seen with the history that the system gives.
//!
//! Invariants. I1: every stored intent is in history once. I2: an intent with an unknown outcome is there at
//! most once. I3: a refused intent is not there. I4: every member knows exactly the history, in its order.
//! I6: no thread has a message of another thread. The function takes plain records, so that tests can give it
//! every kind of fault.

use crate::{
    member::Record,
    outbox::{Intent, Outcome},
    rest::Stored,
    view::Tally,
};
use serde::Serialize;
use std::ops::Range;

/// Findings kept in words; further ones are only counted.
const KEPT_FINDINGS: usize = 30;

/// One thread at the end of a run.
pub struct ThreadEnd {
    /// Id of the thread.
    pub id: String,
    /// Positions of its members' records.
    pub members: Range<usize>,
    /// Its complete history.
    pub history: Vec<Stored>,
}

/// Counts that must be zero, and counts that explain them.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Verdict {
    /// Intents answered "stored" or "queued" that are not in history.
    pub lost_stored: u64,
    /// Pairs of message and member in which the member never got the message, neither live nor by catching
    /// up.
    pub lost_deliveries: u64,
    /// Messages that are in history more than once.
    pub doubled_history: u64,
    /// Inversions of a sender's order in history.
    pub reordered_history: u64,
    /// Messages in a history that nobody in the thread sent.
    pub foreign_history: u64,
    /// Gaps and repeats in the numbering of histories.
    pub history_gaps: u64,
    /// Refused messages that are in history all the same.
    pub failed_but_stored: u64,
    /// Messages that a member got and that are not in history.
    pub phantoms: u64,
    /// Answers whose `seq` differs from history, and members whose order differs from history.
    pub mismatched: u64,
    /// Messages in all histories.
    pub stored: u64,
    /// Intents by outcome: stored, queued, failed, unknown.
    pub outcomes: Outcomes,
    /// Counts of what the members saw, summed up.
    pub seen: Tally,
    /// The first findings, in words.
    pub findings: Vec<String>,
}

/// Number of intents by outcome.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Intents known to be stored.
    pub ok: u64,
    /// Intents answered "queued" and never seen.
    pub queued: u64,
    /// Intents refused for good.
    pub failed: u64,
    /// Intents sent and never answered.
    pub unknown: u64,
}

impl Verdict {
    /// Judges a whole run.
    pub fn of(threads: &[ThreadEnd], records: &[Record]) -> Self {
        let mut verdict = Self::default();
        for thread in threads {
            verdict.judge(thread, &records[thread.members.clone()]);
        }
        verdict
    }

    /// Total of lost messages and deliveries.
    pub fn lost(&self) -> u64 {
        self.lost_stored + self.lost_deliveries
    }

    /// Total of doubled messages and deliveries.
    pub fn doubled(&self) -> u64 {
        self.doubled_history + self.seen.doubled_session + self.seen.doubled_later
    }

    /// Total of reordered messages and deliveries.
    pub fn reordered(&self) -> u64 {
        self.reordered_history + self.seen.reordered
    }

    /// Total of messages and deliveries that do not belong where they were found.
    pub fn foreign(&self) -> u64 {
        self.foreign_history + self.seen.foreign
    }

    /// Whether the system kept all its promises.
    pub fn is_clean(&self) -> bool {
        let others = self.history_gaps + self.failed_but_stored + self.phantoms + self.mismatched;
        self.lost() + self.doubled() + self.reordered() + self.foreign() + others == 0
    }

    fn judge(&mut self, thread: &ThreadEnd, records: &[Record]) {
        self.stored += thread.history.len() as u64;
        self.judge_numbering(thread);
        let places = self.places(thread, records);
        for (record, places) in records.iter().zip(&places) {
            self.judge_intents(thread, record, places);
            self.judge_sender_order(thread, record, places);
            self.judge_view(thread, record);
        }
    }

    fn judge_numbering(&mut self, thread: &ThreadEnd) {
        let mut expected = 1;
        for message in &thread.history {
            if message.seq != expected {
                self.history_gaps += 1;
                self.find(|| {
                    format!("thread {}: history has seq {} where {expected} belongs", thread.id, message.seq)
                });
            }
            expected = message.seq + 1;
        }
    }

    /// For every member the `seq` of each of its intents in history; 0 if it is not there.
    fn places(&mut self, thread: &ThreadEnd, records: &[Record]) -> Vec<Vec<u32>> {
        let mut places: Vec<Vec<u32>> =
            records.iter().map(|record| vec![0; record.outbox.intents().len()]).collect();
        for message in &thread.history {
            let place = message.tag.and_then(|tag| {
                let sender = records.binary_search_by_key(&tag.sender, |record| record.user).ok()?;
                places[sender].get_mut(tag.n as usize)
            });
            match place {
                None => {
                    self.foreign_history += 1;
                    self.find(|| format!("thread {}: nobody in it sent seq {}", thread.id, message.seq));
                }
                Some(place) if *place > 0 => {
                    self.doubled_history += 1;
                    self.find(|| format!("thread {}: seq {} is seq {place} again", thread.id, message.seq));
                }
                Some(place) => *place = message.seq,
            }
        }
        places
    }

    fn judge_intents(&mut self, thread: &ThreadEnd, record: &Record, places: &[u32]) {
        for (n, (intent, &place)) in record.outbox.intents().iter().zip(places).enumerate() {
            self.count_outcome(intent);
            let user = record.user;
            match intent.outcome {
                Outcome::Stored | Outcome::Queued if place == 0 => {
                    self.lost_stored += 1;
                    let (outcome, seq) = (intent.outcome, intent.seq);
                    self.find(|| {
                        format!(
                            "thread {}: {user}-{n} was {outcome:?} as seq {seq}, not in history",
                            thread.id
                        )
                    });
                }
                Outcome::Stored if place != intent.seq => {
                    self.mismatched += 1;
                    let seq = intent.seq;
                    self.find(|| {
                        format!("thread {}: {user}-{n} answered as seq {seq}, is seq {place}", thread.id)
                    });
                }
                Outcome::Failed if place > 0 => {
                    self.failed_but_stored += 1;
                    self.find(|| format!("thread {}: {user}-{n} was refused, is seq {place}", thread.id));
                }
                _ => {}
            }
        }
    }

    fn count_outcome(&mut self, intent: &Intent) {
        match intent.outcome {
            Outcome::Stored => self.outcomes.ok += 1,
            Outcome::Queued => self.outcomes.queued += 1,
            Outcome::Failed => self.outcomes.failed += 1,
            Outcome::InFlight | Outcome::Waiting => self.outcomes.unknown += u64::from(intent.attempts > 0),
        }
    }

    /// Checks that messages sent once each, one after another on one connection, have that order in history.
    fn judge_sender_order(&mut self, thread: &ThreadEnd, record: &Record, places: &[u32]) {
        let (mut path, mut highest) = (None, 0);
        for (n, (intent, &place)) in record.outbox.intents().iter().zip(places).enumerate() {
            // A repeated message may be stored after later ones, and a message without a place has no order.
            if intent.attempts != 1 || place == 0 {
                continue;
            }
            if path != Some(intent.path) {
                (path, highest) = (Some(intent.path), 0);
            }
            if place < highest {
                self.reordered_history += 1;
                let user = record.user;
                self.find(|| {
                    format!(
                        "thread {}: {user}-{n} is seq {place}, an earlier one is seq {highest}",
                        thread.id
                    )
                });
            }
            highest = highest.max(place);
        }
    }

    fn judge_view(&mut self, thread: &ThreadEnd, record: &Record) {
        let (known, user) = (record.view.known(), record.user);
        let (mut digest, mut in_history) = (0_u64, 0_u64);
        for message in &thread.history {
            if known.contains(message.seq) {
                in_history += 1;
                digest = digest.wrapping_add(message.tag.map_or(0, |tag| tag.digest(message.seq)));
            } else {
                self.lost_deliveries += 1;
                self.find(|| format!("thread {}: user {user} never got seq {}", thread.id, message.seq));
            }
        }
        let phantoms = known.len().saturating_sub(in_history);
        self.phantoms += phantoms;
        if phantoms > 0 {
            self.find(|| format!("thread {}: user {user} got {phantoms} that are not in history", thread.id));
        } else if digest != record.view.digest() {
            self.mismatched += 1;
            self.find(|| format!("thread {}: user {user} saw other messages at the same places", thread.id));
        }
        self.seen += record.view.tally();
        for words in record.view.findings() {
            self.find(|| format!("thread {}: user {user}: {words}", thread.id));
        }
    }

    fn find(&mut self, words: impl FnOnce() -> String) {
        if self.findings.len() < KEPT_FINDINGS {
            self.findings.push(words());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        outbox::{Outbox, Source},
        stage::Stage,
        tag::Tag,
        view::View,
        wire::Answer,
    };
    use std::time::Duration;

    /// Two members. User 0 sent four messages, stored as 1 to 4, and both saw them.
    struct Scene {
        stage: Stage,
        sender: Outbox,
        views: [View; 2],
        history: Vec<Stored>,
    }

    fn tag(n: u32) -> Tag {
        Tag { sender: 0, n, intended_us: 0 }
    }

    fn stored(seq: u32, n: u32) -> Stored {
        Stored { seq, tag: Some(tag(n)) }
    }

    impl Scene {
        fn sent() -> Self {
            let stage = Stage::new("r");
            stage.begin(Duration::ZERO, Duration::from_mins(1));
            let mut sender = Outbox::new(0, Source::Closed(4));
            while sender.next(0, &stage).is_some() {}
            Self { stage, sender, views: [View::default(), View::default()], history: Vec::new() }
        }

        fn clean() -> Self {
            let mut scene = Self::sent();
            scene.answer(0..4);
            scene.show(0, &[1, 2, 3, 4]);
            scene.show(1, &[1, 2, 3, 4]);
            scene.history = (0..4).map(|n| stored(n + 1, n)).collect();
            scene
        }

        fn answer(&mut self, numbers: Range<u32>) {
            for n in numbers {
                self.sender.answered(n, &Answer::Stored(n + 1), 1, &self.stage);
            }
        }

        fn show(&mut self, member: usize, seqs: &[u32]) {
            for &seq in seqs {
                self.views[member].live(seq, tag(seq - 1));
            }
        }

        fn judge(self) -> Verdict {
            let [first, second] = self.views;
            let silent = Outbox::new(1, Source::Silent);
            let records = [
                Record { user: 0, view: first, outbox: self.sender },
                Record { user: 1, view: second, outbox: silent },
            ];
            Verdict::of(&[ThreadEnd { id: "t".to_owned(), members: 0..2, history: self.history }], &records)
        }
    }

    #[test]
    fn a_run_where_all_went_well_is_clean() {
        let verdict = Scene::clean().judge();
        assert!(verdict.is_clean(), "{verdict:?}");
        assert_eq!(verdict.outcomes, Outcomes { ok: 4, ..Outcomes::default() });
        assert_eq!(verdict.stored, 4);
    }

    #[test]
    fn a_message_answered_as_stored_but_not_in_history_is_lost() {
        let mut scene = Scene::clean();
        scene.history.pop();
        let verdict = scene.judge();
        assert_eq!((verdict.lost_stored, verdict.phantoms, verdict.is_clean()), (1, 2, false));
    }

    #[test]
    fn a_message_answered_as_queued_that_never_appears_is_lost() {
        let mut scene = Scene::sent();
        scene.sender.answered(0, &Answer::Queued, 1, &scene.stage);
        assert_eq!(scene.judge().lost(), 1);
    }

    #[test]
    fn a_message_in_history_that_a_member_never_got_is_lost() {
        let mut scene = Scene::clean();
        scene.views[1] = View::default();
        scene.show(1, &[1, 2, 3]);
        let verdict = scene.judge();
        assert_eq!((verdict.lost_deliveries, verdict.lost(), verdict.is_clean()), (1, 1, false));
    }

    #[test]
    fn a_message_twice_in_history_is_doubled() {
        let mut scene = Scene::clean();
        scene.history.push(stored(5, 3));
        for view in &mut scene.views {
            view.live(5, tag(3));
        }
        let verdict = scene.judge();
        assert_eq!((verdict.doubled(), verdict.lost(), verdict.is_clean()), (1, 0, false));
    }

    #[test]
    fn a_message_delivered_twice_is_doubled() {
        let mut scene = Scene::clean();
        scene.show(1, &[4]);
        assert_eq!(scene.judge().doubled(), 1);
    }

    #[test]
    fn a_message_delivered_late_is_reordered() {
        let mut scene = Scene::clean();
        scene.views[1] = View::default();
        scene.show(1, &[1, 3, 2, 4]);
        let verdict = scene.judge();
        assert_eq!((verdict.reordered(), verdict.lost(), verdict.is_clean()), (1, 0, false));
    }

    #[test]
    fn a_sender_overtaking_itself_in_history_is_reordered() {
        let mut scene = Scene::sent();
        scene.history = vec![stored(1, 1), stored(2, 0), stored(3, 2), stored(4, 3)];
        for n in [1, 0, 2, 3] {
            let place = scene.history.iter().find(|message| message.tag == Some(tag(n))).unwrap().seq;
            scene.sender.answered(n, &Answer::Stored(place), 1, &scene.stage);
        }
        for view in &mut scene.views {
            for message in &scene.history {
                view.live(message.seq, message.tag.unwrap());
            }
        }
        let verdict = scene.judge();
        assert_eq!((verdict.reordered_history, verdict.lost(), verdict.mismatched), (1, 0, 0));
    }

    #[test]
    fn a_resend_may_change_places_with_its_neighbours() {
        let mut scene = Scene::sent();
        scene.answer(1..4);
        scene.sender.path_broken();
        scene.sender.next(2, &scene.stage).unwrap();
        scene.sender.answered(0, &Answer::Stored(5), 3, &scene.stage);
        scene.history = vec![stored(2, 1), stored(3, 2), stored(4, 3), stored(5, 0)];
        assert_eq!(scene.judge().reordered_history, 0);
    }

    #[test]
    fn a_message_of_somebody_else_is_foreign() {
        let mut scene = Scene::clean();
        scene.history.push(Stored { seq: 5, tag: Some(Tag { sender: 77, n: 0, intended_us: 0 }) });
        scene.views[1].foreign("thread x");
        assert_eq!(scene.judge().foreign(), 2);
    }

    #[test]
    fn a_refused_message_in_history_is_not_clean() {
        let mut scene = Scene::sent();
        scene.answer(0..3);
        scene.sender.answered(3, &Answer::Failed("forbidden".into()), 1, &scene.stage);
        scene.show(0, &[1, 2, 3, 4]);
        scene.show(1, &[1, 2, 3, 4]);
        scene.history = (0..4).map(|n| stored(n + 1, n)).collect();
        let verdict = scene.judge();
        assert_eq!((verdict.failed_but_stored, verdict.is_clean()), (1, false));
    }

    #[test]
    fn an_unanswered_message_may_be_stored_or_not() {
        let mut scene = Scene::sent();
        scene.answer(0..3);
        scene.show(0, &[1, 2, 3]);
        scene.show(1, &[1, 2, 3]);
        scene.history = (0..3).map(|n| stored(n + 1, n)).collect();
        let verdict = scene.judge();
        assert_eq!((verdict.outcomes.unknown, verdict.is_clean()), (1, true));
    }

    #[test]
    fn numbers_that_jump_are_a_gap_and_another_place_than_answered_a_mismatch() {
        let mut scene = Scene::clean();
        scene.history[3].seq = 9;
        let verdict = scene.judge();
        assert_eq!((verdict.history_gaps, verdict.mismatched > 0, verdict.is_clean()), (1, true, false));
    }

    #[test]
    fn other_messages_at_the_same_places_are_a_mismatch() {
        let mut scene = Scene::clean();
        scene.views[1] = View::default();
        for (seq, n) in [(1, 1), (2, 0), (3, 2), (4, 3)] {
            scene.views[1].live(seq, tag(n));
        }
        assert_eq!(scene.judge().mismatched, 1);
    }
}
