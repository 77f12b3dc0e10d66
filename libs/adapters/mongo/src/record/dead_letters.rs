//! Dead letters, their bodies, replays and the audit log as the database keeps them.

use crate::record::values::date;
use eventflow_protocol::dead_letters::{AuditEntry, DeadLetter, Replay};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime};
use serde::{Deserialize, Serialize};

/// A document of `deadLetters`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LetterRecord {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    queue: String,
    cause: String,
    kind: Option<String>,
    state: String,
    last_at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replay: Option<String>,
    reason: String,
    /// Rises with each change.
    pub(crate) revision: i64,
    /// The whole letter as JSON; the other fields repeat what is asked for.
    letter: String,
}

/// Which body of a letter: its letter, when that became one, and what tells the body apart.
#[derive(Clone, Debug)]
pub(crate) struct BodyKey {
    pub(crate) letter: String,
    pub(crate) born: DateTime,
    pub(crate) digest: String,
}

/// A document of `deadLetterBodies`: a part of a body.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BodyRecord {
    #[serde(rename = "_id")]
    id: String,
    letter: String,
    born: DateTime,
    digest: String,
    part: i64,
    bytes: Binary,
}

/// A document of `deadLetterReplays`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayRecord {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimable_at: Option<DateTime>,
    /// Rises with each change.
    pub(crate) revision: i64,
    /// The whole replay as JSON.
    replay: String,
}

/// A document of `audit`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditRecord {
    #[serde(rename = "_id")]
    id: String,
    at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    letter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replay: Option<String>,
    action: String,
    /// The whole entry as JSON.
    entry: String,
}

impl LetterRecord {
    pub(crate) fn new(letter: &DeadLetter, revision: i64) -> Self {
        Self {
            id: letter.id.to_string(),
            queue: letter.queue.clone(),
            cause: letter.cause.name().to_owned(),
            kind: letter.kind.clone(),
            state: letter.state.name().to_owned(),
            last_at: date(letter.last_at),
            ended_at: letter.ended_at.map(date),
            replay: letter.replay.map(|replay| replay.to_string()),
            reason: letter.reason.clone(),
            revision,
            letter: serde_json::to_string(letter).unwrap_or_default(),
        }
    }

    /// The letter; `None` if somebody else has written a document that is none.
    pub(crate) fn into_letter(self) -> Option<DeadLetter> {
        serde_json::from_str(&self.letter).ok()
    }
}

impl BodyKey {
    /// The key of a version of a letter's body; `None` if there is no such version.
    pub(crate) fn of(letter: &DeadLetter, version: u32) -> Option<Self> {
        let place = usize::try_from(version).ok()?.checked_sub(1)?;
        let digest = letter.versions.get(place)?.digest.clone();
        Some(Self { letter: letter.id.to_string(), born: date(letter.first_at), digest })
    }
}

impl BodyRecord {
    /// The parts of a body, each of at most `part_max` bytes; an empty body has one.
    pub(crate) fn parts(key: &BodyKey, body: &[u8], part_max: usize) -> Vec<Self> {
        let chunks = if body.is_empty() { vec![body] } else { body.chunks(part_max).collect() };
        let BodyKey { letter, born, digest } = key;
        let record = |(part, bytes): (i64, &[u8])| Self {
            id: format!("{letter}/{}/{digest}/{part}", born.timestamp_millis()),
            letter: letter.clone(),
            born: *born,
            digest: digest.clone(),
            part,
            bytes: Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() },
        };
        (0..).zip(chunks).map(record).collect()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes.bytes
    }
}

impl ReplayRecord {
    pub(crate) fn new(replay: &Replay, revision: i64) -> Self {
        Self {
            id: replay.id.to_string(),
            claimable_at: replay.claimable_at.map(date),
            revision,
            replay: serde_json::to_string(replay).unwrap_or_default(),
        }
    }

    /// The replay; `None` if somebody else has written a document that is none.
    pub(crate) fn into_replay(self) -> Option<Replay> {
        serde_json::from_str(&self.replay).ok()
    }
}

impl AuditRecord {
    pub(crate) fn new(entry: &AuditEntry) -> Self {
        Self {
            id: entry.id.clone(),
            at: date(entry.at),
            letter: entry.letter.map(|letter| letter.to_string()),
            replay: entry.replay.map(|replay| replay.to_string()),
            action: entry.action.name().to_owned(),
            entry: serde_json::to_string(entry).unwrap_or_default(),
        }
    }

    /// The entry; `None` if somebody else has written a document that is none.
    pub(crate) fn into_entry(self) -> Option<AuditEntry> {
        serde_json::from_str(&self.entry).ok()
    }
}
