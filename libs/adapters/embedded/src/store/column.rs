//! Values as SQLite keeps them, and back.
//!
//! A value in the file that has no meaning here is an error of the row, never a default: another program
//! wrote it.

use eventflow_protocol::document::{MessageStatus, ThreadStatus};
use eventflow_protocol::free_form::FreeForm;
use eventflow_protocol::outbound::Channel;
use eventflow_protocol::{CommandId, MailAddress, Timestamp, UserId};
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Error, Result, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A list or object as MessagePack with names.
pub(super) fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    rmp_serde::to_vec_named(value).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

/// A client's free-form object as MessagePack, its numbers digit by digit.
pub(super) fn pack_object(object: &Map<String, Value>) -> Result<Vec<u8>> {
    pack(&FreeForm(object.clone()))
}

/// A list as MessagePack. None if it is empty, as most are.
pub(super) fn pack_list<T: Serialize>(list: &[T]) -> Result<Option<Vec<u8>>> {
    if list.is_empty() { Ok(None) } else { pack(&list).map(Some) }
}

/// Reads what [`pack`] or [`pack_list`] wrote.
pub(super) fn unpack<T: DeserializeOwned + Default>(row: &Row<'_>, column: &str) -> Result<T> {
    let index = row.as_ref().column_index(column)?;
    match row.get_ref(index)?.as_blob_or_null().map_err(|error| misread(index, Type::Blob, error))? {
        Some(bytes) => rmp_serde::from_slice(bytes).map_err(|error| misread(index, Type::Blob, error)),
        None => Ok(T::default()),
    }
}

/// Reads what [`pack`] wrote into a column that is never NULL.
pub(super) fn unpack_exactly<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T> {
    let index = row.as_ref().column_index(column)?;
    let bytes = row.get_ref(index)?.as_blob().map_err(|error| misread(index, Type::Blob, error))?;
    rmp_serde::from_slice(bytes).map_err(|error| misread(index, Type::Blob, error))
}

/// Reads the name of a channel.
pub(super) fn channel(row: &Row<'_>, column: &str) -> Result<Channel> {
    let index = row.as_ref().column_index(column)?;
    let name = row.get_ref(index)?.as_str().map_err(|error| misread(index, Type::Text, error))?;
    let channel = Channel::ALL.into_iter().find(|channel| channel.name() == name);
    channel.ok_or_else(|| misread(index, Type::Text, FromSqlError::InvalidType))
}

/// Reads the id of a person.
pub(super) fn user(row: &Row<'_>, column: &str) -> Result<UserId> {
    let index = row.as_ref().column_index(column)?;
    let text = row.get_ref(index)?.as_str().map_err(|error| misread(index, Type::Text, error))?;
    text.parse().map_err(|error| misread(index, Type::Text, error))
}

/// Reads a mail address.
pub(super) fn address(row: &Row<'_>, column: &str) -> Result<MailAddress> {
    let index = row.as_ref().column_index(column)?;
    let text = row.get_ref(index)?.as_str().map_err(|error| misread(index, Type::Text, error))?;
    text.parse().map_err(|error| misread(index, Type::Text, error))
}

/// The id of a command.
pub(super) fn command(id: CommandId) -> [u8; 16] {
    id.0.into_bytes()
}

/// Reads a time.
pub(super) fn time(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    row.get(column).map(Timestamp)
}

/// A `seq` or count for SQLite, whose integers end at 2^63 - 1: no thread gets there.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What [`integer`] wrote.
pub(super) fn read_integer(row: &Row<'_>, column: &str) -> Result<u64> {
    let index = row.as_ref().column_index(column)?;
    let number: i64 = row.get(index)?;
    u64::try_from(number).map_err(|_| misread(index, Type::Integer, FromSqlError::OutOfRange(number)))
}

/// The code of a message's status.
pub(super) fn message_status(status: MessageStatus) -> u8 {
    match status {
        MessageStatus::Sent => 0,
        MessageStatus::Delivered => 1,
        MessageStatus::Read => 2,
    }
}

/// The inverse of [`message_status`].
pub(super) fn read_message_status(row: &Row<'_>) -> Result<MessageStatus> {
    read_code(row, &[MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read])
}

/// The code of a thread's status.
pub(super) fn thread_status(status: ThreadStatus) -> u8 {
    match status {
        ThreadStatus::Active => 0,
        ThreadStatus::Archived => 1,
        ThreadStatus::Deleted => 2,
    }
}

/// The inverse of [`thread_status`].
pub(super) fn read_thread_status(row: &Row<'_>) -> Result<ThreadStatus> {
    read_code(row, &[ThreadStatus::Active, ThreadStatus::Archived, ThreadStatus::Deleted])
}

fn read_code<T: Copy>(row: &Row<'_>, meanings: &[T]) -> Result<T> {
    let index = row.as_ref().column_index("status")?;
    let code: u8 = row.get(index)?;
    let meaning = meanings.get(usize::from(code)).copied();
    meaning.ok_or_else(|| misread(index, Type::Integer, FromSqlError::OutOfRange(i64::from(code))))
}

fn misread(index: usize, kind: Type, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(index, kind, Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(code: u8, read: fn(&Row<'_>) -> Result<T>) -> Result<T> {
        let connection = rusqlite::Connection::open_in_memory()?;
        connection.query_row("SELECT ?1 AS status", [code], read)
    }

    #[test]
    fn status_codes_mean_the_same_in_both_directions() {
        for status in [MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read] {
            assert_eq!(read(message_status(status), read_message_status), Ok(status));
        }
        for status in [ThreadStatus::Active, ThreadStatus::Archived, ThreadStatus::Deleted] {
            assert_eq!(read(thread_status(status), read_thread_status), Ok(status));
        }
    }

    #[test]
    fn a_code_without_a_meaning_is_an_error() {
        read(3, read_message_status).expect_err("no such status of a message");
        read(3, read_thread_status).expect_err("no such status of a thread");
    }
}
