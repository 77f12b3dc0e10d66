//! Records of uploaded files in the data file.
//!
//! Safe to repeat because each write runs in one transaction of the single writer and compares the revision.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::{FileUsage, StoreError, Uploads};
use eventflow_protocol::uploads::{Upload, UploadState};
use eventflow_protocol::{AttachmentId, MessageId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

#[async_trait]
impl Uploads for EmbeddedStore {
    async fn add_upload(&self, upload: &Upload) -> Result<bool, StoreError> {
        let upload = upload.clone();
        in_time("store an upload", self.database.write(move |tx| add(tx, &upload))).await
    }

    async fn replace_upload(&self, upload: &Upload) -> Result<bool, StoreError> {
        let upload = upload.clone();
        in_time("change an upload", self.database.write(move |tx| replace(tx, &upload))).await
    }

    async fn remove_upload(&self, id: AttachmentId, revision: u64) -> Result<bool, StoreError> {
        in_time("remove an upload", self.database.write(move |tx| remove(tx, id, revision))).await
    }

    async fn upload(&self, id: AttachmentId) -> Result<Option<Upload>, StoreError> {
        in_time("read an upload", self.database.read(move |connection| find(connection, id))).await
    }

    async fn uploads_in(&self, message: MessageId) -> Result<Vec<Upload>, StoreError> {
        in_time("read uploads", self.database.read(move |connection| used_by(connection, message))).await
    }

    async fn file_usage(&self, owner: &UserId) -> Result<FileUsage, StoreError> {
        let owner = owner.clone();
        in_time("count uploads", self.database.read(move |connection| usage(connection, &owner))).await
    }

    async fn due_uploads(&self, now: Timestamp, limit: u32) -> Result<Vec<Upload>, StoreError> {
        in_time("list uploads", self.database.read(move |connection| due(connection, now, limit))).await
    }
}

fn add(connection: &Connection, upload: &Upload) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO upload (id, owner_id, counted, is_waiting, due_at, revision, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
    )?;
    let rows = statement.execute(params![
        upload.id.bytes(),
        upload.owner_id.as_str(),
        counted(upload),
        upload.is_waiting(),
        upload.due_at().map(|at| at.0),
        column::integer(upload.revision),
        column::pack(upload)?,
    ])?;
    if rows == 1 {
        write_uses(connection, upload)?;
    }
    Ok(rows == 1)
}

fn replace(connection: &Connection, upload: &Upload) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "UPDATE upload SET counted = ?3, is_waiting = ?4, due_at = ?5, revision = ?6, record = ?7
         WHERE id = ?1 AND revision = ?2",
    )?;
    let rows = statement.execute(params![
        upload.id.bytes(),
        column::integer(upload.revision),
        counted(upload),
        upload.is_waiting(),
        upload.due_at().map(|at| at.0),
        column::integer(upload.revision + 1),
        column::pack(upload)?,
    ])?;
    if rows == 1 {
        write_uses(connection, upload)?;
    }
    Ok(rows == 1)
}

/// Makes the uses of an upload those that it has now: a list of few.
fn write_uses(connection: &Connection, upload: &Upload) -> Result<()> {
    let known = find_uses(connection, upload.id)?;
    let is_gone = |message: &&[u8; 12]| !upload.uses.iter().any(|used| used.message_id.bytes() == **message);
    let mut delete =
        connection.prepare_cached("DELETE FROM upload_use WHERE message_id = ?1 AND upload_id = ?2")?;
    for message in known.iter().filter(is_gone) {
        delete.execute(params![message, upload.id.bytes()])?;
    }
    let mut insert = connection
        .prepare_cached("INSERT OR IGNORE INTO upload_use (message_id, upload_id) VALUES (?1, ?2)")?;
    for used in &upload.uses {
        insert.execute(params![used.message_id.bytes(), upload.id.bytes()])?;
    }
    Ok(())
}

/// The messages that the stored record names.
fn find_uses(connection: &Connection, id: AttachmentId) -> Result<Vec<[u8; 12]>> {
    let mut statement =
        connection.prepare_cached("SELECT message_id FROM upload_use WHERE upload_id = ?1")?;
    statement.query_map([id.bytes()], |row| row.get(0))?.collect()
}

fn remove(connection: &Connection, id: AttachmentId, revision: u64) -> Result<bool> {
    let mut statement = connection.prepare_cached("DELETE FROM upload WHERE id = ?1 AND revision = ?2")?;
    let is_removed = statement.execute(params![id.bytes(), column::integer(revision)])? == 1;
    if is_removed {
        connection.prepare_cached("DELETE FROM upload_use WHERE upload_id = ?1")?.execute([id.bytes()])?;
    }
    Ok(is_removed)
}

fn find(connection: &Connection, id: AttachmentId) -> Result<Option<Upload>> {
    let mut statement = connection.prepare_cached("SELECT revision, record FROM upload WHERE id = ?1")?;
    statement.query_row([id.bytes()], read).optional()
}

fn used_by(connection: &Connection, message: MessageId) -> Result<Vec<Upload>> {
    let mut statement = connection.prepare_cached(
        "SELECT revision, record FROM upload JOIN upload_use ON upload.id = upload_use.upload_id
         WHERE message_id = ?1",
    )?;
    statement.query_map([message.bytes()], read)?.collect()
}

fn usage(connection: &Connection, owner: &UserId) -> Result<FileUsage> {
    let mut statement = connection.prepare_cached(
        "SELECT coalesce(sum(counted), 0) AS bytes, coalesce(sum(is_waiting), 0) AS waiting
         FROM upload WHERE owner_id = ?1 AND counted IS NOT NULL",
    )?;
    statement.query_row([owner.as_str()], |row| {
        let (bytes, waiting) = (column::read_integer(row, "bytes")?, column::read_integer(row, "waiting")?);
        Ok(FileUsage { bytes, waiting })
    })
}

fn due(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Upload>> {
    let mut statement = connection.prepare_cached(
        "SELECT revision, record FROM upload WHERE due_at <= ?1 ORDER BY due_at, id LIMIT ?2",
    )?;
    statement.query_map(params![now.0, limit], read)?.collect()
}

fn counted(upload: &Upload) -> Option<i64> {
    (upload.state != UploadState::Deleted).then(|| column::integer(upload.reserved))
}

fn read(row: &Row<'_>) -> Result<Upload> {
    let record: Upload = column::unpack_exactly(row, "record")?;
    Ok(Upload { revision: column::read_integer(row, "revision")?, ..record })
}
