//! Blocks between people in the data file.
//!
//! Safe to repeat because each change runs in one transaction of the single writer, and [`KeptBlock`] says
//! which changes count. What a block does to threads is in [`super::away`].

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{BlockPage, Blocks, StoreError, WithCommandId};
use eventflow_protocol::blocks::{
    BLOCKS_MAX, Block, BlockChanged, BlockEffect, BlockStep, ChangeBlock, KeptBlock, THREADS_NAMED_MAX,
};
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::collections::HashMap;

#[async_trait]
impl Blocks for EmbeddedStore {
    async fn change_block(&self, change: &WithCommandId<ChangeBlock>) -> Result<BlockChanged, StoreError> {
        let change = change.clone();
        in_time("change a block", self.database.write(move |tx| self::change(tx, &change))).await
    }

    async fn blocks_of(&self, user: &UserId, page: BlockPage) -> Result<Vec<Block>, StoreError> {
        let user = user.clone();
        in_time("list blocks", self.database.read(move |connection| self::page(connection, &user, &page)))
            .await
    }

    async fn blocked_by(&self, users: &[UserId]) -> Result<HashMap<UserId, Vec<Block>>, StoreError> {
        let users = users.to_vec();
        in_time("read blocks", self.database.read(move |connection| blocked_by(connection, &users))).await
    }
}

fn change(
    connection: &Connection,
    WithCommandId { command_id, wanted }: &WithCommandId<ChangeBlock>,
) -> Result<BlockChanged> {
    let mut kept = find(connection, &wanted.user_id, &wanted.other)?;
    let step = kept.change(*command_id, wanted);
    match step {
        BlockStep::KeyReused => return Ok(BlockChanged::KeyReused),
        BlockStep::Changed if wanted.is_blocked && count(connection, &wanted.user_id)? >= BLOCKS_MAX => {
            return Ok(BlockChanged::TooMany);
        }
        BlockStep::Changed | BlockStep::Nothing => write(connection, wanted, &kept)?,
        BlockStep::Before => {}
    }
    let threads = threads(connection, &wanted.user_id, &wanted.other)?;
    let is_new = step == BlockStep::Changed;
    Ok(BlockChanged::Done(BlockEffect { blocked_at: kept.blocked_at, threads, is_new }))
}

fn find(connection: &Connection, user: &UserId, other: &UserId) -> Result<KeptBlock> {
    let mut statement = connection
        .prepare_cached("SELECT blocked_at, done FROM person_block WHERE user_id = ?1 AND other_id = ?2")?;
    let read = |row: &Row<'_>| {
        let blocked_at = row.get::<_, Option<i64>>("blocked_at")?.map(Timestamp);
        Ok(KeptBlock { blocked_at, done: column::unpack(row, "done")? })
    };
    Ok(statement.query_row(params![user.as_str(), other.as_str()], read).optional()?.unwrap_or_default())
}

fn count(connection: &Connection, user: &UserId) -> Result<u32> {
    let mut statement = connection
        .prepare_cached("SELECT COUNT(*) FROM person_block WHERE user_id = ?1 AND blocked_at IS NOT NULL")?;
    statement.query_row([user.as_str()], |row| row.get(0))
}

fn write(connection: &Connection, wanted: &ChangeBlock, kept: &KeptBlock) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO person_block (user_id, other_id, blocked_at, done) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let blocked_at = kept.blocked_at.map(|at| at.0);
    let done = column::pack(&kept.done)?;
    statement.execute(params![wanted.user_id.as_str(), wanted.other.as_str(), blocked_at, done])?;
    Ok(())
}

/// The threads that are away for `user` while they block `other`.
fn threads(connection: &Connection, user: &UserId, other: &UserId) -> Result<Vec<ThreadId>> {
    let mut statement = connection.prepare_cached(
        "SELECT thread_id FROM thread_participant WHERE user_id = ?1 AND apart_from = ?2 ORDER BY thread_id LIMIT ?3",
    )?;
    let limit = i64::try_from(THREADS_NAMED_MAX).unwrap_or(i64::MAX);
    let read = |row: &Row<'_>| Ok(ThreadId::from_bytes(row.get("thread_id")?));
    statement.query_map(params![user.as_str(), other.as_str(), limit], read)?.collect()
}

fn page(connection: &Connection, user: &UserId, page: &BlockPage) -> Result<Vec<Block>> {
    let mut statement = connection.prepare_cached(
        "SELECT other_id, blocked_at FROM person_block
         WHERE user_id = ?1 AND other_id > ?2 AND blocked_at IS NOT NULL ORDER BY other_id LIMIT ?3",
    )?;
    let after = page.after.as_ref().map_or("", UserId::as_str);
    statement.query_map(params![user.as_str(), after, page.limit.clamp(1, PAGE_MAX)], read_block)?.collect()
}

fn read_block(row: &Row<'_>) -> Result<Block> {
    Ok(Block { other: column::user(row, "other_id")?, at: column::time(row, "blocked_at")? })
}

fn blocked_by(connection: &Connection, users: &[UserId]) -> Result<HashMap<UserId, Vec<Block>>> {
    let mut statement = connection.prepare_cached(
        "SELECT other_id, blocked_at FROM person_block WHERE user_id = ?1 AND blocked_at IS NOT NULL",
    )?;
    let mut found = HashMap::new();
    for user in users {
        let blocks: Vec<Block> = statement.query_map([user.as_str()], read_block)?.collect::<Result<_>>()?;
        if !blocks.is_empty() {
            found.insert(user.clone(), blocks);
        }
    }
    Ok(found)
}
