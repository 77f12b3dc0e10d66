//! The pinned messages of a thread, from an index that holds nothing else.

use super::{column, message};
use eventflow_ports::PinPage;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::PINS_MAX;
use eventflow_protocol::document::Message;
use rusqlite::{Connection, Result, params};

/// Whether no more messages can be pinned.
pub(super) fn are_full(connection: &Connection, thread: ThreadId) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT COUNT(*) AS pins FROM message INDEXED BY message_pinned WHERE thread_id = ?1 AND pinned_at IS NOT NULL",
    )?;
    let pins = statement.query_row([thread.bytes()], |row| column::read_integer(row, "pins"))?;
    Ok(pins >= PINS_MAX as u64)
}

/// A page of the pinned messages; what was pinned last comes first.
pub(super) fn page(connection: &Connection, thread: ThreadId, page: PinPage) -> Result<Vec<Message>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM message INDEXED BY message_pinned
         WHERE thread_id = ?1 AND pinned_at IS NOT NULL AND seq > ?5 AND (?2 IS NULL OR (pinned_at, seq) < (?2, ?3))
         ORDER BY pinned_at DESC, seq DESC LIMIT ?4",
    )?;
    let (at, seq) = page.after.map(|(at, seq)| (at.0, column::integer(seq))).unzip();
    let limit = page.limit.clamp(1, PAGE_MAX);
    statement
        .query_map(params![thread.bytes(), at, seq, limit, column::integer(page.since)], message::read)?
        .collect()
}
