//! What is left of words after their message was taken back, and words in what others keep.
//!
//! Safe to repeat because what was removed is not there any more.

use super::column;
use eventflow_ports::search::{Block, Run};
use eventflow_protocol::reports::Report;
use eventflow_protocol::{MessageId, ThreadId, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// Removes keys, fingerprints, wordings and blocks of edited texts.
pub(super) fn messages(connection: &Connection, user: &UserId, ids: &[MessageId]) -> Result<()> {
    let mut scrub = connection.prepare_cached(
        "UPDATE message SET content = '', attachments = NULL, mentions = NULL, client_message_id = NULL,
             sent_as = NULL, marks = NULL, pair_key = NULL, pair_socket = NULL, pair_rest = NULL
         WHERE id = ?1 AND sender_id = ?2 AND deleted_at IS NOT NULL RETURNING thread_id, seq",
    )?;
    let mut wordings = connection.prepare_cached("DELETE FROM wording WHERE message_id = ?1")?;
    let mut blocks = connection
        .prepare_cached("DELETE FROM search_block WHERE thread_id = ?1 AND mark <> 0 AND first = ?2")?;
    for id in ids {
        let place = |row: &Row<'_>| Ok((row.get::<_, [u8; 12]>("thread_id")?, row.get::<_, i64>("seq")?));
        let found = scrub.query_row(params![id.bytes(), user.as_str()], place).optional()?;
        if let Some((thread, seq)) = found {
            wordings.execute([id.bytes()])?;
            blocks.execute(params![thread, seq])?;
        }
    }
    Ok(())
}

/// The blocks of a thread after the one that begins with this message.
pub(super) fn blocks(connection: &Connection, thread: ThreadId, after: u64, limit: u32) -> Result<Vec<Run>> {
    let mut statement = connection.prepare_cached(
        "SELECT first, last, newest FROM search_block WHERE thread_id = ?1 AND mark = 0 AND first > ?2
         ORDER BY first LIMIT ?3",
    )?;
    let run = |row: &Row<'_>| {
        Ok(Run {
            thread,
            first: column::read_integer(row, "first")?,
            last: column::read_integer(row, "last")?,
            newest: column::time(row, "newest")?,
        })
    };
    statement.query_map(params![thread.bytes(), column::integer(after), limit], run)?.collect()
}

/// Gives a block another signature, if it goes as far as this one.
pub(super) fn rewrite_block(connection: &Connection, block: &Block) -> Result<()> {
    let Run { thread, first, last, .. } = block.run;
    connection
        .prepare_cached(
            "UPDATE search_block SET bits = ?4 WHERE thread_id = ?1 AND mark = 0 AND first = ?2 AND last = ?3",
        )?
        .execute(params![thread.bytes(), column::integer(first), column::integer(last), block.bits])
        .map(drop)
}

/// Writes a report over the one with its id, if that is handled as this one is.
pub(super) fn rewrite_report(connection: &Connection, report: &Report) -> Result<()> {
    connection
        .prepare_cached("UPDATE report SET report = ?3 WHERE id = ?1 AND is_handled = ?2")?
        .execute(params![report.id.bytes(), report.handled.is_some(), column::pack(report)?])
        .map(drop)
}

/// Deletes a dead letter with every version of its body; 1 if there was one.
pub(super) fn delete_letter(connection: &Connection, id: &str) -> Result<u64> {
    connection.prepare_cached("DELETE FROM dead_letter_body WHERE id = ?1")?.execute([id])?;
    let rows = connection.prepare_cached("DELETE FROM dead_letter WHERE id = ?1")?.execute([id])?;
    Ok(rows as u64)
}
