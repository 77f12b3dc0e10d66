//! Replays: which letters go back to where they came from, and how far that has come.
//!
//! A replay is kept before its first letter is sent. Its worker takes the letters in order, some at a time,
//! and then moves the cursor. Repeating a step after a crash is safe: a letter that was confirmed is passed
//! over, and one that was sent without a confirm is sent again under the same envelope id.

use super::{Cause, DeadLetterId, LetterState};
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// The id of a replay.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ReplayId(#[schemars(with = "String")] pub Uuid);

impl ReplayId {
    /// A fresh id, ascending in time.
    #[allow(clippy::new_without_default, reason = "a default id would be a new one each time")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for ReplayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ReplayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ReplayId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Which letters somebody means; what is not named is anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterFilter {
    /// The queue that they came from.
    pub queue: Option<String>,
    /// Why they failed last.
    pub cause: Option<Cause>,
    /// What they ask for or tell.
    pub kind: Option<String>,
    /// What became of them.
    pub state: Option<LetterState>,
    /// They failed last at this time or later.
    pub from: Option<Timestamp>,
    /// They failed last before this time.
    pub to: Option<Timestamp>,
    /// The replay that has them, or had them last.
    pub replay: Option<ReplayId>,
}

/// A place in a list of letters: after the one that failed last at this time and has this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LetterPlace {
    /// When it failed last.
    pub at: Timestamp,
    /// The letter.
    pub id: DeadLetterId,
}

/// The letters of a replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhichLetters {
    /// These: ascending, each once.
    Ids(Vec<DeadLetterId>),
    /// Those that waited when the replay was asked for, and fit.
    Matching(LetterFilter),
}

impl WhichLetters {
    /// These letters, in order and each once.
    pub fn of_ids(mut ids: Vec<DeadLetterId>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self::Ids(ids)
    }
}

/// How far a replay has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayState {
    /// Letters are being sent.
    Running,
    /// All were looked at.
    Done,
}

/// Who sent a letter back, by which replay and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The replay.
    pub replay: ReplayId,
    /// Who asked for it.
    pub by: UserId,
    /// Why.
    pub why: String,
}

/// A replay as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// The id.
    pub id: ReplayId,
    /// Who asked for it.
    pub by: UserId,
    /// Why.
    pub why: String,
    /// Which letters.
    pub which: WhichLetters,
    /// Letters sent in a second, at most.
    pub per_second: u32,
    /// Letters that waited when it was asked for.
    pub total: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// How far it has come.
    pub state: ReplayState,
    /// When all were looked at.
    pub ended_at: Option<Timestamp>,
    /// The last letter that was looked at.
    pub cursor: Option<LetterPlace>,
    /// When a worker may take it; nothing at its end.
    pub claimable_at: Option<Timestamp>,
}

impl Replay {
    /// What its letters remember of it.
    pub fn replayed(&self) -> Replayed {
        Replayed { replay: self.id, by: self.by.clone(), why: self.why.clone() }
    }

    /// A worker takes the replay until `until`; `false` if it may not be taken now.
    pub fn claim(&mut self, now: Timestamp, until: Timestamp) -> bool {
        let is_due = self.claimable_at.is_some_and(|at| at <= now);
        if is_due {
            self.claimable_at = Some(until);
        }
        is_due
    }

    /// A worker has looked at the letters from one place (as it had read it) to another, and keeps the replay
    /// until `until`. `false` if another worker was faster.
    pub fn advance(&mut self, from: Option<LetterPlace>, to: LetterPlace, until: Timestamp) -> bool {
        let counts = self.cursor == from && self.state == ReplayState::Running;
        if counts {
            self.cursor = Some(to);
            self.claimable_at = Some(until);
        }
        counts
    }

    /// All letters were looked at; `false` if it has ended before.
    pub fn end(&mut self, at: Timestamp) -> bool {
        let is_running = self.state == ReplayState::Running;
        if is_running {
            self.state = ReplayState::Done;
            self.ended_at = Some(at);
            self.claimable_at = None;
        }
        is_running
    }

    /// The worker lets go of the replay, which may be taken again at `until`; `false` if it has ended.
    pub fn release(&mut self, until: Timestamp) -> bool {
        let is_running = self.state == ReplayState::Running;
        if is_running {
            self.claimable_at = Some(until);
        }
        is_running
    }
}
