//! Marking messages unread: a person's read cursor goes back, for themselves alone.
//!
//! The place where it was stays as what others know (`told_seq`). Safe to repeat because the last commands of
//! each person are remembered in the same transaction.

use super::column;
use super::cursor::{CursorState, own_between, read_state};
use eventflow_ports::WithCommandId;
use eventflow_protocol::CommandId;
use eventflow_protocol::change::{MarkUnread, MarkedUnread, remember_wish};
use rusqlite::{Connection, Result, params};

/// Takes a read cursor back. None if the person is not in the thread.
pub(super) fn mark(
    connection: &Connection,
    mark: &WithCommandId<MarkUnread>,
) -> Result<Option<MarkedUnread>> {
    let MarkUnread { thread_id, user_id, at, .. } = &mark.wanted;
    let Some(mut state) = read_state(connection, *thread_id, user_id)? else { return Ok(None) };
    let from = state.read;
    let mut done = commands(connection, &mark.wanted)?;
    if remember_wish(&mut done, mark.command_id) {
        state.go_back(connection, &mark.wanted)?;
        let mut statement = connection.prepare_cached(
            "UPDATE thread_participant SET seen = ?3, read_seq = ?4, told_seq = ?5, unreads = ?6,
                 unread_at = max(coalesce(unread_at, ?7), ?7)
             WHERE thread_id = ?1 AND user_id = ?2",
        )?;
        let [seen, read, told] = [state.seen, state.read, state.told].map(column::integer);
        let done = column::pack(&done)?;
        statement.execute(params![thread_id.bytes(), user_id.as_str(), seen, read, told, done, at.0])?;
    }
    let unread_count = state.unread(connection, *thread_id, user_id)?;
    Ok(Some(MarkedUnread { is_changed: state.read < from, read_seq: state.read, unread_count }))
}

/// The last commands of this kind.
fn commands(connection: &Connection, wanted: &MarkUnread) -> Result<Vec<CommandId>> {
    let mut statement = connection
        .prepare_cached("SELECT unreads FROM thread_participant WHERE thread_id = ?1 AND user_id = ?2")?;
    statement.query_row(params![wanted.thread_id.bytes(), wanted.user_id.as_str()], |row| {
        column::unpack(row, "unreads")
    })
}

impl CursorState {
    /// The cursor as the mark leaves it. Counts the person's own messages that it goes back over.
    fn go_back(&mut self, connection: &Connection, wanted: &MarkUnread) -> Result<()> {
        let to = wanted.place(self.read, self.last_seq).max(self.since.min(self.read));
        let own = own_between(connection, (wanted.thread_id, &wanted.user_id), to, self.read)?;
        self.told = self.told.max(self.read);
        self.seen = self.seen.saturating_sub((self.read - to).saturating_sub(own));
        self.read = to;
        Ok(())
    }
}
