//! Erasures in the data file: marks, and what a thread keeps of a person.
//!
//! Safe to repeat because each write runs in one transaction of the single writer, and an erasure compares
//! its revision.

use super::{EmbeddedStore, column, erase_own, in_time, scrub};
use async_trait::async_trait;
use eventflow_ports::erasures::{Mark, Membership, THREADS_LOOKED_AT};
use eventflow_ports::search::{Block, Run};
use eventflow_ports::{Erasures, FoundThreads, OwnErased, StoreError};
use eventflow_protocol::dead_letters::DeadLetterId;
use eventflow_protocol::erasure::Erasure;
use eventflow_protocol::group::{Group, Role};
use eventflow_protocol::reports::Report;
use eventflow_protocol::uploads::Upload;
use eventflow_protocol::{AttachmentId, MailAddress, MessageId, ThreadId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

#[async_trait]
impl Erasures for EmbeddedStore {
    async fn begin_erasure(&self, new: &Erasure) -> Result<(Erasure, bool), StoreError> {
        let new = new.clone();
        in_time("begin an erasure", self.database.write(move |tx| begin(tx, new))).await
    }

    async fn erasure(&self, user: &UserId) -> Result<Option<Erasure>, StoreError> {
        let user = user.clone();
        in_time("read an erasure", self.database.read(move |connection| find(connection, &user))).await
    }

    async fn replace_erasure(&self, erasure: &Erasure) -> Result<bool, StoreError> {
        let erasure = erasure.clone();
        in_time("change an erasure", self.database.write(move |tx| replace(tx, &erasure))).await
    }

    async fn due_erasures(&self, now: Timestamp, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        in_time("list erasures", self.database.read(move |connection| due(connection, now, limit))).await
    }

    async fn marks_after(&self, after: &Mark, limit: u32) -> Result<Vec<Mark>, StoreError> {
        let after = after.clone();
        in_time("list erasures", self.database.read(move |connection| marks(connection, &after, limit))).await
    }

    async fn threads_with(&self, user: &UserId, after: Option<ThreadId>) -> Result<FoundThreads, StoreError> {
        let user = user.clone();
        let read = self.database.read(move |connection| threads_with(connection, &user, after));
        in_time("find threads of a person", read).await
    }

    async fn membership_of(&self, thread: ThreadId, user: &UserId) -> Result<Option<Membership>, StoreError> {
        let user = user.clone();
        let read = self.database.read(move |connection| membership(connection, thread, &user));
        in_time("read a membership", read).await
    }

    async fn scrub_messages(&self, user: &UserId, messages: &[MessageId]) -> Result<(), StoreError> {
        let (user, messages) = (user.clone(), messages.to_vec());
        in_time("scrub messages", self.database.write(move |tx| scrub::messages(tx, &user, &messages))).await
    }

    async fn index_blocks(&self, thread: ThreadId, after: u64, limit: u32) -> Result<Vec<Run>, StoreError> {
        let read = self.database.read(move |connection| scrub::blocks(connection, thread, after, limit));
        in_time("read blocks", read).await
    }

    async fn rewrite_block(&self, block: &Block) -> Result<(), StoreError> {
        let block = block.clone();
        in_time("rewrite a block", self.database.write(move |tx| scrub::rewrite_block(tx, &block))).await
    }

    async fn erase_own(&self, user: &UserId, address: Option<&MailAddress>) -> Result<OwnErased, StoreError> {
        let (user, address) = (user.clone(), address.map(MailAddress::key));
        let erase = self.database.write(move |tx| erase_own::erase(tx, &user, address.as_deref()));
        in_time("erase what a person has", erase).await
    }

    async fn rewrite_report(&self, report: &Report) -> Result<(), StoreError> {
        let report = report.clone();
        in_time("rewrite a report", self.database.write(move |tx| scrub::rewrite_report(tx, &report))).await
    }

    async fn delete_letters(&self, letters: &[DeadLetterId]) -> Result<u64, StoreError> {
        let letters = letters.to_vec();
        let delete = self.database.write(move |tx| {
            let each = letters.iter().map(|id| scrub::delete_letter(tx, &id.to_string()));
            each.sum::<Result<u64>>()
        });
        in_time("delete dead letters", delete).await
    }

    async fn uploads_of(
        &self,
        owner: &UserId,
        after: Option<AttachmentId>,
        limit: u32,
    ) -> Result<Vec<Upload>, StoreError> {
        let owner = owner.clone();
        let read = self.database.read(move |connection| uploads(connection, &owner, after, limit));
        in_time("list uploads", read).await
    }
}

fn begin(connection: &Connection, new: Erasure) -> Result<(Erasure, bool)> {
    let rows = connection
        .prepare_cached(
            "INSERT INTO erasure (user_id, marked_at, due_at, revision, record) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (user_id) DO NOTHING",
        )?
        .execute(params![
            new.user_id.as_str(),
            new.marked_at.0,
            new.due_at.map(|at| at.0),
            column::integer(new.revision),
            column::pack(&new)?,
        ])?;
    if rows == 1 {
        return Ok((new, true));
    }
    let known = find(connection, &new.user_id)?;
    Ok((known.unwrap_or(new), false))
}

fn replace(connection: &Connection, erasure: &Erasure) -> Result<bool> {
    let rows = connection
        .prepare_cached(
            "UPDATE erasure SET due_at = ?3, revision = ?4, record = ?5 WHERE user_id = ?1 AND revision = ?2",
        )?
        .execute(params![
            erasure.user_id.as_str(),
            column::integer(erasure.revision),
            erasure.due_at.map(|at| at.0),
            column::integer(erasure.revision + 1),
            column::pack(erasure)?,
        ])?;
    Ok(rows == 1)
}

fn find(connection: &Connection, user: &UserId) -> Result<Option<Erasure>> {
    let mut statement =
        connection.prepare_cached("SELECT revision, record FROM erasure WHERE user_id = ?1")?;
    statement.query_row([user.as_str()], read).optional()
}

fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Erasure>> {
    let mut statement = connection
        .prepare_cached("SELECT revision, record FROM erasure WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2")?;
    statement.query_map(params![now.0, limit], read)?.collect()
}

fn read(row: &Row<'_>) -> Result<Erasure> {
    let erasure: Erasure = column::unpack_exactly(row, "record")?;
    Ok(Erasure { revision: column::read_integer(row, "revision")?, ..erasure })
}

fn marks(connection: &Connection, after: &Mark, limit: u32) -> Result<Vec<Mark>> {
    let mut statement = connection.prepare_cached(
        "SELECT marked_at, user_id FROM erasure WHERE (marked_at, user_id) > (?1, ?2)
         ORDER BY marked_at, user_id LIMIT ?3",
    )?;
    let mark =
        |row: &Row<'_>| Ok(Mark { at: column::time(row, "marked_at")?, user: column::user(row, "user_id")? });
    statement.query_map(params![after.at.0, after.user.as_str(), limit], mark)?.collect()
}

/// An index on people has the threads that they are in, and another one those that they were in.
fn threads_with(connection: &Connection, user: &UserId, after: Option<ThreadId>) -> Result<FoundThreads> {
    let mut statement = connection.prepare_cached(
        "SELECT thread_id FROM thread_participant WHERE user_id = ?1 AND thread_id > ?2
         UNION SELECT thread_id FROM thread_former WHERE user_id = ?1 AND thread_id > ?2
         ORDER BY thread_id LIMIT ?3",
    )?;
    // Every id is behind the empty one.
    let after = after.map_or_else(Vec::new, |id| id.bytes().to_vec());
    let found = statement
        .query_map(params![user.as_str(), after, THREADS_LOOKED_AT], |row| row.get("thread_id"))?
        .map(|bytes| bytes.map(ThreadId::from_bytes));
    let threads: Vec<ThreadId> = found.collect::<Result<_>>()?;
    let is_full = threads.len() >= THREADS_LOOKED_AT as usize;
    Ok(FoundThreads { next: threads.last().copied().filter(|_| is_full), threads })
}

fn membership(connection: &Connection, thread: ThreadId, user: &UserId) -> Result<Option<Membership>> {
    let group = connection
        .prepare_cached("SELECT group_doc FROM thread WHERE id = ?1")?
        .query_row([thread.bytes()], |row| column::unpack::<Option<Group>>(row, "group_doc"))
        .optional()?
        .flatten();
    let role = group.map_or(Role::Member, |group| group.role(user));
    let mut statement = connection.prepare_cached(
        "SELECT joined_at, read_seq, delivered_seq, since_seq, archived FROM thread_participant
         WHERE thread_id = ?1 AND user_id = ?2",
    )?;
    let read = |row: &Row<'_>| {
        Ok(Membership {
            is_in: true,
            role,
            joined_at: row.get::<_, Option<i64>>("joined_at")?.map(Timestamp),
            read_seq: column::read_integer(row, "read_seq")?,
            delivered_seq: column::read_integer(row, "delivered_seq")?,
            seen_from: column::read_integer(row, "since_seq")?,
            is_archived: row.get("archived")?,
        })
    };
    let found = statement.query_row(params![thread.bytes(), user.as_str()], read).optional()?;
    if found.is_some() {
        return Ok(found);
    }
    let was_in = connection
        .prepare_cached("SELECT 1 FROM thread_former WHERE thread_id = ?1 AND user_id = ?2")?
        .exists(params![thread.bytes(), user.as_str()])?;
    Ok(was_in.then(Membership::former))
}

fn uploads(
    connection: &Connection,
    owner: &UserId,
    after: Option<AttachmentId>,
    limit: u32,
) -> Result<Vec<Upload>> {
    let mut statement = connection.prepare_cached(
        "SELECT revision, record FROM upload INDEXED BY upload_of_person
         WHERE owner_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let after = after.map_or_else(Vec::new, |id| id.bytes().to_vec());
    let read = |row: &Row<'_>| {
        let upload: Upload = column::unpack_exactly(row, "record")?;
        Ok(Upload { revision: column::read_integer(row, "revision")?, ..upload })
    };
    statement.query_map(params![owner.as_str(), after, limit], read)?.collect()
}
