//! The suppression list in the data file.
//!
//! Safe to repeat because each address has one row, which says whether it is on the list: a change that finds
//! it so changes nothing. A lifted address keeps its row, which says when it was changed last.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{StoreError, SuppressionPage, Suppressions};
use eventflow_protocol::mail::{ChangeSuppression, Suppression, SuppressionChange};
use eventflow_protocol::{MailAddress, Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

#[async_trait]
impl Suppressions for EmbeddedStore {
    async fn change_suppression(&self, change: &ChangeSuppression) -> Result<bool, StoreError> {
        let change = change.clone();
        in_time("change the suppression list", self.database.write(move |tx| self::change(tx, &change))).await
    }

    async fn suppression(&self, address: &MailAddress) -> Result<Option<Suppression>, StoreError> {
        let key = address.key();
        in_time("read a suppression", self.database.read(move |connection| find(connection, &key))).await
    }

    async fn suppressions(&self, page: SuppressionPage) -> Result<Vec<Suppression>, StoreError> {
        in_time("list suppressions", self.database.read(move |connection| self::page(connection, &page)))
            .await
    }
}

fn change(connection: &Connection, wanted: &ChangeSuppression) -> Result<bool> {
    let key = wanted.address.key();
    let mut statement = connection.prepare_cached("SELECT is_active FROM suppression WHERE key = ?1")?;
    let is_active = statement.query_row([&key], |row| row.get(0)).optional()?.unwrap_or(false);
    connection
        .prepare_cached(
            "INSERT INTO suppression (key, address, changed_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET changed_at = MAX(changed_at, excluded.changed_at)",
        )?
        .execute(params![key, wanted.address.as_str(), wanted.at.0])?;
    match &wanted.change {
        SuppressionChange::Suppress { reason, detail } if !is_active => {
            connection
                .prepare_cached(
                    "UPDATE suppression SET is_active = 1, address = ?2, reason = ?3, detail = ?4, since = ?5
                     WHERE key = ?1",
                )?
                .execute(params![key, wanted.address.as_str(), column::pack(reason)?, detail, wanted.at.0])?;
            Ok(true)
        }
        SuppressionChange::Suppress { .. } => Ok(false),
        SuppressionChange::Lift => {
            connection
                .prepare_cached("UPDATE suppression SET is_active = 0, detail = '' WHERE key = ?1")?
                .execute([&key])?;
            Ok(is_active)
        }
    }
}

fn find(connection: &Connection, key: &str) -> Result<Option<Suppression>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM suppression WHERE key = ?1 AND is_active = 1")?;
    statement.query_row([key], read).optional()
}

fn page(connection: &Connection, page: &SuppressionPage) -> Result<Vec<Suppression>> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM suppression WHERE is_active = 1 AND key > ?1 ORDER BY key LIMIT ?2")?;
    let after = page.after.as_ref().map(MailAddress::key).unwrap_or_default();
    statement.query_map(params![after, page.limit.clamp(1, PAGE_MAX)], read)?.collect()
}

/// A row of `SELECT * FROM suppression`.
fn read(row: &Row<'_>) -> Result<Suppression> {
    Ok(Suppression {
        address: column::address(row, "address")?,
        reason: column::unpack_exactly(row, "reason")?,
        detail: row.get("detail")?,
        at: Timestamp(row.get("since")?),
    })
}
