//! Erasures as the database keeps them.

use crate::record::values::{count, date, moment, place};
use eventflow_ports::erasures::Mark;
use eventflow_protocol::UserId;
use eventflow_protocol::erasure::Erasure;
use mongodb::bson::DateTime;
use serde::{Deserialize, Serialize};

/// A document of `erasures`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErasureRecord {
    #[serde(rename = "_id")]
    pub(crate) user_id: UserId,
    marked_at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<DateTime>,
    pub(crate) revision: i64,
    /// The whole erasure as JSON: nothing else of it is ever asked for.
    erasure: String,
}

impl ErasureRecord {
    pub(crate) fn new(erasure: &Erasure, revision: u64) -> Self {
        Self {
            user_id: erasure.user_id.clone(),
            marked_at: date(erasure.marked_at),
            due_at: erasure.due_at.map(date),
            revision: place(revision),
            erasure: serde_json::to_string(erasure).unwrap_or_default(),
        }
    }

    /// The erasure; `None` if somebody else has written a document that is none.
    pub(crate) fn into_erasure(self) -> Option<Erasure> {
        let erasure: Erasure = serde_json::from_str(&self.erasure).ok()?;
        Some(Erasure { revision: count(self.revision), ..erasure })
    }

    /// The mark that it is.
    pub(crate) fn into_mark(self) -> Mark {
        Mark { at: moment(self.marked_at), user: self.user_id }
    }
}
