//! The audit log: rows are added and never touched again.

use super::json::{from_json, to_json};
use crate::store::column;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{AuditPage, ReplayCounts};
use eventflow_protocol::dead_letters::{AuditAction, AuditEntry, ReplayId};
use rusqlite::{Connection, Result, params};

pub(super) fn add(connection: &Connection, entries: &[AuditEntry]) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR IGNORE INTO audit (id, at, letter, replay, action, entry) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for entry in entries {
        statement.execute(params![
            entry.id,
            entry.at.0,
            entry.letter.map(|letter| letter.to_string()),
            entry.replay.map(|replay| replay.to_string()),
            entry.action.name(),
            to_json(entry)?,
        ])?;
    }
    Ok(())
}

pub(super) fn page(connection: &Connection, page: &AuditPage) -> Result<Vec<AuditEntry>> {
    let mut statement = connection.prepare_cached(
        "SELECT entry FROM audit WHERE (?1 IS NULL OR letter = ?1) AND (?2 IS NULL OR (at, id) < (?2, ?3))
         ORDER BY at DESC, id DESC LIMIT ?4",
    )?;
    let letter = page.letter.map(|letter| letter.to_string());
    let (at, id) = page.after.as_ref().map(|(at, id)| (at.0, id)).unzip();
    let limit = page.limit.clamp(1, PAGE_MAX);
    statement.query_map(params![letter, at, id, limit], |row| from_json(row, "entry"))?.collect()
}

/// Each letter once, by its newest entry of this replay; of two of the same time a refusal is the newer one.
pub(super) fn counts(connection: &Connection, replay: ReplayId) -> Result<ReplayCounts> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FILTER (WHERE action = ?2) AS replayed, count(*) FILTER (WHERE action = ?3) AS refused
         FROM (
            SELECT action, row_number() OVER (PARTITION BY letter ORDER BY at DESC, action DESC) AS age
            FROM audit WHERE replay = ?1 AND action IN (?2, ?3)
         ) WHERE age = 1",
    )?;
    let (sent, refused) = (AuditAction::ReplayLetter.name(), AuditAction::ReplayRefused.name());
    statement.query_row(params![replay.to_string(), sent, refused], |row| {
        let (replayed, refused) =
            (column::read_integer(row, "replayed")?, column::read_integer(row, "refused")?);
        Ok(ReplayCounts { replayed, refused })
    })
}
