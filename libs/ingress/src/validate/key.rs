//! Idempotency keys: the client's own name for a message or notification, by which a repeated request is
//! recognised.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use eventflow_protocol::command::CLIENT_KEY_MAX_BYTES;
use eventflow_protocol::content::clean;

/// The `clientMessageId` of a message body, if there is one.
pub fn client_message_id(body: &mut Object) -> Result<Option<String>, Refusal> {
    client_key(body, "clientMessageId")
}

/// The key in `field`, if there is one.
pub(super) fn client_key(body: &mut Object, field: &str) -> Result<Option<String>, Refusal> {
    let key = fields::optional_text(body, field, field)?;
    key.map(|key| idempotency_key(key, field)).transpose()
}

/// An explicit idempotency key: 1 to 128 printable bytes.
pub fn idempotency_key(key: String, field: &str) -> Result<String, Refusal> {
    let good = (1..=CLIENT_KEY_MAX_BYTES).contains(&key.len())
        && clean(&key) == key
        && !key.contains(char::is_control);
    if good {
        return Ok(key);
    }
    Err(Refusal::invalid(format!("{field} must be a printable text of 1 to {CLIENT_KEY_MAX_BYTES} bytes")))
}
