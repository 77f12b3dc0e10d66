//! View: what one client saw of its thread, which is the receiving half of the ledger.
//!
//! It keeps three sets of sequence numbers. The first holds what came live on this session; a second arrival
//! is a duplicate. The second holds what ever came live; a second arrival is a duplicate unless the client
//! was catching up. The third holds everything that the client knows, live or fetched. A digest over (place,
//! message) stands for the whole order, so that the view need not keep the messages.

use crate::{seqset::SeqSet, tag::Tag};
use serde::Serialize;
use std::ops::AddAssign;

/// Findings kept in words per client; further ones are only counted.
const KEPT_FINDINGS: usize = 5;

/// Counts of what one client saw; the report sums them over all clients.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Messages that came live twice on one socket session. A resumed session is the same session.
    pub doubled_session: u64,
    /// Messages that came live again on a later session, outside a catch-up.
    pub doubled_later: u64,
    /// Messages that came live and by catch-up, or live again during a catch-up. These are allowed.
    pub overlap: u64,
    /// Live messages with a smaller `seq` than an earlier one on the same session.
    pub reordered: u64,
    /// How often a live `seq` jumped ahead of what the client knows.
    pub gaps: u64,
    /// Messages of another thread, or of nobody in this run.
    pub foreign: u64,
    /// Messages that only a catch-up brought.
    pub refetched: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.doubled_session += other.doubled_session;
        self.doubled_later += other.doubled_later;
        self.overlap += other.overlap;
        self.reordered += other.reordered;
        self.gaps += other.gaps;
        self.foreign += other.foreign;
        self.refetched += other.refetched;
    }
}

/// One client's record of its thread.
#[derive(Debug, Default)]
pub struct View {
    known: SeqSet,
    live: SeqSet,
    session: SeqSet,
    digest: u64,
    catching_up: bool,
    behind: bool,
    tally: Tally,
    findings: Vec<String>,
}

impl View {
    /// Records a live message. Returns `true` if the client did not know it.
    pub fn live(&mut self, seq: u32, tag: Tag) -> bool {
        // `session` tells duplicates of this session, `live` those over all sessions, and `known` also
        // includes fetched messages.
        let before = self.session.max();
        let new_here = self.session.insert(seq);
        let new_live = self.live.insert(seq);
        let fresh = self.known.insert(seq);
        if !new_here {
            self.tally.doubled_session += 1;
            self.find(|| format!("seq {seq} twice on one session"));
        } else if seq < before {
            self.tally.reordered += 1;
            self.find(|| format!("seq {seq} after {before}"));
        }
        if new_here && !new_live && !self.catching_up {
            self.tally.doubled_later += 1;
            self.find(|| format!("seq {seq} again on a later session"));
        } else if new_here && !fresh {
            self.tally.overlap += 1;
        }
        if fresh {
            self.digest = self.digest.wrapping_add(tag.digest(seq));
            self.notice_gap(seq);
        }
        fresh
    }

    /// Records a message of another thread, or one that nobody in this run sent.
    pub fn foreign(&mut self, description: &str) {
        self.tally.foreign += 1;
        self.find(|| format!("foreign: {description}"));
    }

    /// Notes a new session that was not resumed, so the client must catch up.
    pub fn new_session(&mut self) {
        self.session = SeqSet::default();
        self.behind = true;
        self.catching_up = true;
    }

    /// Whether the client must read history.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Whether the client is behind, or is still catching up.
    pub fn is_unsettled(&self) -> bool {
        self.behind || self.catching_up
    }

    /// Starts a catch-up. Returns the `seq` after which to read.
    pub fn start_catch_up(&mut self) -> u32 {
        self.behind = false;
        self.catching_up = true;
        self.known.level()
    }

    /// Records a message from history. Returns `true` if the client did not know it.
    pub fn fetched(&mut self, seq: u32, tag: Tag) -> bool {
        let fresh = self.known.insert(seq);
        if fresh {
            self.tally.refetched += 1;
            self.digest = self.digest.wrapping_add(tag.digest(seq));
        }
        fresh
    }

    /// Ends a catch-up. If a gap is left, the client stays behind.
    pub fn end_catch_up(&mut self) {
        self.behind = self.known.level() < self.known.max();
        self.catching_up = self.behind;
    }

    /// Notes that a catch-up failed and must be repeated.
    pub fn retry_catch_up(&mut self) {
        self.behind = true;
    }

    /// Everything that the client knows.
    pub fn known(&self) -> &SeqSet {
        &self.known
    }

    /// Sum of [`Tag::digest`] over everything that the client knows.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The counts.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The first findings, in words.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    fn notice_gap(&mut self, seq: u32) {
        if !self.is_unsettled() && self.known.level() < seq {
            self.tally.gaps += 1;
            self.behind = true;
            self.find(|| format!("gap before seq {seq}"));
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

    fn tag(n: u32) -> Tag {
        Tag { sender: 0, n, intended_us: 0 }
    }

    fn seen(seqs: &[u32]) -> View {
        let mut view = View::default();
        for &seq in seqs {
            view.live(seq, tag(seq));
        }
        view
    }

    #[test]
    fn a_clean_stream_counts_nothing() {
        assert_eq!(seen(&[1, 2, 3, 4]).tally(), Tally::default());
    }

    #[test]
    fn the_same_message_twice_on_one_session_is_doubled() {
        assert_eq!(seen(&[1, 2, 2]).tally(), Tally { doubled_session: 1, ..Tally::default() });
    }

    #[test]
    fn a_late_message_is_reordered_and_its_gap_was_seen() {
        assert_eq!(seen(&[1, 3, 2]).tally(), Tally { reordered: 1, gaps: 1, ..Tally::default() });
    }

    #[test]
    fn a_late_message_is_reordered_even_if_a_catch_up_brought_it_first() {
        let mut view = seen(&[1, 3]);
        assert!(view.is_behind());
        assert_eq!(view.start_catch_up(), 1);
        assert!(view.fetched(2, tag(2)));
        view.end_catch_up();
        view.live(2, tag(2));
        assert_eq!(
            view.tally(),
            Tally { reordered: 1, gaps: 1, refetched: 1, overlap: 1, ..Tally::default() }
        );
    }

    #[test]
    fn catching_up_after_a_lost_session_may_overlap() {
        let mut view = seen(&[1, 2]);
        view.new_session();
        view.start_catch_up();
        view.live(2, tag(2));
        view.fetched(3, tag(3));
        view.live(3, tag(3));
        view.end_catch_up();
        assert_eq!(view.tally(), Tally { overlap: 2, refetched: 1, ..Tally::default() });
        assert_eq!(view.known().level(), 3);
    }

    #[test]
    fn a_message_again_on_a_later_session_is_doubled_once_the_client_has_caught_up() {
        let mut view = seen(&[1, 2]);
        view.new_session();
        view.start_catch_up();
        view.end_catch_up();
        view.live(2, tag(2));
        assert_eq!(view.tally(), Tally { doubled_later: 1, overlap: 0, ..Tally::default() });
    }

    #[test]
    fn a_hole_that_history_does_not_fill_keeps_the_client_behind() {
        let mut view = seen(&[1, 3]);
        view.start_catch_up();
        view.end_catch_up();
        assert!(view.is_behind() && view.is_unsettled());
    }

    #[test]
    fn the_digest_depends_on_who_is_where() {
        let mut other = View::default();
        other.live(1, tag(2));
        other.live(2, tag(1));
        assert_ne!(seen(&[1, 2]).digest(), other.digest());
    }
}
