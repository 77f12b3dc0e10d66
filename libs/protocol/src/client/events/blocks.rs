//! The event about blocks between people.

use crate::client::events::name::ServerEvent;
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One has blocked somebody, or has ended that, on any of one's devices. Whoever is blocked hears nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockUpdated {
    /// Whether the block holds now.
    pub is_blocked: bool,
    /// When the request was accepted.
    pub updated_at: Timestamp,
    /// Who is blocked.
    pub user_id: UserId,
}

impl ServerEvent for BlockUpdated {
    const NAME: &'static str = "block:updated";
}
