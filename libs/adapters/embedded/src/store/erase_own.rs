//! Deletes what belongs to one person alone, some rows of each table at a time.
//!
//! Safe to repeat because what was deleted is not there any more.

use eventflow_ports::OwnErased;
use eventflow_protocol::UserId;
use rusqlite::{Connection, Result, ToSql};

/// Rows of a table that are deleted in one transaction: some milliseconds, during which no message is stored.
const ROWS_AT_ONCE: u32 = 500;

/// Windows with what they collect. Their items have no person of their own.
const ITEMS: &str = "DELETE FROM outbound_item WHERE window_id IN
    (SELECT id FROM outbound_window WHERE user_id = ?1)";
const WINDOWS: &str = "DELETE FROM outbound_window WHERE user_id = ?1";

/// Deletes what is left, as far as one transaction goes.
pub(super) fn erase(connection: &Connection, user: &UserId, address: Option<&str>) -> Result<OwnErased> {
    let mut own = Own { connection, user: user.as_str(), is_complete: true };
    let mut erased = OwnErased::default();
    let counts = &mut erased.counts;
    counts.drafts = own.keyed("draft", "thread_id")?;
    counts.scheduled = own.by_id("scheduled_message", "sender_id")?;
    counts.notifications = own.by_id("notification", "user_id")?;
    counts.deliveries = own.by_id("delivery", "user_id")?;
    counts.devices = own.by_id("push_device", "user_id")?;
    counts.blocks = own.keyed("person_block", "other_id")?;
    for whole in [
        ITEMS,
        WINDOWS,
        "DELETE FROM push_shown WHERE user_id = ?1",
        "DELETE FROM preferences WHERE user_id = ?1",
        "DELETE FROM token_name WHERE user_id = ?1",
        "DELETE FROM name_word WHERE user_id = ?1",
        "DELETE FROM revocation WHERE user_id = ?1 AND session <> ''",
    ] {
        connection.prepare_cached(whole)?.execute([user.as_str()])?;
    }
    if let Some(address) = address {
        connection.prepare_cached("DELETE FROM suppression WHERE key = ?1")?.execute([address])?;
    }
    // It is bounded, and only an installation that sends nothing has one. Who wrote what is in it cannot be
    // told.
    connection.prepare_cached("DELETE FROM outbox")?.execute([])?;
    erased.is_complete = own.is_complete;
    Ok(erased)
}

struct Own<'a> {
    connection: &'a Connection,
    user: &'a str,
    /// No table had more rows than were deleted.
    is_complete: bool,
}

impl Own<'_> {
    /// Deletes rows of a table whose key is an id.
    fn by_id(&mut self, table: &str, person: &str) -> Result<u64> {
        self.delete(&format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {person} = ?1 LIMIT ?2)"
        ))
    }

    /// Deletes rows of a table whose key is the person and something else.
    fn keyed(&mut self, table: &str, other: &str) -> Result<u64> {
        self.delete(&format!(
            "DELETE FROM {table} WHERE user_id = ?1 AND {other} IN
             (SELECT {other} FROM {table} WHERE user_id = ?1 LIMIT ?2)"
        ))
    }

    fn delete(&mut self, sql: &str) -> Result<u64> {
        let values: [&dyn ToSql; 2] = [&self.user, &ROWS_AT_ONCE];
        let rows = self.connection.prepare_cached(sql)?.execute(&values[..])? as u64;
        self.is_complete &= rows < u64::from(ROWS_AT_ONCE);
        Ok(rows)
    }
}
