//! The outbox in the data file: what would have been sent, as long as nothing is configured to send it.
//!
//! Safe to repeat because an item replaces the one with its id.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::outbox::OUTBOX_MAX;
use eventflow_ports::{Outbox, OutboxItem, StoreError};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

#[async_trait]
impl Outbox for EmbeddedStore {
    async fn keep(&self, item: &OutboxItem) -> Result<(), StoreError> {
        let item = item.clone();
        in_time("keep in the outbox", self.database.write(move |tx| self::keep(tx, &item))).await
    }

    async fn kept(&self, limit: u32) -> Result<Vec<OutboxItem>, StoreError> {
        in_time("list the outbox", self.database.read(move |connection| newest(connection, limit))).await
    }

    async fn kept_item(&self, id: &str) -> Result<Option<OutboxItem>, StoreError> {
        let id = id.to_owned();
        in_time("read the outbox", self.database.read(move |connection| find(connection, &id))).await
    }
}

fn keep(connection: &Connection, item: &OutboxItem) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (id, at, item) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET at = excluded.at, item = excluded.item",
        )?
        .execute(params![item.id, item.at.0, column::pack(item)?])?;
    connection
        .prepare_cached(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?1)",
        )?
        .execute([OUTBOX_MAX])?;
    Ok(())
}

fn newest(connection: &Connection, limit: u32) -> Result<Vec<OutboxItem>> {
    let mut statement =
        connection.prepare_cached("SELECT item FROM outbox ORDER BY at DESC, id DESC LIMIT ?1")?;
    statement.query_map([limit.min(OUTBOX_MAX)], read)?.collect()
}

fn find(connection: &Connection, id: &str) -> Result<Option<OutboxItem>> {
    let mut statement = connection.prepare_cached("SELECT item FROM outbox WHERE id = ?1")?;
    statement.query_row([id], read).optional()
}

fn read(row: &Row<'_>) -> Result<OutboxItem> {
    column::unpack_exactly(row, "item")
}
