//! Leaving a thread, whether it is a group or not.
//!
//! Safe to repeat because whoever is not in a thread leaves nothing, and a group remembers its last commands.

use super::{column, group, thread};
use eventflow_ports::{Left, WithCommandId};
use eventflow_protocol::command::LeaveThread;
use rusqlite::{Connection, OptionalExtension, Result};

/// Takes a person out of a thread. None if the thread does not exist.
pub(super) fn leave(connection: &Connection, leave: &WithCommandId<LeaveThread>) -> Result<Option<Left>> {
    if let Some(left) = group::leave(connection, leave)? {
        return Ok(Some(left));
    }
    let leave = &leave.wanted;
    let id = leave.thread_id.bytes();
    let was_in = thread::includes(connection, leave.thread_id, &leave.user_id)?;
    if was_in {
        group::take_out(connection, leave.thread_id, &leave.user_id)?;
        connection.prepare_cached("UPDATE thread SET people = people - 1 WHERE id = ?1")?.execute([id])?;
    }
    let mut statement = connection.prepare_cached("SELECT people FROM thread WHERE id = ?1")?;
    let people = statement.query_row([id], |row| column::read_integer(row, "people")).optional()?;
    Ok(people.map(|participant_count| Left { was_in, participant_count, is_back: false, handed_over: None }))
}
