//! The answer of a search.

use crate::client::shape::{Sorted, Success, WithId};
use crate::document::Message;
use crate::search::Highlight;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of messages that were found: `GET /messages/search`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchAnswer {
    /// Whether every message that the caller may see was searched. False while many of them are not indexed
    /// yet, as after an upgrade; the hits are right, and there may be more later.
    pub complete: bool,
    /// What was found, the newest first. A page may have fewer than were asked for, or none, and still have a
    /// `nextCursor`.
    pub hits: Vec<SearchHit>,
    /// The `cursor` that goes on with the same query; `null` if nothing follows.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchHit {
    /// The places of its `content` that have what was looked for, ascending; at most a hundred.
    pub highlights: Vec<Highlight>,
    /// The message as it is now.
    pub message: Sorted<WithId<Message>>,
}
