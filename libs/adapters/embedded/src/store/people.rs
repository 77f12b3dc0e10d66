//! How many people a thread has, as far as that matters for receipts.

use super::column;
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX;
use rusqlite::{Connection, Result, params};

/// How many people are in the thread. Stops counting at one more than a thread with receipts may have.
pub(super) fn count_for_receipts(connection: &Connection, thread: ThreadId) -> Result<usize> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM thread_participant WHERE thread_id = ?1 LIMIT ?2")?;
    let limit = RECEIPT_PARTICIPANTS_MAX as u64 + 1;
    let rows = statement.query_map(params![thread.bytes(), column::integer(limit)], |_| Ok(()))?;
    Ok(rows.count())
}
