//! Observer: reports what happens to the connections to the code that keeps the metrics.
//!
//! Every method has an empty default body, so an observer implements only what it counts. The adapter's tasks
//! call the methods, so they must not block.

use std::fmt;
use std::time::Duration;

/// One of the adapter's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The connection for publishers.
    Publish,
    /// The connection for subscriptions and declarations.
    Consume,
    /// The connection for replies, from the first one on.
    Reply,
}

impl Side {
    /// The name of the connection, for labels and connection names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Consume => "consume",
            Self::Reply => "reply",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Receives events about the adapter's connections.
pub trait Observer: Send + Sync + 'static {
    /// A connection was established. `generation` is 1 for the first one; a larger number means a reconnect.
    fn connected(&self, _side: Side, _generation: u64) {}
    /// The broker began to hold publishers back.
    fn blocked(&self, _side: Side) {}
    /// The broker lets publishers go on. It had held them back for `lasted`.
    fn unblocked(&self, _side: Side, _lasted: Duration) {}
    /// The broker returned a mandatory message because its queue does not exist.
    fn returned(&self) {}
    /// The adapter dropped a reply because nobody reads the channel or there is no connection.
    fn reply_dropped(&self) {}
}

/// Ignores every event.
pub(crate) struct Deaf;

impl Observer for Deaf {}
