//! The blocks port: who wants to hear nothing of whom.
//!
//! [`KeptBlock`](eventflow_protocol::blocks::KeptBlock) says how a block changes; a store runs these changes
//! one at a time for each pair. What a block does to threads is a promise of [`crate::Store`]: a thread is
//! away for whoever has blocked the other one of its two people, or the one who brought them in. Every method
//! may be repeated. [`crate::blocks_contract`] checks these promises.

use crate::store::{StoreError, WithCommandId};
use async_trait::async_trait;
use eventflow_protocol::UserId;
use eventflow_protocol::blocks::{Block, BlockChanged, ChangeBlock};
use std::collections::HashMap;

/// Selects a page of a person's blocks, sorted by the id of who is blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockPage {
    /// Cursor: continue after this person.
    pub after: Option<UserId>,
    /// Page size, 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
}

/// Keeps blocks.
#[async_trait]
pub trait Blocks: Send + Sync + 'static {
    /// Changes a block ([`eventflow_protocol::blocks::KeptBlock::change`]). After [`BlockChanged::Done`] it
    /// is durable, and every question that begins then is answered by it.
    ///
    /// A person blocks at most [`eventflow_protocol::blocks::BLOCKS_MAX`] others. The store looks for room
    /// before it begins a block; several processes that begin blocks of one person at the same moment may go
    /// beyond the bound by their number.
    async fn change_block(&self, change: &WithCommandId<ChangeBlock>) -> Result<BlockChanged, StoreError>;

    /// Reads a page of the people whom this person blocks.
    async fn blocks_of(&self, user: &UserId, page: BlockPage) -> Result<Vec<Block>, StoreError>;

    /// Reads whom each of these people blocks, in any order; who blocks nobody is absent.
    async fn blocked_by(&self, users: &[UserId]) -> Result<HashMap<UserId, Vec<Block>>, StoreError>;
}
