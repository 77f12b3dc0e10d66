//! Scheduled messages in the data file.
//!
//! Safe to repeat because each change runs in one transaction of the single writer, and [`ScheduledMessage`]
//! says which changes count.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::scheduled::{Step, WAITING_COUNTED};
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{
    Backlog, DueMessage, Rescheduling, Scheduled, ScheduledPage, Scheduling, StoreError, WithCommandId,
};
use eventflow_protocol::scheduled::{
    ChangeScheduled, NotSent, SCHEDULED_MAX, ScheduleMessage, ScheduledMessage,
};
use eventflow_protocol::{MessageId, ScheduledId, ThreadId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::result::Result as StdResult;

/// Messages deleted in one transaction: others wait behind it.
const FORGOTTEN_AT_ONCE: u32 = 100;

const DUE: &str = "SELECT id, thread_id FROM scheduled_message
    WHERE due_at <= ?1 ORDER BY due_at, created_at, id LIMIT ?2";
const WAITING: &str = "SELECT COUNT(*) FROM scheduled_message INDEXED BY scheduled_message_waiting
    WHERE sender_id = ?1 AND due_at IS NOT NULL";

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
            let answer = Rescheduling::of(find(tx, change.wanted.id)?, &change);
            if let Some(changed) = answer.to_write() {
                write(tx, changed)?;
            }
            Ok(answer)
        });
        in_time("change a scheduled message", write).await
    }

    async fn due_scheduled(&self, now: Timestamp, limit: u32) -> StdResult<Vec<DueMessage>, StoreError> {
        let read = self.database.read(move |connection| due(connection, now, limit));
        in_time("find scheduled messages that are due", read).await
    }

    async fn begin_scheduled(&self, id: ScheduledId, at: Timestamp) -> StdResult<Option<Step>, StoreError> {
        let write = self.database.write(move |tx| step(tx, id, |kept| kept.begin(at)));
        in_time("begin a scheduled message", write).await
    }

    async fn end_scheduled(
        &self,
        id: ScheduledId,
        outcome: StdResult<MessageId, NotSent>,
        at: Timestamp,
    ) -> StdResult<Option<Step>, StoreError> {
        let write = self.database.write(move |tx| step(tx, id, |kept| kept.end(outcome, at)));
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

    async fn scheduled_backlog(&self) -> StdResult<Backlog, StoreError> {
        in_time("count scheduled messages", self.database.read(backlog)).await
    }

    async fn forget_scheduled(&self, before: Timestamp) -> StdResult<u64, StoreError> {
        in_time("forget scheduled messages", self.database.write(move |tx| forget(tx, before))).await
    }
}

fn schedule(connection: &Connection, new: &ScheduleMessage) -> Result<Scheduling> {
    if let Some(known) = find(connection, new.id)? {
        return Ok(Scheduling::again(new, known));
    }
    let mut statement = connection.prepare_cached(WAITING)?;
    let waiting: u32 = statement.query_row([new.message.sender_id.as_str()], |row| row.get(0))?;
    if waiting >= SCHEDULED_MAX {
        return Ok(Scheduling::TooMany);
    }
    let kept = ScheduledMessage::new(new);
    write(connection, &kept)?;
    Ok(Scheduling::Stored(Box::new(kept)))
}

/// Makes a step of a message, which says whether it was made now.
fn step(
    connection: &Connection,
    id: ScheduledId,
    make: impl Fn(&mut ScheduledMessage) -> bool,
) -> Result<Option<Step>> {
    let Some(mut scheduled) = find(connection, id)? else { return Ok(None) };
    let is_new = make(&mut scheduled);
    if is_new {
        write(connection, &scheduled)?;
    }
    Ok(Some(Step { scheduled, is_new }))
}

fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<DueMessage>> {
    let mut statement = connection.prepare_cached(DUE)?;
    let read = |row: &Row<'_>| {
        let [id, thread_id] = [row.get(0)?, row.get(1)?];
        Ok(DueMessage { id: ScheduledId::from_bytes(id), thread_id: ThreadId::from_bytes(thread_id) })
    };
    statement.query_map(params![now.0, limit], read)?.collect()
}

fn write(connection: &Connection, kept: &ScheduledMessage) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO scheduled_message
         (id, sender_id, thread_id, send_at, created_at, due_at, ended_at, message)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let [due_at, ended_at] = [kept.due_at(), kept.ended_at].map(|at| at.map(|at| at.0));
    let message = &kept.message;
    statement.execute(params![
        kept.id.bytes(),
        message.sender_id.as_str(),
        message.thread_id.bytes(),
        kept.send_at.0,
        message.at.0,
        due_at,
        ended_at,
        column::pack(kept)?
    ])?;
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

fn backlog(connection: &Connection) -> Result<Backlog> {
    let mut first = connection.prepare_cached(
        "SELECT due_at FROM scheduled_message WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1",
    )?;
    let mut count = connection.prepare_cached(
        "SELECT COUNT(*) FROM (SELECT 1 FROM scheduled_message WHERE due_at IS NOT NULL LIMIT ?1)",
    )?;
    let first = first.query_row([], |row| row.get(0).map(Timestamp)).optional()?;
    let waiting: u32 = count.query_row([WAITING_COUNTED], |row| row.get(0))?;
    Ok(Backlog { waiting: waiting.into(), first })
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

#[cfg(test)]
mod tests {
    use super::{DUE, WAITING};
    use crate::{Database, EmbeddedStore};
    use rusqlite::Params;

    async fn plan(database: &Database, query: &str, values: impl Params + Send + 'static) -> String {
        let explain = format!("EXPLAIN QUERY PLAN {query}");
        let plan = database.read(move |connection| {
            let mut statement = connection.prepare(&explain)?;
            let lines = statement.query_map(values, |row| row.get::<_, String>("detail"))?;
            Ok(lines.collect::<rusqlite::Result<Vec<_>>>()?.join("; "))
        });
        plan.await.unwrap()
    }

    #[tokio::test]
    async fn what_is_due_and_what_waits_is_found_by_an_index_alone() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_in(folder.path()).unwrap();
        let store = EmbeddedStore::open(database.clone()).await.unwrap();
        let due = plan(&database, DUE, (0, 100)).await;
        let expected = "SEARCH scheduled_message USING COVERING INDEX scheduled_message_due (due_at<?)";
        assert_eq!(due, expected, "and nothing is sorted");
        let waiting = plan(&database, WAITING, ("ann",)).await;
        assert!(waiting.contains("COVERING INDEX scheduled_message_waiting (sender_id=?"), "{waiting}");
        drop(store);
    }
}
