//! Pairing: a client without a key sends one message over two transports, and the two legs become one stored
//! message.
//!
//! A leg joins the oldest message of its key that has no leg of its kind, is near enough in time and still is
//! what was sent. The only writer finds the message and writes the leg, so no two legs take one place.
//! Safe to repeat because a leg is found by its command: in the message that it made, or in the one that it
//! joined.

use super::{column, message};
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::document::Message;
use eventflow_protocol::pairing::{Leg, Pairing};
use eventflow_protocol::{CommandId, Timestamp};
use rusqlite::{Connection, Result, params};

/// How a message pairs. None if its sender gave it a key, which then alone identifies it.
pub(super) fn of(send: &SendMessage) -> Option<&Pairing> {
    send.pairing.as_ref().filter(|_| send.client_message_id.is_none())
}

/// The message that this command made or joined before, or joins now. None if the leg becomes a message of
/// its own.
pub(super) fn join(
    connection: &Connection,
    command: CommandId,
    pairing: &Pairing,
    at: Timestamp,
) -> Result<Option<Message>> {
    let Some(found) = find(connection, command, pairing, at)? else { return Ok(None) };
    let mut statement = connection.prepare_cached(match pairing.leg {
        Leg::Socket => "UPDATE message SET pair_socket = ?3 WHERE thread_id = ?1 AND seq = ?2",
        Leg::Rest => "UPDATE message SET pair_rest = ?3 WHERE thread_id = ?1 AND seq = ?2",
    })?;
    statement.execute(params![
        found.thread_id.bytes(),
        column::integer(found.seq),
        column::command(command)
    ])?;
    Ok(Some(found))
}

/// The message that has this command as its leg of this kind, also if the command made it. Else the oldest
/// message in reach that has no such leg and was not changed.
fn find(
    connection: &Connection,
    command: CommandId,
    pairing: &Pairing,
    at: Timestamp,
) -> Result<Option<Message>> {
    let mut statement = connection.prepare_cached(match pairing.leg {
        Leg::Socket => {
            "SELECT * FROM message WHERE pair_key = ?1 AND created_at BETWEEN ?2 AND ?3
                 AND (pair_socket = ?4 OR pair_socket IS NULL AND edited_at IS NULL AND deleted_at IS NULL)
                 ORDER BY pair_socket IS NULL, seq"
        }
        Leg::Rest => {
            "SELECT * FROM message WHERE pair_key = ?1 AND created_at BETWEEN ?2 AND ?3
                 AND (pair_rest = ?4 OR pair_rest IS NULL AND edited_at IS NULL AND deleted_at IS NULL)
                 ORDER BY pair_rest IS NULL, seq"
        }
    })?;
    let [earliest, latest] = pairing.reach(at);
    let mut rows = statement.query(params![pairing.key, earliest.0, latest.0, column::command(command)])?;
    while let Some(row) = rows.next()? {
        let message = message::read(row)?;
        if pairing.reaches(at, message.created_at) {
            return Ok(Some(message));
        }
    }
    Ok(None)
}
