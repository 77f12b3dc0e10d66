//! Answers about blocks between people.

use crate::Timestamp;
use crate::client::shape::Success;
use crate::person::Participant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody is blocked: `PUT /users/{id}/block`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockAnswer {
    /// The block as it is stored; `null` if the request came before under its key, and the block has ended
    /// since.
    pub block: Option<ListedBlock>,
    /// Always true.
    pub success: Success,
}

/// A page of the people whom one blocks: `GET /users/blocks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlocksAnswer {
    /// The blocks, sorted by the id of who is blocked.
    pub blocks: Vec<ListedBlock>,
    /// The `cursor` that asks for the next page; `null` if nothing follows.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
}

/// Somebody whom one blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedBlock {
    /// Since when.
    pub blocked_at: Timestamp,
    /// Who is blocked.
    pub user: Participant,
}
