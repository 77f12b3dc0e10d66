//! Answers that are about no document: done, queued, and how the service is.

use crate::client::shape::Success;
use crate::{CommandId, ThreadId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The request was carried out and there is nothing to show: `POST /users/{id}/revoke`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoneAnswer {
    /// Always true.
    pub success: Success,
}

/// The broker has the command and the store is slow or down: the command will be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueuedAnswer {
    /// The command's id, for questions to an operator.
    pub command_id: CommandId,
    /// Always `queued`.
    pub status: QueuedStatus,
    /// Always true.
    pub success: Success,
    /// The thread that the command is about, where the answer names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
}

impl QueuedAnswer {
    /// An answer that names the command alone.
    pub fn of(command_id: CommandId) -> Self {
        Self { command_id, status: QueuedStatus::Queued, success: Success, thread_id: None }
    }

    /// An answer that also names the thread.
    pub fn in_thread(command_id: CommandId, thread_id: ThreadId) -> Self {
        Self { thread_id: Some(thread_id), ..Self::of(command_id) }
    }
}

/// The only status of a command that is not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QueuedStatus {
    /// The command will be carried out.
    #[default]
    Queued,
}

/// How the service is, for administrators: `GET /messaging/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusAnswer {
    /// How many gateways reported lately.
    pub gateways: u64,
    /// What is going on.
    pub stats: ServiceStats,
    /// Age of the oldest figures in `stats`, in milliseconds; `null` if no gateway reported.
    #[serde(rename = "statsAgeMs")]
    pub stats_age_ms: Option<u64>,
    /// Whether every part can be used.
    pub status: ServiceHealth,
    /// Always true.
    pub success: Success,
    /// When the answer was made.
    pub timestamp: Timestamp,
    /// The parts that cannot be used now: `broker`, `store`, `presence`, or a `gateway` whose report is
    /// overdue.
    pub unavailable: Vec<String>,
}

/// Whether every part of the service can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceHealth {
    /// Every part can be used.
    Healthy,
    /// Some part cannot be used.
    Degraded,
}

/// What is going on: sums over the gateways that reported lately, and people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStats {
    /// Open sockets.
    pub connected_clients: u64,
    /// People who are connected, each once.
    pub online_users: u64,
    /// Threads that somebody looks at.
    pub rooms: u64,
    /// People who type at this moment.
    pub typing_users: u64,
}
