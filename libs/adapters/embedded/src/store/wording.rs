//! What messages said before they were edited: kept in the transaction of the edit, gone with the message.

use super::column;
use eventflow_protocol::MessageId;
use eventflow_protocol::wording::{WORDINGS_MAX, Wording};
use rusqlite::{Connection, Result, Row, params};

/// Keeps a wording that was replaced as the newest one of its message, and no more than the bound allows.
pub(super) fn keep(connection: &Connection, message: MessageId, replaced: &Wording) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO wording (message_id, number, content, written_at, is_first)
         SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4 FROM wording WHERE message_id = ?1",
    )?;
    insert.execute(params![message.bytes(), replaced.content, replaced.written_at.0, replaced.is_first])?;
    let mut cut = connection.prepare_cached(
        "DELETE FROM wording WHERE message_id = ?1
         AND number <= (SELECT max(number) FROM wording WHERE message_id = ?1) - ?2",
    )?;
    cut.execute(params![message.bytes(), column::integer(WORDINGS_MAX as u64)])?;
    Ok(())
}

/// Removes the wordings of a message.
pub(super) fn forget(connection: &Connection, message: MessageId) -> Result<()> {
    connection.prepare_cached("DELETE FROM wording WHERE message_id = ?1")?.execute([message.bytes()])?;
    Ok(())
}

/// The wordings of a message, oldest first.
pub(super) fn of(connection: &Connection, message: MessageId) -> Result<Vec<Wording>> {
    let mut statement = connection.prepare_cached(
        "SELECT content, written_at, is_first FROM wording WHERE message_id = ?1 ORDER BY number",
    )?;
    let read = |row: &Row<'_>| {
        Ok(Wording {
            content: row.get("content")?,
            written_at: column::time(row, "written_at")?,
            is_first: row.get("is_first")?,
        })
    };
    statement.query_map([message.bytes()], read)?.collect()
}
