//! What the adapter tells whoever keeps the metrics.
//!
//! Every method has an empty body, so that an observer names only what it counts. They are called from tasks
//! of the adapter and must not block.

use std::fmt;
use std::time::Duration;

/// Which of the two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Publishers and replies.
    Publish,
    /// Subscriptions and declarations.
    Consume,
}

impl Side {
    /// For labels and connection names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Listens to what happens to the connections.
pub trait Observer: Send + Sync + 'static {
    /// A connection was established; `generation` is 1 for the first, so anything larger is a reconnect.
    fn connected(&self, _side: Side, _generation: u64) {}
    /// The broker let publishers go on after it had held them back for this long.
    fn unblocked(&self, _side: Side, _lasted: Duration) {}
    /// A mandatory message came back because its queue does not exist.
    fn returned(&self) {}
    /// A reply could not be handed on (nobody reads, or no connection).
    fn reply_dropped(&self) {}
}

/// Listens to nothing.
pub(crate) struct Deaf;

impl Observer for Deaf {}
