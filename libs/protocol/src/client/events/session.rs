//! Events about the connection itself: who it belongs to, and what could not be answered by callback.

use crate::client::events::name::ServerEvent;
use crate::{ErrorCode, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The socket belongs to a user now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthSuccess {
    /// The user.
    pub user_id: UserId,
}

impl ServerEvent for AuthSuccess {
    const NAME: &'static str = "auth:success";
}

/// A credential does not hold: as an answer to `auth`, and before the socket is closed because its token has
/// ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthError {
    /// A code for programs.
    pub code: ErrorCode,
    /// A sentence for people.
    pub error: String,
    /// Milliseconds until the same event may succeed; absent if it has to be changed first.
    #[serde(default, rename = "retryAfterMs", skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ServerEvent for AuthError {
    const NAME: &'static str = "auth:error";
}

/// An operator ends the connection. The credential goes on holding, so the client may connect again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnded {
    /// Why, in the operator's words.
    pub reason: String,
}

impl ServerEvent for SessionEnded {
    const NAME: &'static str = "session:ended";
}

/// An event was refused that had no callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventError {
    /// A code for programs.
    pub code: ErrorCode,
    /// A sentence for people.
    pub error: String,
    /// The name of the event that was refused; of a long name that the protocol does not have, the beginning.
    pub event: String,
    /// Milliseconds until the same event may succeed; absent if it has to be changed first.
    #[serde(default, rename = "retryAfterMs", skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ServerEvent for EventError {
    const NAME: &'static str = "error";
}

/// The field `data` of a `connect_error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectErrorData {
    /// A code for programs.
    pub code: ErrorCode,
    /// Milliseconds until a connection may succeed; absent if its credential has to be changed first.
    #[serde(default, rename = "retryAfterMs", skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
