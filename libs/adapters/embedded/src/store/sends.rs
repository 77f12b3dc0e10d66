//! Sends to many people in the data file.
//!
//! Safe to repeat because each change runs in one transaction of the single writer, and [`BulkSend`] says
//! which changes count.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{AddedSend, CancelledSend, SendPage, Sends, StoreError};
use eventflow_protocol::sends::{BulkSend, CancelSend, NewSend, SendState, SendStep};
use eventflow_protocol::{SendId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// The piece whose versions these are.
pub(super) const PIECE: &str = "sends";

/// One step per released layout; a step never changes.
pub(super) const STEPS: &[&str] = &["
    -- `send` is the whole record; the other columns repeat what is asked for.
    CREATE TABLE bulk_send (
        id           BLOB    NOT NULL PRIMARY KEY,
        created_at   INTEGER NOT NULL,
        claimable_at INTEGER,
        send         BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Which sends are due?
    CREATE INDEX bulk_send_claimable ON bulk_send (claimable_at) WHERE claimable_at IS NOT NULL;
    -- Which are the newest?
    CREATE INDEX bulk_send_by_time ON bulk_send (created_at, id);
"];

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
}

fn add(connection: &Connection, new: NewSend) -> Result<AddedSend> {
    if let Some(known) = find(connection, new.id)? {
        let is_same = known.body == new.body;
        return Ok(if is_same { AddedSend::Before(Box::new(known)) } else { AddedSend::KeyReused });
    }
    let send = BulkSend::new(new);
    write(connection, &send)?;
    Ok(AddedSend::Stored(Box::new(send)))
}

fn cancel(connection: &Connection, CancelSend { id, at }: CancelSend) -> Result<CancelledSend> {
    if let Some(cancelled) = change(connection, id, |send| send.cancel(at))? {
        return Ok(CancelledSend::Done(Box::new(cancelled)));
    }
    Ok(match find(connection, id)? {
        None => CancelledSend::NotFound,
        Some(send) if send.state == SendState::Cancelled => CancelledSend::Done(Box::new(send)),
        Some(_) => CancelledSend::TooLate,
    })
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
        "INSERT OR REPLACE INTO bulk_send (id, created_at, claimable_at, send) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let claimable_at = send.claimable_at.map(|at| at.0);
    statement.execute(params![send.id.bytes(), send.created_at.0, claimable_at, column::pack(send)?])?;
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

fn read(row: &Row<'_>) -> Result<BulkSend> {
    column::unpack_present(row, "send")
}
