//! Replays.

use super::json::{from_json, to_json};
use eventflow_protocol::Timestamp;
use eventflow_protocol::dead_letters::{Replay, ReplayId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

pub(super) fn add(connection: &Connection, replay: &Replay) -> Result<()> {
    if find(connection, replay.id)?.is_none() {
        write(connection, replay)?;
    }
    Ok(())
}

pub(super) fn claim(connection: &Connection, now: Timestamp, until: Timestamp) -> Result<Option<Replay>> {
    let mut statement = connection.prepare_cached(
        "SELECT replay FROM dead_letter_replay WHERE claimable_at <= ?1 ORDER BY claimable_at LIMIT 1",
    )?;
    let Some(due) = statement.query_row([now.0], read).optional()? else { return Ok(None) };
    change(connection, due.id, |replay| replay.claim(now, until))
}

/// Makes a change. `None` if there is no such replay, or the change does not count.
pub(super) fn change(
    connection: &Connection,
    id: ReplayId,
    change: impl FnOnce(&mut Replay) -> bool,
) -> Result<Option<Replay>> {
    let Some(mut replay) = find(connection, id)? else { return Ok(None) };
    if !change(&mut replay) {
        return Ok(None);
    }
    write(connection, &replay)?;
    Ok(Some(replay))
}

pub(super) fn find(connection: &Connection, id: ReplayId) -> Result<Option<Replay>> {
    let mut statement = connection.prepare_cached("SELECT replay FROM dead_letter_replay WHERE id = ?1")?;
    statement.query_row([id.to_string()], read).optional()
}

fn write(connection: &Connection, replay: &Replay) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO dead_letter_replay (id, claimable_at, replay) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![replay.id.to_string(), replay.claimable_at.map(|at| at.0), to_json(replay)?])
        .map(drop)
}

fn read(row: &Row<'_>) -> Result<Replay> {
    from_json(row, "replay")
}
