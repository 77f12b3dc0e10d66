//! Sends to many people in the data file.
//!
//! Safe to repeat because each change runs in one transaction of the single writer, and [`BulkSend`] says
//! which changes count.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{AddedSend, CancelledSend, SendPage, Sends, StoreError};
use eventflow_protocol::sends::{BulkSend, CancelSend, NewSend, SendStep};
use eventflow_protocol::{SendId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// Sends deleted in one transaction: others wait behind it, and one of a thousand people is some 100 KB.
const FORGOTTEN_AT_ONCE: u32 = 100;

#[async_trait]
impl Sends for EmbeddedStore {
    async fn add_send(&self, new: &NewSend) -> Result<AddedSend, StoreError> {
        let new = new.clone();
        in_time("store a send", self.database.write(move |tx| add(tx, new))).await
    }

    async fn cancel_send(&self, cancel: &CancelSend) -> Result<CancelledSend, StoreError> {
        let cancel = *cancel;
        in_time("cancel a send", self.database.write(move |tx| self::cancel(tx, cancel))).await
    }

    async fn claim_send(&self, now: Timestamp, until: Timestamp) -> Result<Option<BulkSend>, StoreError> {
        in_time("claim a send", self.database.write(move |tx| claim(tx, now, until))).await
    }

    async fn advance_send(
        &self,
        id: SendId,
        step: &SendStep,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<BulkSend>, StoreError> {
        let step = step.clone();
        let change = self.database.write(move |tx| change(tx, id, |send| send.advance(&step, now, until)));
        in_time("advance a send", change).await
    }

    async fn release_send(&self, id: SendId, until: Timestamp) -> Result<(), StoreError> {
        let change = self.database.write(move |tx| change(tx, id, |send| send.release(until)).map(drop));
        in_time("release a send", change).await
    }

    async fn bulk_send(&self, id: SendId) -> Result<Option<BulkSend>, StoreError> {
        in_time("read a send", self.database.read(move |connection| find(connection, id))).await
    }

    async fn bulk_sends(&self, page: SendPage) -> Result<Vec<BulkSend>, StoreError> {
        in_time("list sends", self.database.read(move |connection| self::page(connection, page))).await
    }

    async fn forget_sends(&self, before: Timestamp) -> Result<u64, StoreError> {
        in_time("forget sends", self.database.write(move |tx| forget(tx, before))).await
    }
}

fn add(connection: &Connection, new: NewSend) -> Result<AddedSend> {
    if let Some(known) = find(connection, new.id)? {
        return Ok(AddedSend::again(&new, known));
    }
    let send = BulkSend::new(new);
    write(connection, &send)?;
    Ok(AddedSend::Stored(Box::new(send)))
}

fn cancel(connection: &Connection, CancelSend { id, at }: CancelSend) -> Result<CancelledSend> {
    if let Some(cancelled) = change(connection, id, |send| send.cancel(at))? {
        return Ok(CancelledSend::Done(Box::new(cancelled)));
    }
    Ok(CancelledSend::unchanged(find(connection, id)?))
}

fn claim(connection: &Connection, now: Timestamp, until: Timestamp) -> Result<Option<BulkSend>> {
    let mut statement = connection.prepare_cached(
        "SELECT send FROM bulk_send WHERE claimable_at <= ?1 ORDER BY claimable_at LIMIT 1",
    )?;
    let Some(send) = statement.query_row([now.0], read).optional()? else { return Ok(None) };
    change(connection, send.id, |send| send.claim(now, until))
}

/// Makes a change. `None` if there is no such send, or the change does not count.
fn change(
    connection: &Connection,
    id: SendId,
    change: impl FnOnce(&mut BulkSend) -> bool,
) -> Result<Option<BulkSend>> {
    let Some(mut send) = find(connection, id)? else { return Ok(None) };
    if !change(&mut send) {
        return Ok(None);
    }
    write(connection, &send)?;
    Ok(Some(send))
}

fn write(connection: &Connection, send: &BulkSend) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO bulk_send (id, created_at, claimable_at, ended_at, send) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let [claimable_at, ended_at] = [send.claimable_at, send.ended_at].map(|at| at.map(|at| at.0));
    let (id, created_at) = (send.id.bytes(), send.created_at.0);
    statement.execute(params![id, created_at, claimable_at, ended_at, column::pack(send)?])?;
    Ok(())
}

fn find(connection: &Connection, id: SendId) -> Result<Option<BulkSend>> {
    let mut statement = connection.prepare_cached("SELECT send FROM bulk_send WHERE id = ?1")?;
    statement.query_row([id.bytes()], read).optional()
}

fn page(connection: &Connection, page: SendPage) -> Result<Vec<BulkSend>> {
    let mut statement = connection.prepare_cached(
        "SELECT send FROM bulk_send WHERE ?1 IS NULL OR (created_at, id) < (?1, ?2)
         ORDER BY created_at DESC, id DESC LIMIT ?3",
    )?;
    let (at, id) = page.after.map(|(at, id)| (at.0, id.bytes())).unzip();
    statement.query_map(params![at, id, page.limit.clamp(1, PAGE_MAX)], read)?.collect()
}

fn forget(connection: &Connection, before: Timestamp) -> Result<u64> {
    let rows = connection
        .prepare_cached(
            "DELETE FROM bulk_send WHERE id IN (SELECT id FROM bulk_send WHERE ended_at < ?1 LIMIT ?2)",
        )?
        .execute(params![before.0, FORGOTTEN_AT_ONCE])?;
    Ok(rows as u64)
}

fn read(row: &Row<'_>) -> Result<BulkSend> {
    column::unpack_exactly(row, "send")
}
