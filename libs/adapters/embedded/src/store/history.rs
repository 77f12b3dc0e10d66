//! A page of a thread's messages, always ascending by `seq`.

use super::{column, message};
use eventflow_ports::store::{PAGE_MAX, PREVIEW_DEPTH};
use eventflow_ports::{MessagePage, Place};
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, params};

/// The oldest messages after a place, or the newest before one, or the newest of all.
pub(super) fn page(connection: &Connection, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>> {
    match page.after {
        Some(after) => oldest_after(connection, thread, after, page.limit),
        None => newest_before(connection, thread, page.before.unwrap_or(Place::Seq(u64::MAX)), page.limit),
    }
}

/// The message that a list shows of a thread whose newest message is at `last`: the newest one of the last
/// [`PREVIEW_DEPTH`] that was not taken back, else the newest one.
pub(super) fn preview(connection: &Connection, thread: ThreadId, last: u64) -> Result<Option<Message>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM message WHERE thread_id = ?1 AND seq > ?2 AND seq <= ?3
         ORDER BY deleted_at IS NOT NULL, seq DESC LIMIT 1",
    )?;
    if let Some(newest) = at(connection, thread, last)?.filter(|newest| newest.deleted_at.is_none()) {
        return Ok(Some(newest));
    }
    let [first, last] = [last.saturating_sub(PREVIEW_DEPTH), last].map(column::integer);
    statement.query_row(params![thread.bytes(), first, last], message::read).optional()
}

/// The message at one place.
fn at(connection: &Connection, thread: ThreadId, seq: u64) -> Result<Option<Message>> {
    let Some(before) = seq.checked_sub(1) else { return Ok(None) };
    Ok(oldest_after(connection, thread, Place::Seq(before), 1)?.pop())
}

/// The oldest messages after a place.
pub(super) fn oldest_after(
    connection: &Connection,
    thread: ThreadId,
    after: Place,
    limit: u32,
) -> Result<Vec<Message>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM message WHERE thread_id = ?1 AND seq > ?2 AND created_at > ?3 ORDER BY seq LIMIT ?4",
    )?;
    let (seq, time) = bounds(after, 0, Timestamp(i64::MIN));
    statement
        .query_map(params![thread.bytes(), seq, time, limit.clamp(1, PAGE_MAX)], message::read)?
        .collect()
}

fn newest_before(
    connection: &Connection,
    thread: ThreadId,
    before: Place,
    limit: u32,
) -> Result<Vec<Message>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM message WHERE thread_id = ?1 AND seq < ?2 AND created_at < ?3 ORDER BY seq DESC LIMIT ?4",
    )?;
    let (seq, time) = bounds(before, u64::MAX, Timestamp(i64::MAX));
    let newest_first =
        statement.query_map(params![thread.bytes(), seq, time, limit.clamp(1, PAGE_MAX)], message::read)?;
    let mut messages = newest_first.collect::<Result<Vec<_>>>()?;
    messages.reverse();
    Ok(messages)
}

/// A place as a bound for `seq` and one for `created_at`; the one it does not speak of excludes nothing.
fn bounds(place: Place, any_seq: u64, any_time: Timestamp) -> (i64, i64) {
    match place {
        Place::Seq(seq) => (column::integer(seq), any_time.0),
        Place::Time(time) => (column::integer(any_seq), time.0),
    }
}
