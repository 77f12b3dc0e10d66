//! The mails that windows keep, which their recipients may have.
//!
//! Safe to repeat because a window keeps one mail.

use super::column;
use eventflow_ports::KeptMail;
use eventflow_protocol::outbound::WindowId;
use rusqlite::{Connection, OptionalExtension, Result, params};

/// Keeps the mail of a window, or forgets it.
pub(super) fn keep(connection: &Connection, id: WindowId, mail: Option<&KeptMail>) -> Result<()> {
    let mail = mail.map(column::pack).transpose()?;
    let mut keep = connection.prepare_cached("UPDATE outbound_window SET mail = ?2 WHERE id = ?1")?;
    keep.execute(params![id.0.into_bytes(), mail]).map(drop)
}

/// The mail that a window keeps.
pub(super) fn kept(connection: &Connection, id: WindowId) -> Result<Option<KeptMail>> {
    let mut find =
        connection.prepare_cached("SELECT mail FROM outbound_window WHERE id = ?1 AND mail IS NOT NULL")?;
    find.query_row([id.0.into_bytes()], |row| column::unpack_exactly(row, "mail")).optional()
}
