//! Who hears of an event, and who came back to a thread.

use crate::{CommandId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Who hears of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub enum Audience {
    /// The participants of a thread.
    Thread(ThreadId),
    /// One person.
    User(UserId),
    /// The sockets that look at this person.
    Watchers(UserId),
    /// No client. Gateways act on the event themselves.
    Gateways,
}

/// The return of a person to a thread that they had left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameBack {
    /// The command that caused it.
    pub command: CommandId,
    /// When the ingress accepted the command.
    pub at: Timestamp,
}
