//! Drafts in the data file.
//!
//! Safe to repeat because each change runs in one transaction of the single writer, and [`KeptDraft`] says
//! which changes count.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{DraftPage, Drafts, StoreError, WithCommandId};
use eventflow_protocol::drafts::{DRAFTS_MAX, Draft, KeptDraft, SaveDraft, SavedDraft};
use eventflow_protocol::{MessageId, ThreadId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

#[async_trait]
impl Drafts for EmbeddedStore {
    async fn save_draft(&self, save: &WithCommandId<SaveDraft>) -> Result<SavedDraft, StoreError> {
        let save = save.clone();
        in_time("save a draft", self.database.write(move |tx| self::save(tx, &save))).await
    }

    async fn clear_draft(&self, thread: ThreadId, user: &UserId, at: Timestamp) -> Result<(), StoreError> {
        let user = user.clone();
        in_time("clear a draft", self.database.write(move |tx| clear(tx, thread, &user, at))).await
    }

    async fn draft(&self, thread: ThreadId, user: &UserId) -> Result<Draft, StoreError> {
        let user = user.clone();
        let read = self.database.read(move |connection| find(connection, thread, &user));
        in_time("read a draft", read).await.map(|kept| kept.draft)
    }

    async fn drafts_of(&self, user: &UserId, page: DraftPage) -> Result<Vec<Draft>, StoreError> {
        let user = user.clone();
        in_time("list drafts", self.database.read(move |connection| self::page(connection, &user, page)))
            .await
    }
}

fn save(
    connection: &Connection,
    WithCommandId { command_id, wanted }: &WithCommandId<SaveDraft>,
) -> Result<SavedDraft> {
    let mut kept = find(connection, wanted.thread_id, &wanted.user_id)?;
    let was_there = kept.draft.is_there();
    let saved = kept.save(*command_id, wanted);
    if !matches!(saved, SavedDraft::Done(_)) {
        return Ok(saved);
    }
    if !was_there && kept.draft.is_there() && count(connection, &wanted.user_id)? >= DRAFTS_MAX {
        return Ok(SavedDraft::TooMany);
    }
    write(connection, &kept)?;
    Ok(saved)
}

fn clear(connection: &Connection, thread: ThreadId, user: &UserId, at: Timestamp) -> Result<()> {
    let mut kept = find(connection, thread, user)?;
    if kept.clear(at) { write(connection, &kept) } else { Ok(()) }
}

fn count(connection: &Connection, user: &UserId) -> Result<u32> {
    let mut statement =
        connection.prepare_cached("SELECT COUNT(*) FROM draft WHERE user_id = ?1 AND content <> ''")?;
    statement.query_row([user.as_str()], |row| row.get(0))
}

fn write(connection: &Connection, KeptDraft { draft, commands }: &KeptDraft) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO draft (user_id, thread_id, content, reply_to, revision, updated_at, commands)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    statement.execute(params![
        draft.user_id.as_str(),
        draft.thread_id.bytes(),
        draft.content,
        draft.reply_to.map(|id| id.bytes()),
        column::integer(draft.revision),
        draft.updated_at.unwrap_or_default().0,
        column::pack(commands)?,
    ])?;
    Ok(())
}

fn find(connection: &Connection, thread: ThreadId, user: &UserId) -> Result<KeptDraft> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM draft WHERE user_id = ?1 AND thread_id = ?2")?;
    let found = statement
        .query_row(params![user.as_str(), thread.bytes()], |row| {
            Ok(KeptDraft { draft: read(row)?, commands: column::unpack(row, "commands")? })
        })
        .optional()?;
    Ok(found.unwrap_or_else(|| KeptDraft::none(user, thread)))
}

fn page(connection: &Connection, user: &UserId, page: DraftPage) -> Result<Vec<Draft>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM draft
         WHERE user_id = ?1 AND content <> '' AND (?2 IS NULL OR (updated_at, thread_id) < (?2, ?3))
         ORDER BY updated_at DESC, thread_id DESC LIMIT ?4",
    )?;
    let (at, id) = page.after.map(|(at, id)| (at.0, id.bytes())).unzip();
    statement.query_map(params![user.as_str(), at, id, page.limit.clamp(1, PAGE_MAX)], read)?.collect()
}

fn read(row: &Row<'_>) -> Result<Draft> {
    let reply_to: Option<[u8; 12]> = row.get("reply_to")?;
    Ok(Draft {
        user_id: column::user(row, "user_id")?,
        thread_id: ThreadId::from_bytes(row.get("thread_id")?),
        content: row.get("content")?,
        reply_to: reply_to.map(MessageId::from_bytes),
        revision: column::read_integer(row, "revision")?,
        updated_at: Some(column::time(row, "updated_at")?),
    })
}
