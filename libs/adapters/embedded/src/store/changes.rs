//! What changed in a thread: each change gives its message the next change number of the thread.
//!
//! Numbers are given out on the only writer, in the transaction of the change. So they become visible in
//! their order, and a message keeps only the number of its last change. Safe to repeat because a change that
//! was made before is not made again, and keeps its number.

use super::{column, message};
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{ChangePage, ChangedMessage, ChangedMessages};
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::PersonCursors;
use eventflow_protocol::document::Message;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// Gives a changed message the next number.
pub(super) fn number(connection: &Connection, message: &Message) -> Result<()> {
    let mut next = connection.prepare_cached(
        "UPDATE thread SET last_change = last_change + 1 WHERE id = ?1 RETURNING last_change",
    )?;
    let number: i64 = next.query_row([message.thread_id.bytes()], |row| row.get(0))?;
    let mut write =
        connection.prepare_cached("UPDATE message SET change = ?3 WHERE thread_id = ?1 AND seq = ?2")?;
    write.execute(params![message.thread_id.bytes(), column::integer(message.seq), number])?;
    Ok(())
}

/// The newest number of a thread; 0 for one that does not exist.
pub(super) fn newest(connection: &Connection, thread: ThreadId) -> Result<u64> {
    let mut statement = connection.prepare_cached("SELECT last_change FROM thread WHERE id = ?1")?;
    let newest = statement.query_row([thread.bytes()], |row| column::read_integer(row, "last_change"));
    Ok(newest.optional()?.unwrap_or(0))
}

/// A page of what changed. The newest number is read first: what is written in between is on this page or
/// after it.
pub(super) fn since(connection: &Connection, thread: ThreadId, page: ChangePage) -> Result<ChangedMessages> {
    let newest = newest(connection, thread)?;
    let limit = page.limit.clamp(1, PAGE_MAX);
    let mut statement = connection.prepare_cached(
        "SELECT * FROM message WHERE thread_id = ?1 AND change > ?2 AND change > 0 ORDER BY change LIMIT ?3",
    )?;
    let read = |row: &Row<'_>| {
        Ok(ChangedMessage { change: column::read_integer(row, "change")?, message: message::read(row)? })
    };
    let found = statement.query_map(params![thread.bytes(), column::integer(page.after), limit], read)?;
    let messages = found.collect::<Result<Vec<_>>>()?;
    let is_complete = messages.len() < limit as usize;
    let last = messages.last().map(|last| last.change);
    let up_to = last.filter(|last| !is_complete || *last > newest).unwrap_or(newest);
    Ok(ChangedMessages { messages, up_to, is_complete })
}

/// How far everybody has come in a thread.
pub(super) fn cursors(connection: &Connection, thread: ThreadId) -> Result<Vec<PersonCursors>> {
    let mut statement = connection.prepare_cached(
        "SELECT user_id, read_seq, told_seq, delivered_seq FROM thread_participant WHERE thread_id = ?1 ORDER BY user_id",
    )?;
    let read = |row: &Row<'_>| {
        let read_seq = column::read_integer(row, "read_seq")?;
        let told_seq = column::read_integer(row, "told_seq")?;
        Ok(PersonCursors {
            delivered_seq: column::read_integer(row, "delivered_seq")?,
            read_seq: read_seq.max(told_seq),
            unread_after: Some(read_seq).filter(|read| *read < told_seq),
            user_id: column::user(row, "user_id")?,
        })
    };
    statement.query_map([thread.bytes()], read)?.collect()
}
