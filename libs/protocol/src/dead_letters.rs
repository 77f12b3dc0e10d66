//! Dead letters: what no worker could handle, kept until somebody decides.
//!
//! A letter is one envelope (or one broker message that is no frame of envelopes), with why it failed, how
//! often, and what was done with it since. A replay keeps the envelope's id, so what fails again joins its
//! letter. The methods of [`DeadLetter`] are the only place that says how a letter changes; every store runs
//! them under its own lock or compare-and-set. The bodies are kept apart, one for each version.

mod audit;
mod carried;
mod masked;
mod replay;
mod words;
mod work;

pub use audit::{AuditAction, AuditEntry};
pub use carried::{Carried, DeadLetterId, NotALetterId};
pub use masked::masked;
pub use replay::{LetterFilter, LetterPlace, Replay, ReplayId, ReplayState, Replayed, WhichLetters};
pub use words::{Cause, LetterState};
pub use work::{UnreadableWork, Work};

use crate::{Timestamp, UserId};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Entries of a letter's history: the first, and the newest. Whoever replays the same letter a hundred times
/// finds the rest in the audit log.
pub const HISTORY_MAX: usize = 100;
/// Longest reason that is kept, in characters. A reason is a sentence with its causes.
const REASON_MAX_CHARS: usize = 2_000;

/// A dead letter as it comes out of its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The letter's id.
    pub id: DeadLetterId,
    /// The queue that it came from; `gateway` for that of any gateway.
    pub queue: String,
    /// The same, exactly: where a replay goes.
    pub origin: String,
    /// What it asks for or tells; `None` if nobody can read it.
    pub kind: Option<String>,
    /// Why it is dead.
    pub cause: Cause,
    /// The same in words, without contents.
    pub reason: String,
    /// How often a handler has failed on it.
    pub attempts: u32,
    /// What it carries: the body of an envelope, or a whole broker message that is no frame.
    pub body: Bytes,
    /// When it came.
    pub at: Timestamp,
}

/// A body that the store keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyVersion {
    /// When it came, or was edited.
    pub at: Timestamp,
    /// Who edited it; nobody: it came so.
    pub by: Option<UserId>,
    /// Its bytes.
    pub size: u64,
    /// What tells it apart from other bodies.
    pub digest: String,
}

/// Something that happened to a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
}

/// What happened to a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// It became a dead letter.
    Failed {
        /// The queue that it came from.
        queue: String,
        /// Why.
        cause: Cause,
        /// The same in words.
        reason: String,
        /// How often a handler had failed on it.
        attempts: u32,
    },
    /// It went back to where it came from.
    Replayed {
        /// By which replay.
        replay: ReplayId,
        /// Who asked for the replay; nobody, if it failed again before its replay knew that it was sent.
        by: Option<UserId>,
        /// Why; empty in the same case.
        why: String,
    },
    /// A replay could not send it.
    Refused {
        /// Which replay.
        replay: ReplayId,
        /// Why not.
        reason: String,
    },
    /// Its body was edited.
    Edited {
        /// By whom.
        by: UserId,
        /// Why.
        why: String,
        /// The version that this made.
        version: u32,
    },
    /// It is not to be done.
    Discarded {
        /// Who decided so.
        by: UserId,
        /// Why.
        why: String,
    },
}

/// A dead letter as it is kept, without its bodies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// What it carries, and the id of its envelope.
    pub id: DeadLetterId,
    /// The queue that it came from last; `gateway` for that of any gateway.
    pub queue: String,
    /// The same, exactly.
    pub origin: String,
    /// What it asks for or tells.
    pub kind: Option<String>,
    /// Why it failed last.
    pub cause: Cause,
    /// The same in words.
    pub reason: String,
    /// What becomes of it.
    pub state: LetterState,
    /// How often a handler had failed on it when it failed last.
    pub attempts: u32,
    /// How often it became a dead letter.
    pub failures: u32,
    /// How often it was replayed.
    pub replays: u32,
    /// The replay that has it, or had it last.
    pub replay: Option<ReplayId>,
    /// When it failed first.
    pub first_at: Timestamp,
    /// When it failed last.
    pub last_at: Timestamp,
    /// When it was replayed or discarded, while it is.
    pub ended_at: Option<Timestamp>,
    /// Its bodies, the newest last; the first is version 1.
    pub versions: Vec<BodyVersion>,
    /// What happened to it, the oldest first.
    pub history: Vec<HistoryEntry>,
}

/// A change of a letter that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterChange {
    /// A replay takes it in hand. It may have it already: its worker died.
    Take(ReplayId),
    /// The broker has it again.
    Confirm(Replayed),
    /// A replay cannot send it, for this reason.
    Refuse(ReplayId, String),
    /// It gets another body.
    Edit(Edit),
    /// It is not to be done.
    Discard {
        /// Who decided so.
        by: UserId,
        /// Why.
        why: String,
    },
}

/// Another body for a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The version that was edited; another one counts no more.
    pub version: u32,
    /// The new body.
    pub body: Bytes,
    /// Who edits.
    pub by: UserId,
    /// Why.
    pub why: String,
}

impl BodyVersion {
    fn new(body: &[u8], at: Timestamp, by: Option<UserId>) -> Self {
        Self { at, by, size: body.len() as u64, digest: digest(body) }
    }
}

impl DeadLetter {
    /// The letter as it is kept first, with one version of its body.
    pub fn new(arrival: &Arrival) -> Self {
        let mut letter = Self {
            id: arrival.id,
            queue: String::new(),
            origin: String::new(),
            kind: None,
            cause: arrival.cause,
            reason: String::new(),
            state: LetterState::Waiting,
            attempts: 0,
            failures: 0,
            replays: 0,
            replay: None,
            first_at: arrival.at,
            last_at: arrival.at,
            ended_at: None,
            versions: Vec::new(),
            history: Vec::new(),
        };
        letter.fail(arrival);
        letter
    }

    /// The number of the newest version of its body.
    pub fn version(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }

    /// Bytes of the newest version of its body.
    pub fn size(&self) -> u64 {
        self.versions.last().map_or(0, |version| version.size)
    }

    /// It came out of a dead-letter queue again. `false` if that says nothing new: it waits already, and its
    /// message was delivered twice.
    pub fn arrive(&mut self, arrival: &Arrival) -> bool {
        let is_same_body = self.versions.last().is_some_and(|last| last.digest == digest(&arrival.body));
        if self.state == LetterState::Waiting && is_same_body {
            return false;
        }
        if let (LetterState::Replaying, Some(replay)) = (self.state, self.replay) {
            // It was sent, and failed before its replay could note that.
            self.replays += 1;
            self.note(arrival.at, Happened::Replayed { replay, by: None, why: String::new() });
        }
        self.fail(arrival);
        true
    }

    /// Makes a change; `false` if it does not count.
    pub fn change(&mut self, change: &LetterChange, at: Timestamp) -> bool {
        match change {
            LetterChange::Take(replay) => self.take(*replay),
            LetterChange::Confirm(replayed) => self.confirm(replayed, at),
            LetterChange::Refuse(replay, reason) => self.refuse(*replay, reason, at),
            LetterChange::Edit(edit) => self.edit(edit, at),
            LetterChange::Discard { by, why } => self.discard(by, why, at),
        }
    }

    fn fail(&mut self, arrival: &Arrival) {
        let Arrival { queue, origin, kind, cause, attempts, at, .. } = arrival;
        let reason: String = arrival.reason.chars().take(REASON_MAX_CHARS).collect();
        if self.versions.last().is_none_or(|last| last.digest != digest(&arrival.body)) {
            self.versions.push(BodyVersion::new(&arrival.body, *at, None));
        }
        self.queue.clone_from(queue);
        self.origin.clone_from(origin);
        self.kind.clone_from(kind);
        self.reason.clone_from(&reason);
        (self.cause, self.attempts, self.last_at) = (*cause, *attempts, *at);
        self.failures += 1;
        self.state = LetterState::Waiting;
        self.ended_at = None;
        self.note(*at, Happened::Failed { queue: queue.clone(), cause: *cause, reason, attempts: *attempts });
    }

    fn take(&mut self, replay: ReplayId) -> bool {
        let is_its_own = self.state == LetterState::Replaying && self.replay == Some(replay);
        if self.state != LetterState::Waiting && !is_its_own {
            return false;
        }
        self.state = LetterState::Replaying;
        self.replay = Some(replay);
        true
    }

    fn confirm(&mut self, replayed: &Replayed, at: Timestamp) -> bool {
        if !self.is_held_by(replayed.replay) {
            return false;
        }
        let Replayed { replay, by, why } = replayed.clone();
        self.replays += 1;
        self.end(LetterState::Replayed, at);
        self.note(at, Happened::Replayed { replay, by: Some(by), why });
        true
    }

    fn refuse(&mut self, replay: ReplayId, reason: &str, at: Timestamp) -> bool {
        if !self.is_held_by(replay) {
            return false;
        }
        self.state = LetterState::Waiting;
        self.note(at, Happened::Refused { replay, reason: reason.to_owned() });
        true
    }

    fn edit(&mut self, edit: &Edit, at: Timestamp) -> bool {
        if self.state != LetterState::Waiting || self.version() != edit.version {
            return false;
        }
        self.versions.push(BodyVersion::new(&edit.body, at, Some(edit.by.clone())));
        let version = self.version();
        self.note(at, Happened::Edited { by: edit.by.clone(), why: edit.why.clone(), version });
        true
    }

    fn discard(&mut self, by: &UserId, why: &str, at: Timestamp) -> bool {
        if self.state != LetterState::Waiting {
            return false;
        }
        self.end(LetterState::Discarded, at);
        self.note(at, Happened::Discarded { by: by.clone(), why: why.to_owned() });
        true
    }

    fn is_held_by(&self, replay: ReplayId) -> bool {
        self.state == LetterState::Replaying && self.replay == Some(replay)
    }

    fn end(&mut self, state: LetterState, at: Timestamp) {
        debug_assert!(state.is_final());
        self.state = state;
        self.ended_at = Some(at);
    }

    fn note(&mut self, at: Timestamp, what: Happened) {
        if self.history.len() == HISTORY_MAX {
            self.history.remove(1);
        }
        self.history.push(HistoryEntry { at, what });
    }
}

fn digest(body: &[u8]) -> String {
    hex::encode(&Sha256::digest(body)[..16])
}

#[cfg(test)]
mod tests;
