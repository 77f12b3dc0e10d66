//! The words of dead letters: why they failed, and what becomes of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a worker could not handle a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
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

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 6] =
        [Self::Unreadable, Self::Refused, Self::GaveUp, Self::Crashed, Self::KilledWorker, Self::Unknown];

    /// Its word for clients, stores and metrics.
    pub fn name(self) -> &'static str {
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

/// What becomes of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LetterState {
    /// It waits for a decision.
    Waiting,
    /// A replay has it in hand.
    Replaying,
    /// It went back to where it came from and has not failed since.
    Replayed,
    /// Somebody decided that it is not to be done.
    Discarded,
}

impl LetterState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Replaying, Self::Replayed, Self::Discarded];

    /// Its word for clients and stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replaying => "replaying",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }

    /// Whether nothing more is to be done with the letter.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Replayed | Self::Discarded)
    }
}
