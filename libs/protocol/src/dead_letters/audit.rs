//! The audit log: who did what to dead letters, when and why.
//!
//! An entry is stored before the thing is done, so nothing is done without one. The entries of a replay's
//! letters have ids that follow from both and from what was done, so a replay that is resumed writes none
//! twice.

use super::{DeadLetterId, ReplayId};
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// Looked at what a letter carries.
    Reveal,
    /// Gave a letter another body.
    Edit,
    /// Decided that a letter is not to be done.
    Discard,
    /// Asked for a replay.
    Replay,
    /// One letter of a replay was sent.
    ReplayLetter,
    /// One letter of a replay was not sent.
    ReplayRefused,
    /// Ended the connections of a person.
    Disconnect,
    /// Asked that a person is erased.
    Erase,
    /// Took out everything that is kept of a person.
    Export,
}

impl AuditAction {
    /// Its word for clients and stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reveal => "reveal",
            Self::Edit => "edit",
            Self::Discard => "discard",
            Self::Replay => "replay",
            Self::ReplayLetter => "replay_letter",
            Self::ReplayRefused => "replay_refused",
            Self::Disconnect => "disconnect",
            Self::Erase => "erase",
            Self::Export => "export",
        }
    }
}

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// The id: entries with equal ids are one entry.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: UserId,
    /// What.
    pub action: AuditAction,
    /// Why.
    pub why: String,
    /// To which letter.
    pub letter: Option<DeadLetterId>,
    /// By which replay.
    pub replay: Option<ReplayId>,
    /// What else there is to say; no contents.
    pub detail: Option<String>,
}

impl AuditEntry {
    /// An entry of its own, about nothing yet.
    pub fn new(action: AuditAction, by: UserId, why: String, at: Timestamp) -> Self {
        let id = Uuid::now_v7().to_string();
        Self { id, at, by, action, why, letter: None, replay: None, detail: None }
    }

    /// The same entry, about a letter.
    #[must_use]
    pub fn about(self, letter: DeadLetterId) -> Self {
        Self { letter: Some(letter), ..self }
    }

    /// What a replay did with one letter: the same replay, letter and deed give the same entry. A letter that
    /// could not be sent, and was when the replay was resumed, has an entry of each.
    pub fn of_replayed(
        replay: ReplayId,
        letter: DeadLetterId,
        (by, why): (UserId, String),
        refused: Option<String>,
        at: Timestamp,
    ) -> Self {
        let (action, id) = match refused {
            Some(_) => (AuditAction::ReplayRefused, format!("{replay}/{letter}/refused")),
            None => (AuditAction::ReplayLetter, format!("{replay}/{letter}")),
        };
        Self { id, at, by, action, why, letter: Some(letter), replay: Some(replay), detail: refused }
    }
}
