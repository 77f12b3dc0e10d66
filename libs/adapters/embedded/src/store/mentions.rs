//! Whom messages mention, as rows of their own: how many unread messages mention somebody is a count of
//! neighbouring keys.
//!
//! A row goes with the mention, and when the message is taken back. Safe to repeat because a row says by its
//! key all that it says.

use super::column;
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, UserId};
use rusqlite::{Connection, Result, params};

/// Notes that the message mentions these people.
pub(super) fn add(connection: &Connection, message: &Message, users: &[UserId]) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO mention (thread_id, user_id, seq) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    // Nobody is told of what they say themselves.
    for user in users.iter().filter(|user| **user != message.sender_id) {
        statement.execute(params![message.thread_id.bytes(), user.as_str(), column::integer(message.seq)])?;
    }
    Ok(())
}

/// Brings the rows of a changed message up to date, which mentioned these people before.
pub(super) fn change(connection: &Connection, before: &[UserId], message: &Message) -> Result<()> {
    if before == message.mentions {
        return Ok(());
    }
    let mut statement = connection
        .prepare_cached("DELETE FROM mention WHERE thread_id = ?1 AND user_id = ?2 AND seq = ?3")?;
    for user in before {
        statement.execute(params![message.thread_id.bytes(), user.as_str(), column::integer(message.seq)])?;
    }
    add(connection, message, &message.mentions)
}

/// How many messages of others beyond a place mention this person. Whom they block mentions nobody to them.
pub(super) fn beyond(connection: &Connection, thread: ThreadId, user: &UserId, place: u64) -> Result<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT COUNT(*) AS mentions FROM mention WHERE thread_id = ?1 AND user_id = ?2 AND seq > ?3
         AND NOT EXISTS (SELECT 1 FROM message JOIN person_block ON other_id = sender_id
             WHERE thread_id = mention.thread_id AND seq = mention.seq AND person_block.user_id = ?2 AND blocked_at IS NOT NULL)",
    )?;
    statement.query_row(params![thread.bytes(), user.as_str(), column::integer(place)], |row| {
        column::read_integer(row, "mentions")
    })
}
