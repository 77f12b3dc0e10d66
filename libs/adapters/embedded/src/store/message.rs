//! A message as a row: written once, then changed or given receipts; found by place, by id, or by its
//! sender's key.

use super::{column, mentions};
use eventflow_protocol::change::ChangeMark;
use eventflow_protocol::document::{Message, Pinned};
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::pairing::{Leg, Pairing};
use eventflow_protocol::quote::ReplyTo;
use eventflow_protocol::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Result, Row, named_params, params};

/// Writes a new message, with this command as its leg if it pairs. `false` if its command or its sender's key
/// was stored before; then nothing is changed.
pub(super) fn insert(
    connection: &Connection,
    message: &Message,
    leg: Option<(CommandId, &Pairing)>,
) -> Result<bool> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO message (thread_id, seq, id, sender_id, content, attachments, reply_to, mentions, reactions, status, read_by,
             delivered_to, client_message_id, created_at, updated_at, pair_key, pair_socket, pair_rest)
         VALUES (:thread_id, :seq, :id, :sender_id, :content, :attachments, :reply_to, :mentions, :reactions, :status, :read_by,
             :delivered_to, :client_message_id, :created_at, :updated_at, :pair_key, :pair_socket, :pair_rest)
         ON CONFLICT (id) DO NOTHING
         ON CONFLICT (sender_id, client_message_id) WHERE client_message_id IS NOT NULL DO NOTHING",
    )?;
    let command =
        |kind| leg.filter(|(_, pairing)| pairing.leg == kind).map(|(command, _)| column::command(command));
    let rows = statement.execute(named_params! {
        ":thread_id": message.thread_id.bytes(),
        ":seq": column::integer(message.seq),
        ":id": message.id.bytes(),
        ":sender_id": message.sender_id.as_str(),
        ":content": message.content,
        ":attachments": column::pack_list(&message.attachments)?,
        ":reply_to": message.reply_to.as_ref().map(|reply| reply.message_id.bytes()),
        ":mentions": column::pack_list(&message.mentions)?,
        ":reactions": column::pack_list(&message.reactions)?,
        ":status": column::message_status(message.status),
        ":read_by": column::pack_list(&message.read_by)?,
        ":delivered_to": column::pack_list(&message.delivered_to)?,
        ":client_message_id": message.client_message_id,
        ":created_at": message.created_at.0,
        ":updated_at": message.updated_at.0,
        ":pair_key": leg.map(|(_, pairing)| pairing.key.as_str()),
        ":pair_socket": command(Leg::Socket),
        ":pair_rest": command(Leg::Rest),
    })?;
    let is_new = rows == 1;
    if is_new {
        mentions::add(connection, message, &message.mentions)?;
    }
    Ok(is_new)
}

/// Writes the fields that a change can touch.
pub(super) fn write_change(connection: &Connection, message: &Message, marks: &[ChangeMark]) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE message SET content = :content, attachments = :attachments, mentions = :mentions, reactions = :reactions, marks = :marks,
             pinned_by = :pinned_by, pinned_at = :pinned_at, edited_at = :edited_at, deleted_at = :deleted_at, updated_at = :updated_at
         WHERE thread_id = :thread_id AND seq = :seq",
    )?;
    statement.execute(named_params! {
        ":thread_id": message.thread_id.bytes(),
        ":seq": column::integer(message.seq),
        ":content": message.content,
        ":attachments": column::pack_list(&message.attachments)?,
        ":mentions": column::pack_list(&message.mentions)?,
        ":reactions": column::pack_list(&message.reactions)?,
        ":marks": column::pack_list(marks)?,
        ":pinned_by": message.pinned.as_ref().map(|pinned| pinned.user_id.as_str()),
        ":pinned_at": message.pinned.as_ref().map(|pinned| pinned.pinned_at.0),
        ":edited_at": message.edited_at.map(|at| at.0),
        ":deleted_at": message.deleted_at.map(|at| at.0),
        ":updated_at": message.updated_at.0,
    })?;
    Ok(())
}

/// Keeps the fingerprint of what a message with a key said when it was sent.
pub(super) fn write_sent_as(connection: &Connection, message: &Message, sent_as: Fingerprint) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE message SET sent_as = coalesce(sent_as, ?3) WHERE thread_id = ?1 AND seq = ?2",
    )?;
    statement.execute(params![message.thread_id.bytes(), column::integer(message.seq), sent_as])?;
    Ok(())
}

/// Writes the receipts, and the status that follows from them.
pub(super) fn write_receipts(connection: &Connection, message: &Message) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE message SET status = :status, read_by = :read_by, delivered_to = :delivered_to
         WHERE thread_id = :thread_id AND seq = :seq",
    )?;
    statement.execute(named_params! {
        ":thread_id": message.thread_id.bytes(),
        ":seq": column::integer(message.seq),
        ":status": column::message_status(message.status),
        ":read_by": column::pack_list(&message.read_by)?,
        ":delivered_to": column::pack_list(&message.delivered_to)?,
    })?;
    Ok(())
}

/// The message with this id.
pub(super) fn by_id(connection: &Connection, id: MessageId) -> Result<Option<Message>> {
    let mut statement = connection.prepare_cached("SELECT * FROM message WHERE id = ?1")?;
    statement.query_row([id.bytes()], read).optional()
}

/// Those of these messages that exist.
pub(super) fn by_ids(connection: &Connection, ids: &[MessageId]) -> Result<Vec<Message>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(by_id(connection, *id)?);
    }
    Ok(found)
}

/// The message with this id, with the last commands that changed it.
pub(super) fn with_marks(
    connection: &Connection,
    id: MessageId,
) -> Result<Option<(Message, Vec<ChangeMark>)>> {
    let mut statement = connection.prepare_cached("SELECT * FROM message WHERE id = ?1")?;
    statement.query_row([id.bytes()], |row| Ok((read(row)?, column::unpack(row, "marks")?))).optional()
}

/// The message that the sender sent with this key, and the fingerprint of what it said then if it was changed
/// since.
pub(super) fn by_key(
    connection: &Connection,
    sender: &UserId,
    key: &str,
) -> Result<Option<(Message, Option<Fingerprint>)>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM message WHERE sender_id = ?1 AND client_message_id = ?2")?;
    statement.query_row([sender.as_str(), key], |row| Ok((read(row)?, row.get("sent_as")?))).optional()
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
        reply_to: row
            .get::<_, Option<[u8; 12]>>("reply_to")?
            .map(|id| ReplyTo::to(MessageId::from_bytes(id))),
        mentions: column::unpack(row, "mentions")?,
        reactions: column::unpack(row, "reactions")?,
        status: column::read_message_status(row)?,
        read_by: column::unpack(row, "read_by")?,
        delivered_to: column::unpack(row, "delivered_to")?,
        is_draft: false,
        client_message_id: row.get("client_message_id")?,
        edited_at: row.get::<_, Option<i64>>("edited_at")?.map(Timestamp),
        pinned: pinned(row)?,
        deleted_at: row.get::<_, Option<i64>>("deleted_at")?.map(Timestamp),
        created_at: column::time(row, "created_at")?,
        updated_at: column::time(row, "updated_at")?,
    })
}

fn pinned(row: &Row<'_>) -> Result<Option<Pinned>> {
    let Some(at) = row.get::<_, Option<i64>>("pinned_at")? else { return Ok(None) };
    Ok(Some(Pinned { pinned_at: Timestamp(at), user_id: column::user(row, "pinned_by")? }))
}
