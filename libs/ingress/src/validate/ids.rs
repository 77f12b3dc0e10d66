//! Ids as clients write them. A text that is no id names nothing, so it is refused with the words for a thing
//! that does not exist.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use eventflow_protocol::{MessageId, ThreadId};

/// The thread that an event is about. A text that is no id names no thread, so it is refused like a thread of
/// others.
pub fn thread_id(body: &mut Object) -> Result<ThreadId, Refusal> {
    parse_thread_id(&fields::text(body, "threadId", "threadId")?)
}

/// A thread id as a client wrote it.
pub fn parse_thread_id(text: &str) -> Result<ThreadId, Refusal> {
    text.parse().map_err(|_| Refusal::not_found("thread"))
}

/// The message that an event is about; refused like [`thread_id`].
pub fn message_id(body: &mut Object) -> Result<MessageId, Refusal> {
    parse_message_id(&fields::text(body, "messageId", "messageId")?)
}

/// A message id as a client wrote it.
pub fn parse_message_id(text: &str) -> Result<MessageId, Refusal> {
    text.parse().map_err(|_| Refusal::not_found("message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::ErrorCode;
    use serde_json::{Value, json};

    fn object(value: Value) -> Object {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn a_thread_id_that_is_none_is_not_found_and_one_of_another_type_is_invalid() {
        let code =
            |value: Value| thread_id(&mut object(json!({"threadId": value}))).map_err(|refusal| refusal.code);
        assert!(code(json!("0123456789abcdef01234567")).is_ok());
        assert_eq!(code(json!("thread123")), Err(ErrorCode::NotFound));
        assert_eq!(code(json!({"$ne": null})), Err(ErrorCode::Invalid));
        assert_eq!(code(json!(null)), Err(ErrorCode::Invalid));
    }
}
