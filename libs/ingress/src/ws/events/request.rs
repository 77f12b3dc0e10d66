//! Requests: an event's JSON object as a type of the client's contract, or a refusal that names the field.

use crate::refusal::Refusal;
use eventflow_protocol::client::values::{MessageReference, ThreadReference};
use eventflow_protocol::client::{self, Object};
use eventflow_protocol::{MessageId, ThreadId};
use serde::de::DeserializeOwned;

/// Reads a request.
pub(super) fn read<R: DeserializeOwned>(body: Object) -> Result<R, Refusal> {
    Ok(client::read(body)?)
}

/// The thread that a request names. A text that is no id is refused like a thread of others.
pub(super) fn thread_id(named: &ThreadReference) -> Result<ThreadId, Refusal> {
    named.id().ok_or_else(|| Refusal::not_found("thread"))
}

/// The message that a request names; refused like [`thread_id`].
pub(super) fn message_id(named: &MessageReference) -> Result<MessageId, Refusal> {
    named.id().ok_or_else(|| Refusal::not_found("message"))
}
