//! The journal port: for a few minutes, a journal remembers which messages a gateway has sent to its sockets.
//!
//! A gateway writes a part before it emits the messages that the part names. When its own gateway was
//! replaced or killed, a client returns to another gateway and says which packet it saw last. The parts tell
//! which messages lie before that packet, and the gateway reads the rest from the store. A journal is derived
//! data and may be lost; then a returning client starts a new session. Parts are numbered, so a lost part
//! shows as a gap. [`crate::journal_contract`] checks these promises.

use async_trait::async_trait;
use eventflow_protocol::{GatewayId, ThreadId, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Retention: how long a journal is kept after its last part. It is longer than any session can be continued.
pub const JOURNAL_LIFE: Duration = Duration::from_mins(10);

/// A message that a gateway sends to sockets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Offset of the packet that carries the message.
    pub position: u64,
    /// Thread of the message.
    pub thread: ThreadId,
    /// Sequence number of the message in its thread.
    pub seq: u64,
}

/// What a gateway was about to emit at one moment, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Number of the part: one more than that of the part before.
    pub number: u64,
    /// Time at which the part was written, by the gateway's clock.
    pub at: Timestamp,
    /// Session that the part is for, if it carries what one session had missed elsewhere. `None`: the part is
    /// for everybody in the threads.
    pub session: Option<String>,
    /// Sessions that have now received what they missed elsewhere. From this part on they get the parts for
    /// everybody.
    #[serde(default)]
    pub joined: Vec<String>,
    /// The messages. A part without messages only says that the gateway is alive.
    pub entries: Vec<Entry>,
}

/// The journal cannot be used now.
#[derive(Debug, thiserror::Error)]
#[error("use the journal: {what}")]
pub struct JournalError {
    /// Operation that was attempted.
    pub what: &'static str,
    /// Error that the driver gave.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Keeps the journals of gateways.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Adds a part to the gateway's journal and deletes its parts numbered below `keep_from`.
    ///
    /// When the call returns, another process can read the part, even if this process dies. The part need not
    /// survive a power cut. Safe to repeat because adding an existing number changes nothing. Numbers only
    /// rise: the journal refuses a number that was skipped or deleted.
    async fn append(&self, gateway: &GatewayId, part: &Part, keep_from: u64) -> Result<(), JournalError>;

    /// Reads the gateway's parts in the order of their numbers; empty if there is no journal (any more).
    /// Numbers may be missing.
    async fn read(&self, gateway: &GatewayId) -> Result<Vec<Part>, JournalError>;
}

/// For processes that share no journal: no session can be continued at another gateway.
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
