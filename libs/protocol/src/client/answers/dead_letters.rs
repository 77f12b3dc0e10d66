//! Answers about dead letters, for administrators. Nothing that a person typed is in them, except in the body
//! of a letter that was revealed.

use crate::client::shape::Success;
use crate::dead_letters::{
    BodyVersion, Cause, DeadLetter, DeadLetterId, Happened, HistoryEntry, LetterState, ReplayId,
};
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A page of the dead letters: `GET /ops/dead-letters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LettersAnswer {
    /// The letters, the one that failed last first.
    pub letters: Vec<ShownLetter>,
    /// The `cursor` that asks for the next page; `null` if this page was not full.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
}

/// A dead letter without its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownLetter {
    /// What it carries and the id of its envelope, e.g. `command-018f6e3a-…`; the same whenever the same work
    /// fails again. It is safe in a path.
    #[serde(rename = "_id")]
    pub id: DeadLetterId,
    /// How often a handler had failed on it when it failed last.
    pub attempts: u32,
    /// Why it failed last.
    pub cause: Cause,
    /// The id that the logs name.
    #[schemars(with = "String")]
    pub envelope: Uuid,
    /// How often it became a dead letter.
    pub failures: u32,
    /// When it became a dead letter first.
    pub first_at: Timestamp,
    /// What it asks for or tells, e.g. `send_message` or `message_stored`; `null` if it cannot be read.
    pub kind: Option<String>,
    /// When it became a dead letter last.
    pub last_at: Timestamp,
    /// The queue that it came from, e.g. `persist.0`; `gateway` for the queue of any gateway.
    pub queue: String,
    /// Why it failed last, in words; never anything that a person typed.
    pub reason: String,
    /// The `_id` of the replay that has it, or had it last; else `null`.
    pub replay: Option<ReplayId>,
    /// How often it was replayed.
    pub replays: u32,
    /// Bytes of its body.
    pub size: u64,
    /// What becomes of it.
    pub state: LetterState,
    /// The newest version of its body: 1, and one more for each edit.
    pub version: u32,
}

/// Dead letters that failed for one cause: `GET /ops/dead-letters/groups`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LetterGroupsAnswer {
    /// The groups, the largest first.
    pub groups: Vec<ShownGroup>,
    /// Always true.
    pub success: Success,
}

/// Letters of one queue, cause and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownGroup {
    /// Why they failed last.
    pub cause: Cause,
    /// How many there are.
    pub count: u64,
    /// What they ask for or tell.
    pub kind: Option<String>,
    /// When the newest failed last.
    pub newest_at: Timestamp,
    /// When the oldest failed last.
    pub oldest_at: Timestamp,
    /// The queue that they came from.
    pub queue: String,
    /// Why the newest failed, in words.
    pub reason: String,
}

/// One dead letter: `GET /ops/dead-letters/{id}` and `POST …/reveal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LetterAnswer {
    /// What it carries, masked unless it is revealed; `null` if nobody can read it.
    pub body: Option<Value>,
    /// Why nobody can read it.
    pub body_error: Option<String>,
    /// What happened to it, the oldest first.
    pub history: Vec<ShownHappened>,
    /// The letter.
    pub letter: ShownLetter,
    /// The bytes of a revealed letter that nobody can read, in Base64.
    pub raw: Option<String>,
    /// The body is as it is.
    pub revealed: bool,
    /// Always true.
    pub success: Success,
    /// Its bodies, the oldest first.
    pub versions: Vec<ShownVersion>,
}

/// A letter that was edited: `PUT /ops/dead-letters/{id}/body`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EditedLetterAnswer {
    /// The letter with its new version.
    pub letter: ShownLetter,
    /// Always true.
    pub success: Success,
}

/// A body of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownVersion {
    /// When it came, or was edited.
    pub at: Timestamp,
    /// Who edited it; `null`: it came so.
    pub by: Option<UserId>,
    /// Its bytes.
    pub size: u64,
    /// Its number.
    pub version: u32,
}

/// Something that happened to a letter. Only the fields of its event are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownHappened {
    /// When.
    pub at: Timestamp,
    /// How often a handler had failed on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What.
    pub event: LetterEventWord,
    /// The queue that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Why it failed or was not sent, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayId>,
    /// The version that an edit made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Why somebody did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What happened to a letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LetterEventWord {
    /// It became a dead letter.
    #[default]
    Failed,
    /// It went back to where it came from.
    Replayed,
    /// A replay could not send it.
    Refused,
    /// Its body was edited.
    Edited,
    /// It is not to be done.
    Discarded,
}

impl From<&DeadLetter> for ShownLetter {
    fn from(letter: &DeadLetter) -> Self {
        Self {
            id: letter.id,
            attempts: letter.attempts,
            cause: letter.cause,
            envelope: letter.id.envelope,
            failures: letter.failures,
            first_at: letter.first_at,
            kind: letter.kind.clone(),
            last_at: letter.last_at,
            queue: letter.queue.clone(),
            reason: letter.reason.clone(),
            replay: letter.replay,
            replays: letter.replays,
            size: letter.size(),
            state: letter.state,
            version: letter.version(),
        }
    }
}

impl ShownVersion {
    /// The bodies of a letter with their numbers.
    pub fn all(versions: &[BodyVersion]) -> Vec<Self> {
        let shown = |(version, body): (u32, &BodyVersion)| Self {
            at: body.at,
            by: body.by.clone(),
            size: body.size,
            version,
        };
        (1..).zip(versions).map(shown).collect()
    }
}

impl From<HistoryEntry> for ShownHappened {
    fn from(HistoryEntry { at, what }: HistoryEntry) -> Self {
        let of = |event| Self { at, event, ..Self::default() };
        match what {
            Happened::Failed { queue, cause, reason, attempts } => Self {
                queue: Some(queue),
                cause: Some(cause),
                reason: Some(reason),
                attempts: Some(attempts),
                ..of(LetterEventWord::Failed)
            },
            Happened::Replayed { replay, by, why } => Self {
                replay: Some(replay),
                why: by.is_some().then_some(why),
                by,
                ..of(LetterEventWord::Replayed)
            },
            Happened::Refused { replay, reason } => {
                Self { replay: Some(replay), reason: Some(reason), ..of(LetterEventWord::Refused) }
            }
            Happened::Edited { by, why, version } => {
                Self { by: Some(by), why: Some(why), version: Some(version), ..of(LetterEventWord::Edited) }
            }
            Happened::Discarded { by, why } => {
                Self { by: Some(by), why: Some(why), ..of(LetterEventWord::Discarded) }
            }
        }
    }
}
