//! What a socket's event asks for, as the parts of a command: the client's contract applied to one JSON
//! object.
//!
//! The rules are those of [`eventflow_protocol::client`]; this module only says which of them belong to which
//! fields. Whether the user may do it is decided in [`crate::commands`].

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use eventflow_protocol::change::Wish;
use eventflow_protocol::client;
use eventflow_protocol::client::requests::{EditMessageBody, ReactionBody, SendMessageBody};
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::content::Content;
use eventflow_protocol::{MessageId, ThreadId, Timestamp, UserId};
use serde::de::DeserializeOwned;

/// A message from the fields `content`, `attachments` and `clientMessageId`. Takes all fields out of the
/// body.
pub fn send_message(
    body: &mut Object,
    thread_id: ThreadId,
    sender_id: UserId,
    at: Timestamp,
) -> Result<SendMessage, Refusal> {
    let request: SendMessageBody = take_all(body)?;
    Ok(request.into_command(thread_id, sender_id, at))
}

/// The new text of a message from `content`. Takes all fields out of the body.
pub fn edit(body: &mut Object) -> Result<Content, Refusal> {
    let request: EditMessageBody = take_all(body)?;
    Ok(request.content.0)
}

/// An emoji and what to do with it, from `emoji` and `action`. Takes all fields out of the body.
pub fn reaction(body: &mut Object) -> Result<(String, Wish), Refusal> {
    let request: ReactionBody = take_all(body)?;
    Ok((request.emoji.into_string(), request.action))
}

/// A list of at most `max` user ids; an absent one is empty. Repeats stay.
pub fn user_ids(body: &mut Object, field: &str, max: usize) -> Result<Vec<UserId>, Refusal> {
    let mut users = Vec::new();
    for (index, item) in fields::list(body, field, max)?.into_iter().enumerate() {
        let path = format!("{field}[{index}]");
        let text = item.as_str().ok_or_else(|| fields::wrong_type(&path, "a text"))?;
        users.push(text.parse().map_err(|error| Refusal::invalid(format!("{path}: {error}")))?);
    }
    Ok(users)
}

/// The thread that an event is about. A text that is no id names no thread, so it is refused like a thread of
/// others.
pub fn thread_id(body: &mut Object) -> Result<ThreadId, Refusal> {
    parse_thread_id(&fields::text(body, "threadId", "threadId")?)
}

/// A thread id as a client wrote it.
pub fn parse_thread_id(text: &str) -> Result<ThreadId, Refusal> {
    text.parse().map_err(|_| Refusal::not_found("thread"))
}

/// The message that an event is about. A text that is no id is refused like a message that nobody may see.
pub fn message_id(body: &mut Object) -> Result<MessageId, Refusal> {
    let text = fields::text(body, "messageId", "messageId")?;
    text.parse().map_err(|_| Refusal::not_found("message"))
}

fn take_all<T: DeserializeOwned>(body: &mut Object) -> Result<T, Refusal> {
    Ok(client::read(std::mem::take(body))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn a_thread_id_that_is_none_is_not_found_and_one_of_another_type_is_invalid() {
        let code = |value: Value| {
            let mut body = Object::from_iter([("threadId".to_owned(), value)]);
            thread_id(&mut body).map_err(|refusal| refusal.code)
        };
        assert!(code(json!("0123456789abcdef01234567")).is_ok());
        assert_eq!(code(json!("thread123")), Err(ErrorCode::NotFound));
        assert_eq!(code(json!({"$ne": null})), Err(ErrorCode::Invalid));
        assert_eq!(code(json!(null)), Err(ErrorCode::Invalid));
    }

    #[test]
    fn lists_of_people_are_bounded_ids() {
        let read = |people: Value| user_ids(&mut Object::from_iter([("u".to_owned(), people)]), "u", 2);
        assert_eq!(read(json!(["ann", "bob"])).unwrap().len(), 2);
        assert_eq!(read(json!(["ann", 7])).unwrap_err().error, "u[1] must be a text");
        assert_eq!(read(json!(["ann", "bob", "cat"])).unwrap_err().error, "u has more than 2 items");
    }
}
