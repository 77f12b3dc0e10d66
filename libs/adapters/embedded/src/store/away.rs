//! Threads that are away for somebody: those of two people of whom one blocks the other, and those into which
//! somebody brought a person who blocks them.
//!
//! `thread_participant.apart_from` is whose block by the participant takes the thread away from them: the
//! other one in a thread of two, or whoever brought them in although they were blocked. So whether a thread
//! is away is one lookup in the primary key of `person_block`, whenever it is asked.

use super::column;
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::{ThreadId, UserId};
use rusqlite::{Connection, Result, params};

/// The condition under which a row of `thread_participant` is of a thread that is away for its person.
pub(super) const IS_AWAY: &str =
    "EXISTS (SELECT 1 FROM person_block WHERE person_block.user_id = thread_participant.user_id
         AND other_id = thread_participant.apart_from AND blocked_at IS NOT NULL)";

/// Whose block by `user` takes the thread from them that this command creates: the other one of two, or the
/// creator whom they block now.
pub(super) fn apart_from(
    connection: &Connection,
    create: &CreateThread,
    user: &UserId,
) -> Result<Option<UserId>> {
    if create.group.is_none()
        && let [one, other] = &create.participants[..]
    {
        return Ok(Some(if user == one { other } else { one }).cloned());
    }
    brought_in_by(connection, user, &create.created_by)
}

/// Whose block by `user` takes the thread from them into which this person brings them now.
pub(super) fn brought_in_by(connection: &Connection, user: &UserId, by: &UserId) -> Result<Option<UserId>> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM person_block WHERE user_id = ?1 AND other_id = ?2 AND blocked_at IS NOT NULL",
    )?;
    let is_blocked = user != by && statement.exists(params![user.as_str(), by.as_str()])?;
    Ok(is_blocked.then(|| by.clone()))
}

/// The people in a thread for whom it is away.
pub(super) fn away(connection: &Connection, thread: ThreadId) -> Result<Vec<UserId>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT user_id FROM thread_participant WHERE thread_id = ?1 AND apart_from IS NOT NULL AND {IS_AWAY}"
    ))?;
    statement.query_map([thread.bytes()], |row| column::user(row, "user_id"))?.collect()
}
