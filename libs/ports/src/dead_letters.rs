//! The dead letters port: what no worker could handle, what was done with it, and who did it.
//!
//! [`DeadLetter`] says how a letter changes, and [`Replay`] how a replay does; a store runs these changes one
//! at a time for each of them. Every method may be repeated. The audit log only grows: there is no method
//! that changes or deletes an entry. [`crate::dead_letters_contract`] checks these promises.

use crate::store::StoreError;
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_protocol::Timestamp;
use eventflow_protocol::dead_letters::{
    Arrival, AuditEntry, Cause, DeadLetter, DeadLetterId, LetterChange, LetterFilter, LetterPlace,
    LetterState, Replay, ReplayId,
};

/// Most groups that are told: more causes than anybody reads.
pub const GROUPS_MAX: u32 = 500;

/// What an arrival came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The letter is new.
    New,
    /// It failed again and joined its letter.
    Again,
    /// It was delivered before and changed nothing.
    Before,
}

/// In which order letters are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterOrder {
    /// The one that failed last first; among equal times the larger id.
    NewestFirst,
    /// The one that has waited longest first.
    OldestFirst,
}

/// Selects a page of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetterPage {
    /// Cursor: continue after this place.
    pub after: Option<LetterPlace>,
    /// Page size, 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
    /// The order.
    pub order: LetterOrder,
}

/// Letters that have a queue, a cause and a kind in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterGroup {
    /// The queue that they came from.
    pub queue: String,
    /// Why they failed last.
    pub cause: Cause,
    /// What they ask for or tell.
    pub kind: Option<String>,
    /// How many there are.
    pub count: u64,
    /// When the one that has waited longest failed last.
    pub oldest_at: Timestamp,
    /// When the newest failed last.
    pub newest_at: Timestamp,
    /// Why the newest failed, in words.
    pub reason: String,
}

/// Letters that have a queue and a cause in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterCount {
    /// The queue that they came from.
    pub queue: String,
    /// Why they failed last.
    pub cause: Cause,
    /// How many there are.
    pub count: u64,
}

/// Selects a page of the audit log, the newest first; among equal times the larger ids come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// Only what was done to this letter.
    pub letter: Option<DeadLetterId>,
    /// Cursor: continue after the entry with this time and id.
    pub after: Option<(Timestamp, String)>,
    /// Page size, 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
}

/// What became of the letters of a replay. Each letter counts once, as its newest entry of the replay in the
/// audit log says: one that was refused and then sent, because the replay was resumed, has two entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayCounts {
    /// Letters that were sent.
    pub replayed: u64,
    /// Letters that could not be sent.
    pub refused: u64,
}

/// Keeps dead letters, replays and the audit log.
#[async_trait]
pub trait DeadLetters: Send + Sync + 'static {
    /// Keeps what came out of dead-letter queues ([`DeadLetter::arrive`]), with its bodies. Returns what each
    /// came to, in order.
    async fn keep_letters(&self, arrivals: &[Arrival]) -> Result<Vec<Kept>, StoreError>;

    /// Reads a page of the letters that fit. What somebody else has stored among them and is no letter is
    /// passed over: a page has fewer letters than it may have only if there are no more.
    async fn dead_letters(
        &self,
        which: &LetterFilter,
        page: LetterPage,
    ) -> Result<Vec<DeadLetter>, StoreError>;

    /// Counts the letters that fit by queue, cause and kind, the largest group first, at most [`GROUPS_MAX`].
    async fn letter_groups(&self, which: &LetterFilter) -> Result<Vec<LetterGroup>, StoreError>;

    /// Counts the letters in this state by queue and cause, the largest number first, at most [`GROUPS_MAX`].
    /// Every worker asks that several times a minute.
    async fn letter_counts(&self, state: LetterState) -> Result<Vec<LetterCount>, StoreError>;

    /// Counts the letters that fit.
    async fn count_letters(&self, which: &LetterFilter) -> Result<u64, StoreError>;

    /// Reads a letter.
    async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>, StoreError>;

    /// Reads a version of the body of a letter that was read.
    async fn letter_body(&self, letter: &DeadLetter, version: u32) -> Result<Option<Bytes>, StoreError>;

    /// Changes letters ([`DeadLetter::change`]). Returns those for which the change counts, as they are now,
    /// in the order of `ids`.
    async fn change_letters(
        &self,
        ids: &[DeadLetterId],
        change: &LetterChange,
        at: Timestamp,
    ) -> Result<Vec<DeadLetter>, StoreError>;

    /// Deletes letters, with their bodies, that were replayed or discarded before `before`. Returns how many
    /// it deleted, a bounded number at a time: repeat it until it is 0.
    async fn forget_letters(&self, before: Timestamp) -> Result<u64, StoreError>;

    /// Stores a replay, unless its id exists.
    async fn add_replay(&self, replay: &Replay) -> Result<(), StoreError>;

    /// Takes the replay that may be taken since the longest time, until `until` ([`Replay::claim`]). Of two
    /// concurrent callers only one gets a replay.
    async fn claim_replay(&self, now: Timestamp, until: Timestamp) -> Result<Option<Replay>, StoreError>;

    /// Moves the cursor of a replay ([`Replay::advance`]). Returns the replay as it is now; `None` if it was
    /// not at `from`.
    async fn advance_replay(
        &self,
        id: ReplayId,
        from: Option<LetterPlace>,
        to: LetterPlace,
        until: Timestamp,
    ) -> Result<Option<Replay>, StoreError>;

    /// Ends a replay ([`Replay::end`]).
    async fn end_replay(&self, id: ReplayId, at: Timestamp) -> Result<(), StoreError>;

    /// Lets go of a replay, so that it may be taken again at `until` ([`Replay::release`]).
    async fn release_replay(&self, id: ReplayId, until: Timestamp) -> Result<(), StoreError>;

    /// Reads a replay.
    async fn replay(&self, id: ReplayId) -> Result<Option<Replay>, StoreError>;

    /// Counts what became of a replay's letters.
    async fn replay_counts(&self, id: ReplayId) -> Result<ReplayCounts, StoreError>;

    /// Adds entries to the audit log, except those whose ids it has.
    async fn record_audit(&self, entries: &[AuditEntry]) -> Result<(), StoreError>;

    /// Reads a page of the audit log.
    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreError>;
}
