//! Which message a leg belongs to: how the same message sent over two transports, without a key, becomes one.
//!
//! A leg joins the oldest message of its key that has none of its kind and is near enough in time. Asked and written on the only
//! writer, so no two legs join one place. Safe to repeat because a leg is found by its command: as the message it made, or as the
//! one it joined.

use super::{column, message};
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::document::Message;
use eventflow_protocol::pairing::{Leg, Pairing, WINDOW_MS};
use eventflow_protocol::{CommandId, Timestamp};
use rusqlite::{Connection, Result, params};

/// What a message pairs by; nothing if it has a key of its own, which alone tells it apart.
pub(super) fn of(send: &SendMessage) -> Option<&Pairing> {
    send.pairing.as_ref().filter(|_| send.client_message_id.is_none())
}

/// The message that this command made or joined before, or joins now; nothing if it is to become one.
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

/// The message whose leg of this kind this command is (also if it made it); else the oldest without one that it reaches.
fn find(
    connection: &Connection,
    command: CommandId,
    pairing: &Pairing,
    at: Timestamp,
) -> Result<Option<Message>> {
    let mut statement = connection.prepare_cached(match pairing.leg {
        Leg::Socket => {
            "SELECT * FROM message WHERE pair_key = ?1 AND created_at BETWEEN ?2 AND ?3
                 AND (pair_socket IS NULL OR pair_socket = ?4) ORDER BY pair_socket IS NULL, seq"
        }
        Leg::Rest => {
            "SELECT * FROM message WHERE pair_key = ?1 AND created_at BETWEEN ?2 AND ?3
                 AND (pair_rest IS NULL OR pair_rest = ?4) ORDER BY pair_rest IS NULL, seq"
        }
    })?;
    let (earliest, latest) = (pairing.earliest(at).0, at.0.saturating_add(WINDOW_MS));
    let mut rows = statement.query(params![pairing.key, earliest, latest, column::command(command)])?;
    while let Some(row) = rows.next()? {
        let message = message::read(row)?;
        if pairing.reaches(at, message.created_at) {
            return Ok(Some(message));
        }
    }
    Ok(None)
}
