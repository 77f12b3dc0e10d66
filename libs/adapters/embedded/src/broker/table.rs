//! The broker's tables and every statement on them.
//!
//! `broker_message` holds the messages that are queued, waiting or parked. `broker_delivery` counts
//! unfinished deliveries in a table of its own, since an update of a message's row would rewrite its payload.
//! `broker_state` says whether the last stop was in order.

use super::message::{BrokerMessage, QUEUE_NUMBER_MAX, QueuedMessage, Slot};
use bytes::Bytes;
use eventflow_bus::port::Headers;
use eventflow_bus::topology::{Delay, QueueKind, QueueSpec};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// The schema, one step per version.
pub(super) const STEPS: &[&str] = &["
    CREATE TABLE broker_queue (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, held INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE broker_message (
        slot INTEGER PRIMARY KEY,
        due_ms INTEGER,
        back_to INTEGER,
        attempt INTEGER NOT NULL,
        reason TEXT,
        origin TEXT,
        reply_to TEXT,
        payload BLOB NOT NULL
    );
    CREATE TABLE broker_delivery (slot INTEGER PRIMARY KEY, count INTEGER NOT NULL);
    CREATE TABLE broker_state (clean INTEGER NOT NULL);
    INSERT INTO broker_state VALUES (1);
", "ALTER TABLE broker_message ADD COLUMN since_ms INTEGER;"];

/// A queue in the table.
pub(super) struct StoredQueue {
    /// The number of the queue.
    pub(super) number: i64,
    /// Name and kind.
    pub(super) spec: QueueSpec,
    /// How many of its messages the consumers may have held when the process last ran.
    pub(super) held: u32,
    /// Number of messages.
    pub(super) messages: u64,
    /// Their payload in bytes.
    pub(super) bytes: u64,
    /// The slot of its newest message, or the start of the queue.
    pub(super) last: Slot,
}

/// How long a message waits on the ladder, and the queue that it returns to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// End of the wait in milliseconds since 1970.
    pub(super) due_ms: i64,
    /// The number of the queue it returns to.
    pub(super) back_to: i64,
}

/// A message on the ladder whose wait is over.
pub(super) struct DueRetry {
    /// Its slot on the ladder.
    pub(super) slot: Slot,
    /// The number of the queue it returns to.
    pub(super) back_to: i64,
    /// Bytes of payload.
    pub(super) bytes: u64,
}

/// Makes a queue exist. Gives its number and the kind that it has in the table.
pub(super) fn declare(connection: &Connection, spec: &QueueSpec) -> Result<(i64, String)> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO broker_queue (name, kind) VALUES (?1, ?2)")?
        .execute(params![spec.name, kind_name(spec.kind)])?;
    let (number, kind) = connection
        .prepare_cached("SELECT number, kind FROM broker_queue WHERE name = ?1")?
        .query_row([&spec.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if number > QUEUE_NUMBER_MAX {
        Err(rusqlite::Error::IntegralValueOutOfRange(0, number))
    } else {
        Ok((number, kind))
    }
}

/// Every queue, with how full it is.
pub(super) fn queues(connection: &Connection) -> Result<Vec<StoredQueue>> {
    let mut statement =
        connection.prepare("SELECT number, name, kind, held FROM broker_queue ORDER BY number")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    rows.filter_map(|row: Result<(i64, String, String, u32)>| match row {
        // A kind that this version does not know is left alone, with its messages.
        Ok((number, name, kind, held)) => {
            kind_named(&kind, &name).map(|kind| filling(connection, (number, held), QueueSpec { name, kind }))
        }
        Err(error) => Some(Err(error)),
    })
    .collect()
}

fn filling(connection: &Connection, (number, held): (i64, u32), spec: QueueSpec) -> Result<StoredQueue> {
    connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(length(payload)), 0), coalesce(max(slot), ?1) FROM broker_message
             WHERE slot > ?1 AND slot <= ?2",
        )?
        .query_row([Slot::start(number).0, Slot::end(number).0], |row| {
            let (messages, bytes, last): (u32, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(StoredQueue {
                number,
                spec,
                held,
                messages: messages.into(),
                bytes: bytes.unsigned_abs(),
                last: Slot(last),
            })
        })
}

/// The name of a kind in the table. It must equal the stored one when a queue is declared again.
pub(super) fn kind_name(kind: QueueKind) -> &'static str {
    match kind {
        QueueKind::Work => "work",
        QueueKind::SingleActive => "single-active",
        QueueKind::Delay(_) => "delay",
        QueueKind::Dead => "dead",
        QueueKind::Gateway => "gateway",
        // One process shares its queues with nobody.
        QueueKind::Log => "log",
    }
}

fn kind_named(kind: &str, queue: &str) -> Option<QueueKind> {
    match kind {
        "work" => Some(QueueKind::Work),
        "single-active" => Some(QueueKind::SingleActive),
        "delay" => Delay::LADDER.into_iter().find(|delay| delay.queue() == queue).map(QueueKind::Delay),
        "dead" => Some(QueueKind::Dead),
        _ => None,
    }
}

/// Since when the oldest message of a queue is there, in milliseconds since 1970. `None` if the queue is
/// empty, or if an earlier version put the message in, which did not note it.
pub(super) fn oldest_since(connection: &Connection, queue: i64) -> Result<Option<i64>> {
    let found = connection
        .prepare_cached(
            "SELECT since_ms FROM broker_message WHERE slot > ?1 AND slot <= ?2 ORDER BY slot LIMIT 1",
        )?
        .query_row([Slot::start(queue).0, Slot::end(queue).0], |row| row.get(0))
        .optional()?;
    Ok(found.flatten())
}

/// Adds a message that came at `now_ms`.
pub(super) fn insert(
    connection: &Connection,
    slot: Slot,
    message: &BrokerMessage,
    wait: Option<Wait>,
    now_ms: i64,
) -> Result<()> {
    let BrokerMessage { payload, headers, reply_to } = message;
    connection
        .prepare_cached("INSERT INTO broker_message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
        .execute(params![
            slot.0,
            wait.map(|wait| wait.due_ms),
            wait.map(|wait| wait.back_to),
            headers.attempt,
            headers.reason,
            headers.origin,
            reply_to,
            payload.as_ref(),
            now_ms
        ])
        .map(drop)
}

/// Removes an acknowledged message. One that is gone already is no error.
pub(super) fn delete(connection: &Connection, slot: Slot) -> Result<()> {
    connection.prepare_cached("DELETE FROM broker_message WHERE slot = ?1")?.execute([slot.0]).map(drop)
}

/// Forgets the deliveries of a message.
pub(super) fn delete_count(connection: &Connection, slot: Slot) -> Result<()> {
    connection.prepare_cached("DELETE FROM broker_delivery WHERE slot = ?1")?.execute([slot.0]).map(drop)
}

/// Notes how many deliveries of a message ended without an acknowledgement.
pub(super) fn put_count(connection: &Connection, slot: Slot, deliveries: u32) -> Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO broker_delivery VALUES (?1, ?2)")?
        .execute(params![slot.0, deliveries])
        .map(drop)
}

/// Reads messages after one slot and up to another in order, until there are `max` or they have `max_bytes`.
/// `true` if that is all.
pub(super) fn read(
    connection: &Connection,
    range: (Slot, Slot),
    max: usize,
    max_bytes: u64,
) -> Result<(Vec<QueuedMessage>, bool)> {
    let mut statement = connection.prepare_cached(
        "SELECT m.slot, m.attempt, m.reason, m.origin, m.reply_to, m.payload, coalesce(d.count, 0)
         FROM broker_message m LEFT JOIN broker_delivery d ON d.slot = m.slot
         WHERE m.slot > ?1 AND m.slot <= ?2 ORDER BY m.slot",
    )?;
    let mut rows = statement.query([range.0.0, range.1.0])?;
    let (mut entries, mut bytes) = (Vec::new(), 0);
    while entries.len() < max && bytes < max_bytes {
        let Some(row) = rows.next()? else { return Ok((entries, true)) };
        let entry = entry(row)?;
        bytes += entry.message.bytes();
        entries.push(entry);
    }
    Ok((entries, false))
}

fn entry(row: &Row<'_>) -> Result<QueuedMessage> {
    let headers = Headers { attempt: row.get(1)?, reason: row.get(2)?, origin: row.get(3)? };
    let message =
        BrokerMessage { headers, reply_to: row.get(4)?, payload: Bytes::from(row.get::<_, Vec<u8>>(5)?) };
    let deliveries = row.get(6)?;
    Ok(QueuedMessage {
        deliveries,
        redelivered: deliveries > 0,
        ..QueuedMessage::new(Slot(row.get(0)?), message)
    })
}

/// The first messages of a queue with their unfinished deliveries.
pub(super) fn head(connection: &Connection, queue: i64, max: u32) -> Result<Vec<(Slot, u32)>> {
    connection
        .prepare_cached(
            "SELECT m.slot, coalesce(d.count, 0) FROM broker_message m LEFT JOIN broker_delivery d ON d.slot = m.slot
             WHERE m.slot > ?1 AND m.slot <= ?2 ORDER BY m.slot LIMIT ?3",
        )?
        .query_map(params![Slot::start(queue).0, Slot::end(queue).0, max], |row| Ok((Slot(row.get(0)?), row.get(1)?)))?
        .collect()
}

/// Messages of a ladder queue whose wait is over, oldest first.
pub(super) fn due(connection: &Connection, queue: i64, now_ms: i64, max: u32) -> Result<Vec<DueRetry>> {
    connection
        .prepare_cached(
            "SELECT slot, back_to, length(payload) FROM (SELECT * FROM broker_message WHERE slot > ?1 AND slot <= ?2 ORDER BY slot LIMIT ?3)
             WHERE due_ms <= ?4",
        )?
        .query_map(params![Slot::start(queue).0, Slot::end(queue).0, max, now_ms], |row| {
            Ok(DueRetry { slot: Slot(row.get(0)?), back_to: row.get(1)?, bytes: row.get::<_, u32>(2)?.into() })
        })?
        .collect()
}

/// When the oldest message of a ladder queue is due.
pub(super) fn first_due(connection: &Connection, queue: i64) -> Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT due_ms FROM broker_message WHERE slot > ?1 AND slot <= ?2 ORDER BY slot LIMIT 1",
        )?
        .query_row([Slot::start(queue).0, Slot::end(queue).0], |row| row.get(0))
        .optional()
}

/// Moves a message from the ladder to the end of the queue it came from, where it is since `now_ms`.
pub(super) fn come_back(connection: &Connection, from: Slot, to: Slot, now_ms: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE broker_message SET slot = ?2, due_ms = NULL, back_to = NULL, since_ms = ?3 WHERE slot = ?1",
        )?
        .execute([from.0, to.0, now_ms])
        .map(drop)
}

/// Moves a message to the end of a dead-letter queue, where it is since `now_ms`. `false` if the message is
/// gone already.
pub(super) fn park(
    connection: &Connection,
    from: Slot,
    to: Slot,
    (reason, origin): (&str, &str),
    now_ms: i64,
) -> Result<bool> {
    delete_count(connection, from)?;
    let moved = connection
        .prepare_cached(
            "UPDATE broker_message SET slot = ?2, reason = ?3, origin = ?4, since_ms = ?5 WHERE slot = ?1",
        )?
        .execute(params![from.0, to.0, reason, origin, now_ms])?;
    Ok(moved > 0)
}

/// The first free slot of a queue.
pub(super) fn after_last(connection: &Connection, queue: i64) -> Result<Slot> {
    connection
        .prepare_cached(
            "SELECT coalesce(max(slot), ?1) + 1 FROM broker_message WHERE slot > ?1 AND slot <= ?2",
        )?
        .query_row([Slot::start(queue).0, Slot::end(queue).0], |row| row.get(0).map(Slot))
}

/// Notes how many messages of a queue its consumers may hold from now on.
pub(super) fn put_held(connection: &Connection, queue: i64, held: u32) -> Result<()> {
    connection
        .prepare_cached("UPDATE broker_queue SET held = ?2 WHERE number = ?1")?
        .execute(params![queue, held])
        .map(drop)
}

/// Forgets counts whose message is gone, since another message may get its slot.
pub(super) fn clear_counts(connection: &Connection) -> Result<()> {
    connection
        .execute("DELETE FROM broker_delivery WHERE slot NOT IN (SELECT slot FROM broker_message)", [])
        .map(drop)
}

/// Notes that no consumer holds a message.
pub(super) fn clear_held(connection: &Connection) -> Result<()> {
    connection.execute("UPDATE broker_queue SET held = 0 WHERE held > 0", []).map(drop)
}

/// Notes whether the broker stopped in order. Gives what was noted before.
pub(super) fn mark_clean(connection: &Connection, clean: bool) -> Result<bool> {
    let before = connection.query_row("SELECT clean FROM broker_state", [], |row| row.get(0))?;
    connection.execute("UPDATE broker_state SET clean = ?1", [clean])?;
    Ok(before)
}
