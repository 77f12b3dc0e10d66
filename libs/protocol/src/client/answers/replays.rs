//! Answers about what administrators decide about dead letters, and the audit log.

use crate::client::shape::Success;
use crate::dead_letters::{AuditAction, AuditEntry, DeadLetterId, Replay, ReplayId, ReplayState};
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A replay: `POST /ops/replays`, `GET /ops/replays/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayAnswer {
    /// The replay.
    pub replay: ShownReplay,
    /// Always true.
    pub success: Success,
}

/// A replay, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownReplay {
    /// The id.
    #[serde(rename = "_id")]
    pub id: ReplayId,
    /// Who asked for it.
    pub by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When all its letters had been looked at.
    pub ended_at: Option<Timestamp>,
    /// Letters of it that failed again.
    pub failed_again: u64,
    /// Letters sent in a second, at most.
    pub per_second: u32,
    /// Letters that could not be sent.
    pub refused: u64,
    /// Letters that were sent.
    pub replayed: u64,
    /// How far it has come.
    pub state: ReplayState,
    /// Letters that waited when it was asked for.
    pub total: u64,
    /// Why.
    pub why: String,
}

/// What a replay would do: `POST /ops/replays` with `dryRun`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryRunAnswer {
    /// What it would do.
    pub dry_run: DryRun,
    /// Always true.
    pub success: Success,
}

/// What a replay would do with the letters that were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DryRun {
    /// Letters that were looked at.
    pub looked: u64,
    /// Where those that can be sent would go.
    pub queues: Vec<DryRunQueue>,
    /// Some of those that would not be sent.
    pub refused: Vec<DryRunRefusal>,
    /// Letters that would be sent.
    pub replayable: u64,
    /// All letters that wait and were meant.
    pub total: u64,
}

/// A queue to which letters would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DryRunQueue {
    /// How many.
    pub count: u64,
    /// The queue.
    pub queue: String,
}

/// A letter that would not be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DryRunRefusal {
    /// The letter.
    #[serde(rename = "_id")]
    pub id: DeadLetterId,
    /// Why not.
    pub reason: String,
}

/// Letters that were discarded: `POST /ops/discards`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscardedAnswer {
    /// How many, by this request.
    pub discarded: u64,
    /// How many of those that were meant still wait.
    pub left: u64,
    /// Always true.
    pub success: Success,
}

/// A page of the audit log: `GET /ops/audit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditAnswer {
    /// The entries, newest first.
    pub entries: Vec<ShownAudit>,
    /// The `cursor` that asks for the next page; `null` if this page was not full.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
}

/// Who did what, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownAudit {
    /// The id.
    #[serde(rename = "_id")]
    pub id: String,
    /// What.
    pub action: AuditAction,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: UserId,
    /// What else there is to say.
    pub detail: Option<String>,
    /// To which letter.
    pub letter: Option<DeadLetterId>,
    /// By which replay.
    pub replay: Option<ReplayId>,
    /// Why.
    pub why: String,
}

impl ShownReplay {
    /// A replay with what became of its letters.
    pub fn new(replay: Replay, replayed: u64, refused: u64, failed_again: u64) -> Self {
        Self {
            id: replay.id,
            by: replay.by,
            created_at: replay.created_at,
            ended_at: replay.ended_at,
            failed_again,
            per_second: replay.per_second,
            refused,
            replayed,
            state: replay.state,
            total: replay.total,
            why: replay.why,
        }
    }
}

impl From<AuditEntry> for ShownAudit {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, at, by, action, why, letter, replay, detail } = entry;
        Self { id, action, at, by, detail, letter, replay, why }
    }
}
