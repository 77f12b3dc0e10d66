//! What is left to read: the messages of others beyond a person's read cursor that were not taken back.
//!
//! Nothing here is stored. `seq` has no gaps, so the messages of others beyond the cursor follow from
//! `last_seq` and from what the person sent and saw. The ones that were taken back are counted in an index
//! that holds nothing else, so a message costs the same however many people are in its thread.

use super::away::IS_AWAY;
use super::{column, people};
use eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX;
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, UserId};
use rusqlite::{Connection, Result, Row, params};

/// How many messages of others after `place` were taken back.
pub(super) fn taken_back_beyond(
    connection: &Connection,
    thread: ThreadId,
    user: &UserId,
    place: u64,
) -> Result<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT COUNT(*) AS taken_back FROM message INDEXED BY message_taken_back
         WHERE thread_id = ?1 AND seq > ?2 AND sender_id <> ?3 AND deleted_at IS NOT NULL",
    )?;
    statement.query_row(params![thread.bytes(), column::integer(place), user.as_str()], |row| {
        column::read_integer(row, "taken_back")
    })
}

/// The people who have not read `message`, beside its sender, with what each has left to read. Nobody in a
/// thread of too many people.
pub(super) fn of_others(connection: &Connection, message: &Message) -> Result<Vec<(UserId, u64)>> {
    if people::count_for_receipts(connection, message.thread_id)? > RECEIPT_PARTICIPANTS_MAX {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(&format!(
        "SELECT user_id, read_seq, last_seq - sent - seen AS unread FROM thread_participant JOIN thread ON thread.id = thread_id
         WHERE thread_id = ?1 AND user_id <> ?2 AND read_seq < ?3 AND NOT {IS_AWAY}"
    ))?;
    let read = |row: &Row<'_>| {
        let user = column::user(row, "user_id")?;
        let place = column::read_integer(row, "read_seq")?;
        let taken_back = taken_back_beyond(connection, message.thread_id, &user, place)?;
        Ok((user, column::read_integer(row, "unread")?.saturating_sub(taken_back)))
    };
    let seq = column::integer(message.seq);
    statement.query_map(params![message.thread_id.bytes(), message.sender_id.as_str(), seq], read)?.collect()
}
