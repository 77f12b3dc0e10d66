//! A page of a thread's messages, always ascending by `seq`.
//!
//! The primary key gives a page by `seq`, the index `message_by_time` one by time. Both scans end with the
//! page.

use super::{column, message};
use eventflow_ports::store::{PAGE_MAX, PREVIEW_DEPTH};
use eventflow_ports::{MessagePage, Place};
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Result, params};

/// The oldest messages after a place, or the newest before one, or the newest of all.
pub(super) fn page(connection: &Connection, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>> {
    let MessagePage { before, after, since, limit } = page;
    match after {
        Some(after) => oldest_after(connection, thread, after, since, limit),
        None => newest_before(connection, thread, before.unwrap_or(Place::Seq(u64::MAX)), since, limit),
    }
}

/// The message that a list shows of a thread whose newest message is at `last`: the newest one of the last
/// [`PREVIEW_DEPTH`] that was not taken back, else the newest one. Only messages after `since` are shown.
pub(super) fn preview(
    connection: &Connection,
    thread: ThreadId,
    since: u64,
    last: u64,
) -> Result<Option<Message>> {
    if last <= since {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(
        "SELECT * FROM message WHERE thread_id = ?1 AND seq > ?2 AND seq <= ?3
         ORDER BY deleted_at IS NOT NULL, seq DESC LIMIT 1",
    )?;
    if let Some(newest) = at(connection, thread, last)?.filter(|newest| newest.deleted_at.is_none()) {
        return Ok(Some(newest));
    }
    let [first, last] = [last.saturating_sub(PREVIEW_DEPTH).max(since), last].map(column::integer);
    statement.query_row(params![thread.bytes(), first, last], message::read).optional()
}

/// The message at one place.
fn at(connection: &Connection, thread: ThreadId, seq: u64) -> Result<Option<Message>> {
    let Some(before) = seq.checked_sub(1) else { return Ok(None) };
    Ok(oldest_after(connection, thread, Place::Seq(before), 0, 1)?.pop())
}

/// The oldest messages after a place.
pub(super) fn oldest_after(
    connection: &Connection,
    thread: ThreadId,
    after: Place,
    since: u64,
    limit: u32,
) -> Result<Vec<Message>> {
    let (at, seq) = match after {
        Place::Seq(seq) => {
            let sql = "SELECT * FROM message WHERE thread_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
            let after = column::integer(seq.max(since));
            return ascending(connection, sql, params![thread.bytes(), after, size(limit)]);
        }
        Place::Time(at) => (at, u64::MAX),
        Place::Moment { at, seq } => (at, seq),
    };
    let sql = "SELECT * FROM message WHERE thread_id = ?1 AND (created_at, seq) > (?2, ?3) AND seq > ?5
         ORDER BY created_at, seq LIMIT ?4";
    let [seq, since] = [seq, since].map(column::integer);
    ascending(connection, sql, params![thread.bytes(), at.0, seq, size(limit), since])
}

fn newest_before(
    connection: &Connection,
    thread: ThreadId,
    before: Place,
    since: u64,
    limit: u32,
) -> Result<Vec<Message>> {
    let (at, seq) = match before {
        Place::Seq(seq) => {
            let sql = "SELECT * FROM message WHERE thread_id = ?1 AND seq < ?2 AND seq > ?4 ORDER BY seq DESC LIMIT ?3";
            let [before, since] = [seq, since].map(column::integer);
            return ascending(connection, sql, params![thread.bytes(), before, size(limit), since]);
        }
        Place::Time(at) => (at, 0),
        Place::Moment { at, seq } => (at, seq),
    };
    let sql = "SELECT * FROM message WHERE thread_id = ?1 AND (created_at, seq) < (?2, ?3) AND seq > ?5
         ORDER BY created_at DESC, seq DESC LIMIT ?4";
    let [seq, since] = [seq, since].map(column::integer);
    ascending(connection, sql, params![thread.bytes(), at.0, seq, size(limit), since])
}

/// The smallest place among the messages that were accepted after a time. The index `message_by_time` holds
/// all that is asked; without the `+` SQLite would walk the thread from its first message.
pub(super) fn first_after(connection: &Connection, thread: ThreadId, at: Timestamp) -> Result<Option<u64>> {
    let mut statement = connection
        .prepare_cached("SELECT MIN(+seq) AS seq FROM message WHERE thread_id = ?1 AND created_at > ?2")?;
    let first: Option<i64> = statement.query_row(params![thread.bytes(), at.0], |row| row.get("seq"))?;
    Ok(first.and_then(|seq| u64::try_from(seq).ok()))
}

/// The messages that a query finds, ascending by `seq`.
fn ascending(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<Message>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut messages = statement.query_map(params, message::read)?.collect::<Result<Vec<_>>>()?;
    messages.sort_unstable_by_key(|message| message.seq);
    Ok(messages)
}

fn size(limit: u32) -> u32 {
    limit.clamp(1, PAGE_MAX)
}
