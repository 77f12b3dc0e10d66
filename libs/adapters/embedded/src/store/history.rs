//! A page of a thread's messages, always ascending by `seq`.

use super::{column, message};
use eventflow_ports::MessagePage;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::ThreadId;
use eventflow_protocol::document::Message;
use rusqlite::{Connection, Result, params};

/// The oldest messages after a place, or the newest before one, or the newest of all.
pub(super) fn page(connection: &Connection, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>> {
    match page.after {
        Some(after) => oldest_after(connection, thread, after, page.limit),
        None => newest_before(connection, thread, page.before.unwrap_or(u64::MAX), page.limit),
    }
}

/// The message at one place.
pub(super) fn at(connection: &Connection, thread: ThreadId, seq: u64) -> Result<Option<Message>> {
    let Some(before) = seq.checked_sub(1) else { return Ok(None) };
    Ok(oldest_after(connection, thread, before, 1)?.pop())
}

fn oldest_after(connection: &Connection, thread: ThreadId, after: u64, limit: u32) -> Result<Vec<Message>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM message WHERE thread_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")?;
    statement.query_map(params![thread.bytes(), column::integer(after), limit.clamp(1, PAGE_MAX)], message::read)?.collect()
}

fn newest_before(connection: &Connection, thread: ThreadId, before: u64, limit: u32) -> Result<Vec<Message>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM message WHERE thread_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3")?;
    let newest_first =
        statement.query_map(params![thread.bytes(), column::integer(before), limit.clamp(1, PAGE_MAX)], message::read)?;
    let mut messages = newest_first.collect::<Result<Vec<_>>>()?;
    messages.reverse();
    Ok(messages)
}
