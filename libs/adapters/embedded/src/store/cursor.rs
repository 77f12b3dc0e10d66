//! How far people have come: a cursor moves, the messages that it passes get their receipts, and the unread
//! count follows.
//!
//! One change on the only writer does all of that, so the count is exact whatever else is written.
//! Safe to repeat because a cursor only rises, and one that stays where it is changes nothing.

use super::{column, history, message};
use eventflow_ports::Place;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::change::{
    self, AdvanceCursor, Advanced, Cursor, RECEIPT_PARTICIPANTS_MAX, RECEIPTED_MAX, Receipted,
};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// Moves cursors in order. Gives one answer for each; none for a person who is not in the thread.
pub(super) fn advance(connection: &Connection, advances: &[AdvanceCursor]) -> Result<Vec<Option<Advanced>>> {
    advances.iter().map(|wanted| one(connection, wanted)).collect()
}

/// The cursors of a person in a thread, and the numbers that the unread count follows from.
struct CursorState {
    last_seq: u64,
    /// Messages that the person sent.
    sent: u64,
    /// Messages of others up to the read cursor.
    seen: u64,
    read: u64,
    delivered: u64,
}

fn one(connection: &Connection, wanted: &AdvanceCursor) -> Result<Option<Advanced>> {
    let Some(mut state) = read_state(connection, wanted)? else { return Ok(None) };
    let up_to = match wanted.up_to {
        Some(asked) => asked.min(state.last_seq),
        None => accepted_by(connection, wanted)?,
    };
    let from = match wanted.cursor {
        Cursor::Delivered => state.delivered,
        Cursor::Read => state.read,
    };
    if up_to <= from {
        let unread_count = state.unread();
        return Ok(Some(Advanced { from, up_to: from, unread_count, messages: Vec::new() }));
    }
    state.delivered = state.delivered.max(up_to);
    if wanted.cursor == Cursor::Read {
        state.read = up_to;
        state.seen = up_to - (state.sent - own_beyond(connection, wanted, up_to)?);
    }
    state.write(connection, wanted)?;
    let messages = write_receipts(connection, wanted, from, up_to)?;
    Ok(Some(Advanced { from, up_to, unread_count: state.unread(), messages }))
}

fn read_state(connection: &Connection, wanted: &AdvanceCursor) -> Result<Option<CursorState>> {
    let mut statement = connection.prepare_cached(
        "SELECT last_seq, sent, seen, read_seq, delivered_seq FROM thread_participant JOIN thread ON thread.id = thread_id
         WHERE thread_id = ?1 AND user_id = ?2",
    )?;
    let read = |row: &Row<'_>| {
        Ok(CursorState {
            last_seq: column::read_integer(row, "last_seq")?,
            sent: column::read_integer(row, "sent")?,
            seen: column::read_integer(row, "seen")?,
            read: column::read_integer(row, "read_seq")?,
            delivered: column::read_integer(row, "delivered_seq")?,
        })
    };
    statement.query_row(params![wanted.thread_id.bytes(), wanted.user_id.as_str()], read).optional()
}

impl CursorState {
    fn unread(&self) -> u64 {
        self.last_seq - self.sent - self.seen
    }

    fn write(&self, connection: &Connection, wanted: &AdvanceCursor) -> Result<()> {
        let mut statement = connection.prepare_cached(
            "UPDATE thread_participant SET seen = ?3, read_seq = ?4, delivered_seq = ?5 WHERE thread_id = ?1 AND user_id = ?2",
        )?;
        let [seen, read, delivered] = [self.seen, self.read, self.delivered].map(column::integer);
        statement.execute(params![
            wanted.thread_id.bytes(),
            wanted.user_id.as_str(),
            seen,
            read,
            delivered
        ])?;
        Ok(())
    }
}

/// Place of the newest message that was accepted by then. Most messages were, so it is usually the first one
/// that SQLite looks at.
fn accepted_by(connection: &Connection, wanted: &AdvanceCursor) -> Result<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT seq FROM message WHERE thread_id = ?1 AND created_at <= ?2 ORDER BY seq DESC LIMIT 1",
    )?;
    let newest = statement
        .query_row(params![wanted.thread_id.bytes(), wanted.at.0], |row| column::read_integer(row, "seq"));
    Ok(newest.optional()?.unwrap_or(0))
}

/// How many messages of the person come after a place. Few messages do, since people read up to the end.
fn own_beyond(connection: &Connection, wanted: &AdvanceCursor, place: u64) -> Result<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT COUNT(*) AS own FROM message WHERE thread_id = ?1 AND seq > ?2 AND sender_id = ?3",
    )?;
    let place = column::integer(place);
    statement.query_row(params![wanted.thread_id.bytes(), place, wanted.user_id.as_str()], |row| {
        column::read_integer(row, "own")
    })
}

/// Writes receipts into the messages of others after `from` and up to `up_to`, unless the thread has too many
/// people. Gives the newest of those messages.
fn write_receipts(
    connection: &Connection,
    wanted: &AdvanceCursor,
    from: u64,
    up_to: u64,
) -> Result<Vec<Receipted>> {
    let people = people(connection, wanted)?;
    let mut receipted = Vec::new();
    let mut after = from;
    while after < up_to && people <= RECEIPT_PARTICIPANTS_MAX {
        let page = history::oldest_after(connection, wanted.thread_id, Place::Seq(after), PAGE_MAX)?;
        after = page.last().map_or(up_to, |last| last.seq);
        for mut message in
            page.into_iter().filter(|message| message.seq <= up_to && message.sender_id != wanted.user_id)
        {
            change::add_receipt(&mut message, wanted, people - 1);
            message::write_receipts(connection, &message)?;
            receipted.push(Receipted { id: message.id, seq: message.seq, status: message.status });
        }
    }
    Ok(receipted.split_off(receipted.len().saturating_sub(RECEIPTED_MAX)))
}

/// How many people are in the thread. Stops counting at one more than a thread with receipts may have.
fn people(connection: &Connection, wanted: &AdvanceCursor) -> Result<usize> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM thread_participant WHERE thread_id = ?1 LIMIT ?2")?;
    let limit = RECEIPT_PARTICIPANTS_MAX as u64 + 1;
    let rows = statement.query_map(params![wanted.thread_id.bytes(), column::integer(limit)], |_| Ok(()))?;
    Ok(rows.count())
}
