//! Blocks between people.
//!
//! A block is one document for each pair, and a change replaces the revision that it has read. Safe to repeat
//! because [`KeptBlock`] says which changes count. What a block does to threads is in [`crate::away`].

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::blocks::{BlockRecord, block_key};
use crate::record::values::count;
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{BlockPage, Blocks, StoreError, WithCommandId};
use eventflow_protocol::UserId;
use eventflow_protocol::blocks::{
    BLOCKS_MAX, Block, BlockChanged, BlockEffect, BlockStep, ChangeBlock, KeptBlock,
};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use std::collections::HashMap;

/// Rounds of a change, while others change the same block: a person has few devices.
const ROUNDS_MAX: u32 = 16;

const CHANGE: &str = "change a block";

#[async_trait]
impl Blocks for MongoStore {
    async fn change_block(&self, change: &WithCommandId<ChangeBlock>) -> Result<BlockChanged, StoreError> {
        let WithCommandId { command_id, wanted } = change;
        let (user, other) = (&wanted.user_id, &wanted.other);
        for _ in 0..ROUNDS_MAX {
            let (mut kept, revision) = self.kept_block(user, other).await?;
            let step = kept.change(*command_id, wanted);
            let is_written = match step {
                BlockStep::KeyReused => return Ok(BlockChanged::KeyReused),
                BlockStep::Before => true,
                BlockStep::Changed
                    if wanted.is_blocked && self.count_blocks(user).await? >= u64::from(BLOCKS_MAX) =>
                {
                    return Ok(BlockChanged::TooMany);
                }
                BlockStep::Changed | BlockStep::Nothing => {
                    self.replace_block(BlockRecord::new(user, other, &kept, revision), revision).await?
                }
            };
            if is_written {
                let threads = self.threads_apart(user, other).await?;
                let is_new = step == BlockStep::Changed;
                return Ok(BlockChanged::Done(BlockEffect { blocked_at: kept.blocked_at, threads, is_new }));
            }
        }
        Err(CallError::new(CHANGE, crate::call::Cause::Contended(ROUNDS_MAX)).into())
    }

    async fn blocks_of(&self, user: &UserId, page: BlockPage) -> Result<Vec<Block>, StoreError> {
        let mut filter = of_person(user);
        if let Some(after) = &page.after {
            filter.insert("otherId", doc! { "$gt": after.as_str() });
        }
        let (collection, limit) = (self.blocks.clone(), i64::from(page.limit.clamp(1, PAGE_MAX)));
        let find = async move {
            let find = collection.find(filter).sort(doc! { "userId": 1, "otherId": 1 }).limit(limit);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("list blocks", READ_LIMIT, find).await?;
        Ok(found.into_iter().filter_map(BlockRecord::into_block).collect())
    }

    async fn blocked_by(&self, users: &[UserId]) -> Result<HashMap<UserId, Vec<Block>>, StoreError> {
        Ok(self.read_blocked_by(users).await?)
    }
}

impl MongoStore {
    /// See [`eventflow_ports::Blocks::blocked_by`].
    pub(crate) async fn read_blocked_by(
        &self,
        users: &[UserId],
    ) -> Result<HashMap<UserId, Vec<Block>>, CallError> {
        if users.is_empty() {
            return Ok(HashMap::new());
        }
        let users: Vec<&str> = users.iter().map(UserId::as_str).collect();
        let found = self.find_blocks(doc! { "userId": { "$in": users }, "blockedAt": held() }).await?;
        let mut lists: HashMap<UserId, Vec<Block>> = HashMap::new();
        for record in found {
            let user = record.user_id.clone();
            lists.entry(user).or_default().extend(record.into_block());
        }
        Ok(lists)
    }

    /// The blocks that this filter selects.
    pub(crate) async fn find_blocks(&self, filter: Document) -> Result<Vec<BlockRecord>, CallError> {
        let collection = self.blocks.clone();
        let find = async move {
            let find = collection.find(filter).projection(doc! { "done": 0 }).max_time(READ_LIMIT);
            find.await?.try_collect::<Vec<_>>().await
        };
        self.calls.run("read blocks", READ_LIMIT, find).await
    }

    /// The block and its revision; 0 if nobody has ever changed it.
    async fn kept_block(&self, user: &UserId, other: &UserId) -> Result<(KeptBlock, u64), CallError> {
        let (collection, filter) = (self.blocks.clone(), doc! { "_id": block_key(user, other) });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        let found = self.calls.run("read a block", READ_LIMIT, find).await?;
        Ok(found.map_or_else(Default::default, |record| {
            let revision = count(record.revision);
            (record.into_kept(), revision)
        }))
    }

    async fn count_blocks(&self, user: &UserId) -> Result<u64, CallError> {
        let (collection, filter) = (self.blocks.clone(), of_person(user));
        let count = async move {
            collection.count_documents(filter).limit(u64::from(BLOCKS_MAX)).max_time(READ_LIMIT).await
        };
        self.calls.run("count blocks", READ_LIMIT, count).await
    }

    /// Writes a block over the revision that was read; `false` if somebody else was faster.
    async fn replace_block(&self, next: BlockRecord, before: u64) -> Result<bool, CallError> {
        let collection = self.blocks.clone();
        if before == 0 {
            let insert = async move { collection.insert_one(next).await.map(drop) };
            return match self.calls.run(CHANGE, WRITE_LIMIT, insert).await {
                Ok(()) => Ok(true),
                Err(error) if error.is_duplicate() => Ok(false),
                Err(error) => Err(error),
            };
        }
        let key = block_key(&next.user_id, &next.other_id);
        let filter = doc! { "_id": key, "revision": next.revision - 1 };
        let write = async move { collection.replace_one(filter, next).await };
        Ok(self.calls.run(CHANGE, WRITE_LIMIT, write).await?.matched_count == 1)
    }
}

/// The blocks of a person that hold, in the words of their index.
fn of_person(user: &UserId) -> Document {
    doc! { "userId": user.as_str(), "blockedAt": held() }
}

/// What `blockedAt` is of a block that holds.
pub(crate) fn held() -> Document {
    doc! { "$exists": true }
}
