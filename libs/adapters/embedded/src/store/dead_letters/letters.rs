//! Letters and their bodies.

use super::json::{from_json, to_json};
use crate::store::column;
use bytes::Bytes;
use eventflow_ports::dead_letters::GROUPS_MAX;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{Kept, LetterCount, LetterGroup, LetterOrder, LetterPage};
use eventflow_protocol::Timestamp;
use eventflow_protocol::dead_letters::{
    Arrival, Cause, DeadLetter, DeadLetterId, LetterChange, LetterFilter, LetterState,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, params, params_from_iter};
use std::fmt::Write as _;

/// Letters deleted in one transaction: others wait behind it, and each may have bodies of 256 KiB.
const FORGOTTEN_AT_ONCE: u32 = 50;

pub(super) fn keep(connection: &Connection, arrivals: &[Arrival]) -> Result<Vec<Kept>> {
    arrivals.iter().map(|arrival| keep_one(connection, arrival)).collect()
}

fn keep_one(connection: &Connection, arrival: &Arrival) -> Result<Kept> {
    let (letter, kept, versions) = match find(connection, arrival.id)? {
        None => (DeadLetter::new(arrival), Kept::New, 0),
        Some(mut letter) => {
            let versions = letter.version();
            if !letter.arrive(arrival) {
                return Ok(Kept::Before);
            }
            (letter, Kept::Again, versions)
        }
    };
    if letter.version() > versions {
        write_body(connection, &letter, &arrival.body)?;
    }
    write(connection, &letter)?;
    Ok(kept)
}

pub(super) fn change(
    connection: &Connection,
    ids: &[DeadLetterId],
    change: &LetterChange,
    at: Timestamp,
) -> Result<Vec<DeadLetter>> {
    let mut changed = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(mut letter) = find(connection, *id)? else { continue };
        if !letter.change(change, at) {
            continue;
        }
        if let LetterChange::Edit(edit) = change {
            write_body(connection, &letter, &edit.body)?;
        }
        write(connection, &letter)?;
        changed.push(letter);
    }
    Ok(changed)
}

fn write(connection: &Connection, letter: &DeadLetter) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO dead_letter (id, queue, cause, kind, state, last_at, ended_at, replay, reason, letter)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    statement.execute(params![
        letter.id.to_string(),
        letter.queue,
        letter.cause.name(),
        letter.kind,
        letter.state.name(),
        letter.last_at.0,
        letter.ended_at.map(|at| at.0),
        letter.replay.map(|replay| replay.to_string()),
        letter.reason,
        to_json(letter)?,
    ])?;
    Ok(())
}

fn write_body(connection: &Connection, letter: &DeadLetter, body: &[u8]) -> Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO dead_letter_body (id, version, body) VALUES (?1, ?2, ?3)")?
        .execute(params![letter.id.to_string(), letter.version(), body])
        .map(drop)
}

pub(super) fn find(connection: &Connection, id: DeadLetterId) -> Result<Option<DeadLetter>> {
    let mut statement = connection.prepare_cached("SELECT letter FROM dead_letter WHERE id = ?1")?;
    statement.query_row([id.to_string()], |row| from_json(row, "letter")).optional()
}

pub(super) fn body(connection: &Connection, id: DeadLetterId, version: u32) -> Result<Option<Bytes>> {
    let mut statement =
        connection.prepare_cached("SELECT body FROM dead_letter_body WHERE id = ?1 AND version = ?2")?;
    let read = |row: &Row<'_>| row.get::<_, Vec<u8>>(0).map(Bytes::from);
    statement.query_row(params![id.to_string(), version], read).optional()
}

/// What a filter asks for, as a condition and its values.
struct Condition {
    sql: String,
    values: Vec<Value>,
}

impl Condition {
    fn of(which: &LetterFilter) -> Self {
        let mut condition = Self { sql: "TRUE".to_owned(), values: Vec::new() };
        let text = |text: &str| Value::Text(text.to_owned());
        condition.add("queue = ?", which.queue.as_deref().map(text));
        condition.add("cause = ?", which.cause.map(|cause| text(cause.name())));
        condition.add("kind = ?", which.kind.as_deref().map(text));
        condition.add("state = ?", which.state.map(|state| text(state.name())));
        condition.add("last_at >= ?", which.from.map(|at| Value::Integer(at.0)));
        condition.add("last_at < ?", which.to.map(|at| Value::Integer(at.0)));
        condition.add("replay = ?", which.replay.map(|replay| Value::Text(replay.to_string())));
        condition
    }

    fn add(&mut self, sql: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.sql.push_str(" AND ");
            self.sql.push_str(sql);
            self.values.push(value);
        }
    }
}

/// A row of a list: where it stands, and its letter if it is one.
struct Listed {
    at: i64,
    id: String,
    letter: Option<DeadLetter>,
}

/// A page of the letters that fit. Rows of somebody else that are no letters are passed over, and the page is
/// filled with those behind them.
pub(super) fn page(
    connection: &Connection,
    which: &LetterFilter,
    page: LetterPage,
) -> Result<Vec<DeadLetter>> {
    let limit = page.limit.clamp(1, PAGE_MAX) as usize;
    let mut after = page.after.map(|place| (place.at.0, place.id.to_string()));
    let (mut letters, mut passed_over) = (Vec::with_capacity(limit), 0_usize);
    loop {
        let wanted = limit - letters.len();
        let rows = rows(connection, which, page.order, after.as_ref(), wanted)?;
        let is_last = rows.len() < wanted;
        after = rows.last().map(|row| (row.at, row.id.clone()));
        passed_over += rows.iter().filter(|row| row.letter.is_none()).count();
        letters.extend(rows.into_iter().filter_map(|row| row.letter));
        if is_last || letters.len() == limit {
            break;
        }
    }
    if passed_over > 0 {
        tracing::warn!(passed_over, "rows among the dead letters are no letters");
    }
    Ok(letters)
}

fn rows(
    connection: &Connection,
    which: &LetterFilter,
    order: LetterOrder,
    after: Option<&(i64, String)>,
    limit: usize,
) -> Result<Vec<Listed>> {
    let mut condition = Condition::of(which);
    let (beyond, direction) = match order {
        LetterOrder::NewestFirst => ("<", "DESC"),
        LetterOrder::OldestFirst => (">", "ASC"),
    };
    if let Some((at, id)) = after {
        // Writing into a string does not fail.
        let _ = write!(condition.sql, " AND (last_at, id) {beyond} (?, ?)");
        condition.values.extend([Value::Integer(*at), Value::Text(id.clone())]);
    }
    condition.values.push(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    let sql = format!(
        "SELECT last_at, id, letter FROM dead_letter WHERE {} ORDER BY last_at {direction}, id {direction} LIMIT ?",
        condition.sql
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let read = |row: &Row<'_>| {
        Ok(Listed { at: row.get("last_at")?, id: row.get("id")?, letter: from_json(row, "letter").ok() })
    };
    statement.query_map(params_from_iter(condition.values), read)?.collect()
}

/// How many letters are in this state, by queue and cause.
pub(super) fn counts(connection: &Connection, state: LetterState) -> Result<Vec<LetterCount>> {
    let mut statement = connection.prepare_cached(
        "SELECT queue, cause, count(*) AS letters FROM dead_letter WHERE state = ?1
         GROUP BY queue, cause ORDER BY letters DESC, queue, cause LIMIT ?2",
    )?;
    let read = |row: &Row<'_>| {
        let Some(cause) = cause_of(row)? else { return Ok(None) };
        Ok(Some(LetterCount {
            queue: row.get("queue")?,
            cause,
            count: column::read_integer(row, "letters")?,
        }))
    };
    let found = statement.query_map(params![state.name(), GROUPS_MAX], read)?;
    found.filter_map(Result::transpose).collect()
}

/// The cause of a row; `None` if its word is none, as somebody else may have written.
fn cause_of(row: &Row<'_>) -> Result<Option<Cause>> {
    let word: String = row.get("cause")?;
    Ok(Cause::ALL.into_iter().find(|cause| cause.name() == word))
}

pub(super) fn count(connection: &Connection, which: &LetterFilter) -> Result<u64> {
    let condition = Condition::of(which);
    let sql = format!("SELECT count(*) AS letters FROM dead_letter WHERE {}", condition.sql);
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row(params_from_iter(condition.values), |row| column::read_integer(row, "letters"))
}

/// SQLite takes the columns that are not grouped from the row that has the maximum.
pub(super) fn groups(connection: &Connection, which: &LetterFilter) -> Result<Vec<LetterGroup>> {
    let mut condition = Condition::of(which);
    condition.values.push(Value::Integer(GROUPS_MAX.into()));
    let oldest = oldest(connection, which)?;
    let sql = format!(
        "SELECT queue, cause, kind, count(*) AS letters, max(last_at) AS newest_at, reason FROM dead_letter
         WHERE {} GROUP BY queue, cause, kind ORDER BY letters DESC, queue, cause, kind LIMIT ?",
        condition.sql
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let read = |row: &Row<'_>| group(row, &oldest);
    let found = statement.query_map(params_from_iter(condition.values), read)?;
    found.filter_map(Result::transpose).collect()
}

/// The queue, cause and kind of a group, and when its oldest letter failed last.
type Oldest = (String, String, Option<String>, i64);

fn oldest(connection: &Connection, which: &LetterFilter) -> Result<Vec<Oldest>> {
    let condition = Condition::of(which);
    let sql = format!(
        "SELECT queue, cause, kind, min(last_at) FROM dead_letter WHERE {} GROUP BY queue, cause, kind",
        condition.sql
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    statement.query_map(params_from_iter(condition.values), read)?.collect()
}

fn group(row: &Row<'_>, oldest: &[Oldest]) -> Result<Option<LetterGroup>> {
    let Some(cause) = cause_of(row)? else { return Ok(None) };
    let (queue, kind): (String, Option<String>) = (row.get("queue")?, row.get("kind")?);
    let newest_at = column::time(row, "newest_at")?;
    let its_own = |other: &&Oldest| other.0 == queue && other.1 == cause.name() && other.2 == kind;
    let oldest_at = oldest.iter().find(its_own).map_or(newest_at, |other| Timestamp(other.3));
    let (count, reason) = (column::read_integer(row, "letters")?, row.get("reason")?);
    Ok(Some(LetterGroup { queue, cause, kind, count, oldest_at, newest_at, reason }))
}

pub(super) fn forget(connection: &Connection, before: Timestamp) -> Result<u64> {
    let old: Vec<String> = connection
        .prepare_cached("SELECT id FROM dead_letter WHERE ended_at < ?1 LIMIT ?2")?
        .query_map(params![before.0, FORGOTTEN_AT_ONCE], |row| row.get(0))?
        .collect::<Result<_>>()?;
    for id in &old {
        connection.prepare_cached("DELETE FROM dead_letter_body WHERE id = ?1")?.execute([id])?;
        connection.prepare_cached("DELETE FROM dead_letter WHERE id = ?1")?.execute([id])?;
    }
    Ok(old.len() as u64)
}
