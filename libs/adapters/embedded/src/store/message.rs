//! A message as a row: written once, found by place, by id, or by its sender's key.

use super::column;
use eventflow_protocol::document::Message;
use eventflow_protocol::{MessageId, ThreadId, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, named_params};

/// Writes a new message; `false` if its command or its sender's key was stored before (then nothing is changed).
pub(super) fn insert(connection: &Connection, message: &Message) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO message (thread_id, seq, id, sender_id, content, attachments, reactions, status, read_by, delivered_to,
             client_message_id, created_at, updated_at)
         VALUES (:thread_id, :seq, :id, :sender_id, :content, :attachments, :reactions, :status, :read_by, :delivered_to,
             :client_message_id, :created_at, :updated_at)
         ON CONFLICT (id) DO NOTHING
         ON CONFLICT (sender_id, client_message_id) WHERE client_message_id IS NOT NULL DO NOTHING",
    )?;
    let rows = statement.execute(named_params! {
        ":thread_id": message.thread_id.bytes(),
        ":seq": column::integer(message.seq),
        ":id": message.id.bytes(),
        ":sender_id": message.sender_id.as_str(),
        ":content": message.content,
        ":attachments": column::pack_list(&message.attachments)?,
        ":reactions": column::pack_list(&message.reactions)?,
        ":status": column::message_status(message.status),
        ":read_by": column::pack_list(&message.read_by)?,
        ":delivered_to": column::pack_list(&message.delivered_to)?,
        ":client_message_id": message.client_message_id,
        ":created_at": message.created_at.0,
        ":updated_at": message.updated_at.0,
    })?;
    Ok(rows == 1)
}

/// The message with this id.
pub(super) fn by_id(connection: &Connection, id: MessageId) -> Result<Option<Message>> {
    let mut statement = connection.prepare_cached("SELECT * FROM message WHERE id = ?1")?;
    statement.query_row([id.bytes()], read).optional()
}

/// The message that the sender sent with this key.
pub(super) fn by_key(connection: &Connection, sender: &UserId, key: &str) -> Result<Option<Message>> {
    let mut statement = connection.prepare_cached("SELECT * FROM message WHERE sender_id = ?1 AND client_message_id = ?2")?;
    statement.query_row([sender.as_str(), key], read).optional()
}

/// A row of `SELECT * FROM message`.
pub(super) fn read(row: &Row<'_>) -> Result<Message> {
    Ok(Message {
        id: MessageId::from_bytes(row.get("id")?),
        thread_id: ThreadId::from_bytes(row.get("thread_id")?),
        seq: column::read_integer(row, "seq")?,
        sender_id: column::user(row, "sender_id")?,
        content: row.get("content")?,
        attachments: column::unpack(row, "attachments")?,
        reactions: column::unpack(row, "reactions")?,
        status: column::read_message_status(row)?,
        read_by: column::unpack(row, "read_by")?,
        delivered_to: column::unpack(row, "delivered_to")?,
        is_draft: false,
        client_message_id: row.get("client_message_id")?,
        created_at: column::time(row, "created_at")?,
        updated_at: column::time(row, "updated_at")?,
    })
}
