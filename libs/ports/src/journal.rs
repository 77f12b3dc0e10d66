//! The port to the journal, which remembers for minutes which messages a gateway has sent to its sockets.
//!
//! A gateway writes a part before it emits what the part names. A client that comes back to another gateway
//! (its own was replaced or killed) says which packet it saw last, and the parts tell which messages lie
//! before that packet; the rest is read from the store. A journal is derived and may be lost: then a
//! returning client starts afresh. Parts are numbered, so a loss shows as a hole. [`crate::journal_contract`]
//! is the executable form.

use async_trait::async_trait;
use eventflow_protocol::{GatewayId, ThreadId, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a journal is kept after its last part: longer than any session can be continued.
pub const JOURNAL_LIFE: Duration = Duration::from_mins(10);

/// A message on its way to sockets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The offset of its packet.
    pub position: u64,
    /// The thread it is in.
    pub thread: ThreadId,
    /// Its place in the thread.
    pub seq: u64,
}

/// What a gateway was about to emit at one moment, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// One more than that of the part before.
    pub number: u64,
    /// When it was written, by the gateway's clock.
    pub at: Timestamp,
    /// The session it is for, if it is for one only (what that session had missed elsewhere); else it is for
    /// everybody in the threads.
    pub session: Option<String>,
    /// Sessions that had missed something elsewhere and hear what is for everybody from this part on.
    #[serde(default)]
    pub joined: Vec<String>,
    /// The messages; empty in a part that only says that the gateway is still there.
    pub entries: Vec<Entry>,
}

/// The journal cannot be used now.
#[derive(Debug, thiserror::Error)]
#[error("use the journal: {what}")]
pub struct JournalError {
    /// What was attempted.
    pub what: &'static str,
    /// What the driver said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Keeps the journals of gateways.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Adds a part to the gateway's journal and forgets its parts numbered below `keep_from`. When it
    /// returns, another process can read the part, whatever becomes of this one; it need not outlive a power
    /// cut. Adding a number that is there changes nothing, so an append whose end was not heard is safe to
    /// repeat. Numbers only rise: one that was passed over, or is forgotten, is refused.
    async fn append(&self, gateway: &GatewayId, part: &Part, keep_from: u64) -> Result<(), JournalError>;

    /// The gateway's parts in order of their numbers; nothing if there is no journal (any more). May have
    /// holes.
    async fn read(&self, gateway: &GatewayId) -> Result<Vec<Part>, JournalError>;
}

/// For processes that share nothing to keep a journal in: no session is continued at another gateway.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

#[async_trait]
impl Journal for NoJournal {
    async fn append(&self, _: &GatewayId, _: &Part, _: u64) -> Result<(), JournalError> {
        Ok(())
    }

    async fn read(&self, _: &GatewayId) -> Result<Vec<Part>, JournalError> {
        Ok(Vec::new())
    }
}
