//! Changing messages: writes what [`apply`] computes, on the only writer, so nobody else writes between
//! reading and writing.
//!
//! Safe to repeat because a message's marks, which name the last commands that changed it, are written with
//! the change.

use super::{changes, mentions, message, pins, wording};
use eventflow_ports::WithCommandId;
use eventflow_protocol::change::{ChangeMessage, Changed, apply, mentioned_by, sent_as};
use eventflow_protocol::wording::Wording;
use eventflow_protocol::{CommandId, MessageId, UserId};
use rusqlite::{Connection, Result};

/// Makes changes in order. Gives one answer for each.
pub(super) fn change(
    connection: &Connection,
    changes: &[WithCommandId<ChangeMessage>],
) -> Result<Vec<Changed>> {
    changes.iter().map(|change| one(connection, change)).collect()
}

/// Whom an edit by this command mentioned who was not mentioned before it.
pub(super) fn mentioned(
    connection: &Connection,
    message: MessageId,
    command: CommandId,
) -> Result<Vec<UserId>> {
    let found = message::with_marks(connection, message)?;
    Ok(found.map(|(_, marks)| mentioned_by(&marks, command)).unwrap_or_default())
}

fn one(connection: &Connection, change: &WithCommandId<ChangeMessage>) -> Result<Changed> {
    let Some((mut message, mut marks)) = message::with_marks(connection, change.wanted.message_id)? else {
        return Ok(Changed::NotFound);
    };
    let sent_as = sent_as(&message);
    let wording = Wording::of(&message);
    let mentioned = message.mentions.clone();
    let changed = apply(&mut message, &mut marks, change.command_id, &change.wanted);
    if changed.pins() && pins::are_full(connection, message.thread_id)? {
        return Ok(Changed::TooManyPins);
    }
    if changed.is_to_store() {
        message::write_change(connection, &message, &marks)?;
        mentions::change(connection, &mentioned, &message)?;
        changes::number(connection, &message)?;
        if message.deleted_at.is_some() {
            wording::forget(connection, message.id)?;
        } else if let Some(replaced) = wording.replaced_by(&changed) {
            wording::keep(connection, message.id, &replaced)?;
        }
        if let Some(sent_as) = sent_as.filter(|_| message.edited_at.is_some() || message.deleted_at.is_some())
        {
            message::write_sent_as(connection, &message, sent_as)?;
        }
    }
    Ok(changed)
}
