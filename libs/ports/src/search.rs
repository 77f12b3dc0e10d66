//! The search port: what a store keeps of messages so that those with some words are found without reading
//! all of them.
//!
//! Messages are gathered in *blocks*: a run of messages of one thread with the [`Signature`] of what they
//! have. [`find()`] passes over the blocks that cannot have a hit and reads the messages of the others. What
//! a thread has beyond its blocks (its *tail*) is read as it is, so a message is found whether its block is
//! there or not, and what is found is always judged by what the message says now. Blocks are written behind
//! the messages, by whoever stores messages ([`block`]); they are derived, and may be made again from any
//! state of them. [`crate::search_contract`] checks the promises.
//!
//! [`Signature`]: eventflow_protocol::search::Signature

pub mod block;
mod find;
mod turns;

pub use block::{Block, BlockEnd};
pub use find::{Found, Hit, SearchQuery, TAIL_MAX, THREADS_MAX, find};

use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::document::Message;
use eventflow_protocol::search::Wanted;
use eventflow_protocol::{ThreadId, Timestamp, UserId};

/// How far a thread is stored, and how far it is in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The thread.
    pub thread: ThreadId,
    /// Place of its newest message that lists know; 0 for none.
    pub stored: u64,
    /// Place up to which every message is in a block; 0 for none.
    pub indexed: u64,
    /// Place after which the person who asks sees messages; 0 where nobody asks.
    pub since: u64,
}

impl Reach {
    /// Whether messages wait for their block.
    pub fn is_behind(&self) -> bool {
        self.indexed < self.stored
    }
}

/// A run of messages of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The thread.
    pub thread: ThreadId,
    /// Place of the first message.
    pub first: u64,
    /// Place of the last message.
    pub last: u64,
    /// When the newest of them was accepted, or later.
    pub newest: Timestamp,
}

/// Which blocks are asked for.
#[derive(Clone, Debug)]
pub struct BlockFilter {
    /// What their signature must have.
    pub wanted: Wanted,
    /// Only blocks with a message that was accepted at this time or later.
    pub from: Timestamp,
    /// Only blocks with a message that was accepted at this time or earlier.
    pub to: Timestamp,
}

/// Keeps blocks of messages, and reads the messages of runs.
#[async_trait]
pub trait SearchIndex: Send + Sync + 'static {
    /// Reads the threads that a person is in now, or the one of them that is named, at most `limit`, the most
    /// recently active first as far as the store knows. Nobody else's thread is ever among them. Each says
    /// from where on the person sees it ([`eventflow_protocol::Participants::seen_from`]).
    async fn reaches_of(
        &self,
        user: &UserId,
        only: Option<ThreadId>,
        limit: u32,
    ) -> Result<Vec<Reach>, StoreError>;

    /// Reads the blocks of these threads that the filter lets through, in any order. Contains every block
    /// that was there when [`SearchIndex::reaches_of`] was called before.
    async fn blocks(&self, threads: &[ThreadId], filter: &BlockFilter) -> Result<Vec<Run>, StoreError>;

    /// Reads the messages of these runs that were accepted from `from` to `to`, in any order.
    async fn messages_of(
        &self,
        runs: &[Run],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Message>, StoreError>;

    /// Reads how far these threads are; unknown ones are absent.
    async fn reaches(&self, threads: &[ThreadId]) -> Result<Vec<Reach>, StoreError>;

    /// Reads some of the threads that are behind, in the order of their ids after `after`, and where to go
    /// on; `None` at the end.
    async fn behind(
        &self,
        after: Option<ThreadId>,
        limit: u32,
    ) -> Result<(Vec<Reach>, Option<ThreadId>), StoreError>;

    /// Reads where the last block of each thread ends; threads without a block are absent. Blocks of edited
    /// messages do not count.
    async fn block_ends(&self, threads: &[ThreadId]) -> Result<Vec<(ThreadId, BlockEnd)>, StoreError>;

    /// Writes blocks, then notes how far their threads are in blocks. A block with the same thread, first
    /// message and mark is replaced unless it goes further. What is noted never goes back.
    ///
    /// It may be lost with the end of a machine, but the note never without the blocks. A store of several
    /// servers may show it a moment later.
    async fn add_blocks(&self, blocks: &[Block], reached: &[(ThreadId, u64)]) -> Result<(), StoreError>;

    /// Writes the blocks of edited messages. When the answer comes they are as durable as the messages, and
    /// every search sees them.
    async fn add_edited(&self, blocks: &[Block]) -> Result<(), StoreError>;
}
