//! Scheduled messages in the data file.
//!
//! Safe to repeat because each change runs in one transaction of the single writer, and [`ScheduledMessage`]
//! says which changes count.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{IsNew, Rescheduling, Scheduled, ScheduledPage, Scheduling, StoreError, WithCommandId};
use eventflow_protocol::scheduled::{
    CancelScheduled, ChangeScheduled, NotSent, SCHEDULED_MAX, ScheduleMessage, ScheduledMessage,
};
use eventflow_protocol::{MessageId, ScheduledId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::result::Result as StdResult;

/// Messages taken in one transaction: some hundred KB at most, of a few KB usually.
const CLAIMED_AT_ONCE: u32 = 16;
/// Messages deleted in one transaction: others wait behind it.
const FORGOTTEN_AT_ONCE: u32 = 100;

#[async_trait]
impl Scheduled for EmbeddedStore {
    async fn schedule(&self, new: &ScheduleMessage) -> StdResult<Scheduling, StoreError> {
        let new = new.clone();
        in_time("schedule a message", self.database.write(move |tx| schedule(tx, &new))).await
    }

    async fn change_scheduled(
        &self,
        change: &WithCommandId<ChangeScheduled>,
    ) -> StdResult<Rescheduling, StoreError> {
        let change = change.clone();
        let write = self.database.write(move |tx| {
            let kept = find(tx, change.wanted.id)?;
            written(tx, Rescheduling::change(kept, &change))
        });
        in_time("change a scheduled message", write).await
    }

    async fn cancel_scheduled(&self, cancel: &CancelScheduled) -> StdResult<Rescheduling, StoreError> {
        let cancel = cancel.clone();
        let write = self.database.write(move |tx| {
            let kept = find(tx, cancel.id)?;
            written(tx, Rescheduling::cancel(kept, &cancel))
        });
        in_time("cancel a scheduled message", write).await
    }

    async fn claim_scheduled(&self, now: Timestamp) -> StdResult<Vec<ScheduledMessage>, StoreError> {
        in_time("claim scheduled messages", self.database.write(move |tx| claim(tx, now))).await
    }

    async fn finish_scheduled(
        &self,
        id: ScheduledId,
        outcome: StdResult<MessageId, NotSent>,
        at: Timestamp,
    ) -> StdResult<Option<ScheduledMessage>, StoreError> {
        let write = self.database.write(move |tx| {
            let Some(mut kept) = find(tx, id)? else { return Ok(None) };
            if kept.finish(outcome, at) {
                write(tx, &kept)?;
            }
            Ok(Some(kept))
        });
        in_time("end a scheduled message", write).await
    }

    async fn scheduled(&self, id: ScheduledId) -> StdResult<Option<ScheduledMessage>, StoreError> {
        in_time("read a scheduled message", self.database.read(move |connection| find(connection, id))).await
    }

    async fn scheduled_of(
        &self,
        user: &UserId,
        page: ScheduledPage,
    ) -> StdResult<Vec<ScheduledMessage>, StoreError> {
        let user = user.clone();
        let read = self.database.read(move |connection| self::page(connection, &user, page));
        in_time("list scheduled messages", read).await
    }

    async fn forget_scheduled(&self, before: Timestamp) -> StdResult<u64, StoreError> {
        in_time("forget scheduled messages", self.database.write(move |tx| forget(tx, before))).await
    }
}

fn schedule(connection: &Connection, new: &ScheduleMessage) -> Result<Scheduling> {
    if let Some(known) = find(connection, new.id)? {
        return Ok(Scheduling::again(new, known));
    }
    let mut statement = connection.prepare_cached(
        "SELECT COUNT(*) FROM scheduled_message WHERE sender_id = ?1 AND claimable_at IS NOT NULL",
    )?;
    let waiting: u32 = statement.query_row([new.message.sender_id.as_str()], |row| row.get(0))?;
    if waiting >= SCHEDULED_MAX {
        return Ok(Scheduling::TooMany);
    }
    let kept = ScheduledMessage::new(new);
    write(connection, &kept)?;
    Ok(Scheduling::Stored(Box::new(kept)))
}

/// Writes what a wish has changed.
fn written(connection: &Connection, answer: Rescheduling) -> Result<Rescheduling> {
    if let Rescheduling::Done(kept, IsNew::Yes) = &answer {
        write(connection, kept)?;
    }
    Ok(answer)
}

fn claim(connection: &Connection, now: Timestamp) -> Result<Vec<ScheduledMessage>> {
    let mut statement = connection.prepare_cached(
        "SELECT message FROM scheduled_message WHERE claimable_at <= ?1 ORDER BY claimable_at LIMIT ?2",
    )?;
    let due: Vec<ScheduledMessage> =
        statement.query_map(params![now.0, CLAIMED_AT_ONCE], read)?.collect::<Result<_>>()?;
    let mut claimed = Vec::with_capacity(due.len());
    for mut kept in due {
        if kept.claim(now) {
            write(connection, &kept)?;
            claimed.push(kept);
        }
    }
    Ok(claimed)
}

fn write(connection: &Connection, kept: &ScheduledMessage) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO scheduled_message (id, sender_id, send_at, claimable_at, ended_at, message)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let [claimable_at, ended_at] = [kept.claimable_at, kept.ended_at].map(|at| at.map(|at| at.0));
    let (id, sender, send_at) = (kept.id.bytes(), kept.message.sender_id.as_str(), kept.send_at.0);
    statement.execute(params![id, sender, send_at, claimable_at, ended_at, column::pack(kept)?])?;
    Ok(())
}

fn find(connection: &Connection, id: ScheduledId) -> Result<Option<ScheduledMessage>> {
    let mut statement = connection.prepare_cached("SELECT message FROM scheduled_message WHERE id = ?1")?;
    statement.query_row([id.bytes()], read).optional()
}

fn page(connection: &Connection, user: &UserId, page: ScheduledPage) -> Result<Vec<ScheduledMessage>> {
    let mut statement = connection.prepare_cached(
        "SELECT message FROM scheduled_message
         WHERE sender_id = ?1 AND (?2 IS NULL OR (send_at, id) < (?2, ?3))
         ORDER BY send_at DESC, id DESC LIMIT ?4",
    )?;
    let (at, id) = page.after.map(|(at, id)| (at.0, id.bytes())).unzip();
    statement.query_map(params![user.as_str(), at, id, page.limit.clamp(1, PAGE_MAX)], read)?.collect()
}

fn forget(connection: &Connection, before: Timestamp) -> Result<u64> {
    let rows = connection
        .prepare_cached(
            "DELETE FROM scheduled_message
             WHERE id IN (SELECT id FROM scheduled_message WHERE ended_at < ?1 LIMIT ?2)",
        )?
        .execute(params![before.0, FORGOTTEN_AT_ONCE])?;
    Ok(rows as u64)
}

fn read(row: &Row<'_>) -> Result<ScheduledMessage> {
    column::unpack_exactly(row, "message")
}
