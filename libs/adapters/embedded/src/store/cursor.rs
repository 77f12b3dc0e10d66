//! How far people have come: a cursor moves, the messages that it passes get their receipts, and the unread
//! count follows.
//!
//! In come advances, in order. They are carried out in steps of bounded work ([`advance_step`]), each one
//! change on the only writer, so that the messages of others pass between them. A step leaves the cursor, the
//! receipts and the count in agreement, wherever the advance ends.
//! Where a person has been before, because they have marked messages unread since, the messages have their
//! receipts, and only the count changes.
//! Safe to repeat because an advance only raises a cursor, and one that stays where it is changes nothing.

use super::{column, history, message, people, unread};
use eventflow_ports::Place;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::change::{
    self, AdvanceCursor, Advanced, Cursor, RECEIPT_PARTICIPANTS_MAX, RECEIPTED_MAX, Receipted,
};
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// Work of one step, counted in messages that are only looked at: about a millisecond. That is how long a
/// step may hold up the messages of others.
const STEP_WORK: u64 = 8_192;
/// What a message costs that gets a receipt, counted in messages that are only looked at.
const RECEIPT_WORK: u64 = 32;

/// Advances that are carried out step by step.
pub(super) struct AdvanceWork {
    advances: Vec<AdvanceCursor>,
    answers: Vec<Option<Advanced>>,
    /// What has been done of the advance whose answer comes next.
    begun: Option<Begun>,
}

/// An advance that is done in part.
struct Begun {
    /// Where the cursor was at first.
    from: u64,
    /// Where it is to go.
    to: u64,
    /// The highest place where it ever was before.
    told: u64,
    /// The newest messages that got a receipt.
    messages: Vec<Receipted>,
}

/// The cursors of a person in a thread, and the numbers that the unread count follows from.
pub(super) struct CursorState {
    pub(super) last_seq: u64,
    /// Messages that the person sent.
    sent: u64,
    /// Messages of others up to the read cursor.
    pub(super) seen: u64,
    pub(super) read: u64,
    /// The highest place where the read cursor was before it went back; 0 if it never did.
    pub(super) told: u64,
    delivered: u64,
    /// When the person marked messages unread last.
    unread_at: Option<Timestamp>,
    /// The person sees messages after this place.
    pub(super) since: u64,
}

impl AdvanceWork {
    /// Nothing of `advances` is done yet.
    pub(super) fn new(advances: Vec<AdvanceCursor>) -> Self {
        let answers = Vec::with_capacity(advances.len());
        Self { advances, answers, begun: None }
    }

    /// The answers, one for each advance, once all are there; none for a person who is not in the thread.
    pub(super) fn finished(self) -> std::result::Result<Vec<Option<Advanced>>, Self> {
        if self.answers.len() == self.advances.len() { Ok(self.answers) } else { Err(self) }
    }
}

/// Carries out as much as one step may.
pub(super) fn advance_step(connection: &Connection, mut work: AdvanceWork) -> Result<AdvanceWork> {
    let mut left = STEP_WORK;
    while left > 0
        && let Some(wanted) = work.advances.get(work.answers.len())
    {
        let Some(mut state) = read_state(connection, wanted.thread_id, &wanted.user_id)? else {
            work.answers.push(None);
            continue;
        };
        let at = state.cursor(wanted.cursor);
        let mut begun = if let Some(begun) = work.begun.take() {
            begun
        } else {
            let to = if wanted.is_before(state.unread_at) { at } else { end(connection, wanted, &state)? };
            Begun { from: at, to, told: state.told(wanted.cursor), messages: Vec::new() }
        };
        if at < begun.to {
            left = left.saturating_sub(state.advance(connection, wanted, &mut begun, left)?);
        }
        if state.cursor(wanted.cursor) < begun.to {
            work.begun = Some(begun);
        } else {
            let up_to = state.cursor(wanted.cursor);
            let unread_count = state.unread(connection, wanted.thread_id, &wanted.user_id)?;
            let Begun { from, told, messages, .. } = begun;
            work.answers.push(Some(Advanced { from, told, up_to, unread_count, messages }));
        }
        // Looking is work too, so that a batch of any size ends.
        left = left.saturating_sub(RECEIPT_WORK);
    }
    Ok(work)
}

/// Where the cursor is to go.
fn end(connection: &Connection, wanted: &AdvanceCursor, state: &CursorState) -> Result<u64> {
    match wanted.up_to {
        Some(asked) => Ok(asked.min(state.last_seq)),
        None => accepted_by(connection, wanted),
    }
}

/// The cursors of a person. None if they are not in the thread.
pub(super) fn read_state(
    connection: &Connection,
    thread: ThreadId,
    user: &UserId,
) -> Result<Option<CursorState>> {
    let mut statement = connection.prepare_cached(
        "SELECT last_seq, sent, seen, read_seq, told_seq, delivered_seq, unread_at, since_seq FROM thread_participant JOIN thread ON thread.id = thread_id
         WHERE thread_id = ?1 AND user_id = ?2",
    )?;
    let read = |row: &Row<'_>| {
        Ok(CursorState {
            last_seq: column::read_integer(row, "last_seq")?,
            sent: column::read_integer(row, "sent")?,
            seen: column::read_integer(row, "seen")?,
            read: column::read_integer(row, "read_seq")?,
            told: column::read_integer(row, "told_seq")?,
            delivered: column::read_integer(row, "delivered_seq")?,
            unread_at: row.get::<_, Option<i64>>("unread_at")?.map(Timestamp),
            since: column::read_integer(row, "since_seq")?,
        })
    };
    statement.query_row(params![thread.bytes(), user.as_str()], read).optional()
}

impl CursorState {
    fn cursor(&self, cursor: Cursor) -> u64 {
        match cursor {
            Cursor::Delivered => self.delivered,
            Cursor::Read => self.read,
        }
    }

    /// The highest place where a cursor ever was.
    fn told(&self, cursor: Cursor) -> u64 {
        match cursor {
            Cursor::Delivered => self.delivered,
            Cursor::Read => self.read.max(self.told),
        }
    }

    /// How many messages of others are left to read.
    pub(super) fn unread(&self, connection: &Connection, thread: ThreadId, user: &UserId) -> Result<u64> {
        let taken_back = unread::taken_back_beyond(connection, thread, user, self.read)?;
        Ok((self.last_seq - self.sent - self.seen).saturating_sub(taken_back))
    }

    /// Moves the cursor as far as `work` allows, at least by one message. Gives the work that it took.
    fn advance(
        &mut self,
        connection: &Connection,
        wanted: &AdvanceCursor,
        begun: &mut Begun,
        work: u64,
    ) -> Result<u64> {
        let from = self.cursor(wanted.cursor);
        let people = people::count_for_receipts(connection, wanted.thread_id)?;
        if people > RECEIPT_PARTICIPANTS_MAX {
            return self.advance_by_count(connection, wanted, begun.to, work);
        }
        if from < begun.told {
            return self.advance_by_count(connection, wanted, begun.to.min(begun.told), work);
        }
        let count = (work / RECEIPT_WORK).clamp(1, begun.to - from);
        let receipted = write_receipts(connection, wanted, from..from + count, people)?;
        let others = receipted.len() as u64;
        self.move_to(wanted.cursor, from + count, self.seen + others);
        self.write(connection, wanted)?;
        begun.messages.extend(receipted);
        begun.messages.drain(..begun.messages.len().saturating_sub(RECEIPTED_MAX));
        Ok(count * RECEIPT_WORK)
    }

    /// A step that writes no receipts. It counts the person's own messages that the read cursor passes,
    /// or those that lie beyond it, whichever are fewer.
    fn advance_by_count(
        &mut self,
        connection: &Connection,
        wanted: &AdvanceCursor,
        end: u64,
        work: u64,
    ) -> Result<u64> {
        let person = (wanted.thread_id, &wanted.user_id);
        let counted = match wanted.cursor {
            Cursor::Delivered => {
                self.move_to(Cursor::Delivered, end, self.seen);
                0
            }
            Cursor::Read if self.last_seq - end < work.min(end - self.read) => {
                let own = own_between(connection, person, end, self.last_seq)?;
                self.move_to(Cursor::Read, end, end - (self.sent - own));
                self.last_seq - end
            }
            Cursor::Read => {
                let from = self.read;
                let to = end.min(from + work);
                let own = own_between(connection, person, from, to)?;
                self.move_to(Cursor::Read, to, self.seen + (to - from) - own);
                to - from
            }
        };
        self.write(connection, wanted)?;
        Ok(counted)
    }

    /// What was read was also delivered; only reading changes what was seen.
    fn move_to(&mut self, cursor: Cursor, to: u64, seen: u64) {
        self.delivered = self.delivered.max(to);
        if cursor == Cursor::Read {
            self.read = to;
            self.seen = seen;
        }
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

/// How many messages of the person come after `after` and up to `up_to`.
pub(super) fn own_between(
    connection: &Connection,
    (thread, user): (ThreadId, &UserId),
    after: u64,
    up_to: u64,
) -> Result<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT COUNT(*) AS own FROM message WHERE thread_id = ?1 AND seq > ?2 AND seq <= ?3 AND sender_id = ?4",
    )?;
    let [after, up_to] = [after, up_to].map(column::integer);
    statement.query_row(params![thread.bytes(), after, up_to, user.as_str()], |row| {
        column::read_integer(row, "own")
    })
}

/// Writes receipts into the messages of others after the range's start and up to its end. Gives them all.
fn write_receipts(
    connection: &Connection,
    wanted: &AdvanceCursor,
    range: std::ops::Range<u64>,
    people: usize,
) -> Result<Vec<Receipted>> {
    let mut receipted = Vec::new();
    let mut after = range.start;
    while after < range.end {
        let limit = u32::try_from(range.end - after).map_or(PAGE_MAX, |rest| rest.min(PAGE_MAX));
        let page = history::oldest_after(connection, wanted.thread_id, Place::Seq(after), 0, limit)?;
        after = page.last().map_or(range.end, |last| last.seq);
        for mut message in page.into_iter().filter(|message| message.sender_id != wanted.user_id) {
            change::add_receipt(&mut message, wanted, people - 1);
            message::write_receipts(connection, &message)?;
            receipted.push(Receipted { id: message.id, seq: message.seq, status: message.status });
        }
    }
    Ok(receipted)
}
