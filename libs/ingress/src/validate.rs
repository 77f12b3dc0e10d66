//! Is it well formed: a client's JSON in, a command out, or a refusal that names the field.
//!
//! What passes here needs no further checks: contents are clean, ids are ids, everything is bounded. Whether the user may do
//! it is not decided here but in [`crate::commands`].

use crate::attachment;
use crate::fields::{self, Object};
use crate::metadata;
use crate::refusal::Refusal;
use eventflow_protocol::command::{CLIENT_KEY_MAX_BYTES, CreateThread, SendMessage};
use eventflow_protocol::content::{Content, clean};
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use serde_json::Value;

/// Most people in a thread, the creator included: what one fan-out and one membership entry are sized for.
pub const PARTICIPANTS_MAX: usize = 5_000;

/// A message from the fields `content`, `attachments` and `clientMessageId`.
pub fn send_message(body: &mut Object, thread_id: ThreadId, sender_id: UserId, at: Timestamp) -> Result<SendMessage, Refusal> {
    let content = fields::text(body, "content", "content")?;
    let content = Content::parse(&content).map_err(|error| Refusal::invalid(error.to_string()))?;
    let attachments = attachment::take_all(body)?;
    let client_message_id = client_message_id(body)?;
    Ok(SendMessage { thread_id, sender_id, content, attachments, client_message_id, at })
}

/// The `clientMessageId` of a message body, if there is one.
pub fn client_message_id(body: &mut Object) -> Result<Option<String>, Refusal> {
    let key = fields::optional_text(body, "clientMessageId", "clientMessageId")?;
    key.map(|key| idempotency_key(key, "clientMessageId")).transpose()
}

/// An explicit idempotency key: 1 to 128 printable bytes.
pub fn idempotency_key(key: String, field: &str) -> Result<String, Refusal> {
    let good = (1..=CLIENT_KEY_MAX_BYTES).contains(&key.len()) && clean(&key) == key && !key.contains(char::is_control);
    if good {
        return Ok(key);
    }
    Err(Refusal::invalid(format!("{field} must be a printable text of 1 to {CLIENT_KEY_MAX_BYTES} bytes")))
}

/// A new thread from the fields `participants` and `metadata`; the creator is in it whether named or not.
pub fn create_thread(body: &mut Object, created_by: UserId, at: Timestamp) -> Result<CreateThread, Refusal> {
    let participants = participants(body, &created_by)?;
    let metadata = metadata::take(body, "metadata")?;
    let canonical = Value::Object(metadata.clone()).to_string();
    let thread_id = ThreadId::derive(&participants, &canonical);
    Ok(CreateThread { thread_id, participants, metadata, created_by, at })
}

/// The thread that an event is about. A text that is no id names no thread, so it is refused like a thread of others.
pub fn thread_id(body: &mut Object) -> Result<ThreadId, Refusal> {
    parse_thread_id(&fields::text(body, "threadId", "threadId")?)
}

/// A thread id as a client wrote it.
pub fn parse_thread_id(text: &str) -> Result<ThreadId, Refusal> {
    text.parse().map_err(|_| Refusal::not_found("thread"))
}

fn participants(body: &mut Object, creator: &UserId) -> Result<Vec<UserId>, Refusal> {
    let named = fields::list(body, "participants", PARTICIPANTS_MAX)?;
    let parsed = named.into_iter().enumerate().map(|(index, value)| participant(value, index));
    let mut people = parsed.collect::<Result<Vec<_>, _>>()?;
    people.push(creator.clone());
    people.sort_unstable();
    people.dedup();
    match people.len() {
        0 | 1 => Err(Refusal::invalid("participants must name somebody else")),
        2..=PARTICIPANTS_MAX => Ok(people),
        _ => Err(Refusal::invalid(format!("a thread has at most {PARTICIPANTS_MAX} participants"))),
    }
}

fn participant(value: Value, index: usize) -> Result<UserId, Refusal> {
    let Value::String(text) = value else { return Err(fields::wrong_type(&format!("participants[{index}]"), "a text")) };
    text.parse().map_err(|error| Refusal::invalid(format!("participants[{index}]: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::ErrorCode;
    use serde_json::json;

    fn object(value: Value) -> Object {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    fn ann() -> UserId {
        "ann".parse().unwrap()
    }

    fn send(body: Value) -> Result<SendMessage, Refusal> {
        send_message(&mut object(body), ThreadId::from_bytes([1; 12]), ann(), Timestamp(5))
    }

    fn create(body: Value) -> Result<CreateThread, Refusal> {
        create_thread(&mut object(body), ann(), Timestamp(5))
    }

    #[test]
    fn a_message_as_the_published_client_sends_it_becomes_a_command() {
        let command = send(json!({"content": "a < b && c > d <3", "attachments": [], "extra": 1})).unwrap();
        assert_eq!(command.content.as_str(), "a < b && c > d <3");
        assert_eq!((command.client_message_id, command.at), (None, Timestamp(5)));
    }

    #[test]
    fn contents_are_cleaned_and_bounded() {
        assert_eq!(send(json!({"content": "<b>hi</b>\u{0}"})).unwrap().content.as_str(), "hi");
        for bad in [
            json!({}),
            json!({"content": ""}),
            json!({"content": "<p></p>"}),
            json!({"content": 5}),
            json!({"content": {"$gt": ""}}),
            json!({"content": ["a"]}),
            json!({"content": null}),
            json!({"content": "👍".repeat(10_001)}),
        ] {
            assert_eq!(send(bad.clone()).unwrap_err().code, ErrorCode::Invalid, "{bad}");
        }
        assert!(send(json!({"content": "👍".repeat(10_000)})).is_ok());
    }

    #[test]
    fn a_client_message_id_is_short_and_printable() {
        for good in ["1", "c0ffee-1", "ключ", &"x".repeat(128)] {
            assert_eq!(send(json!({"content": "a", "clientMessageId": good})).unwrap().client_message_id.as_deref(), Some(good));
        }
        for bad in [json!(""), json!("x".repeat(129)), json!("a\nb"), json!("a\tb"), json!("a\u{0}"), json!(7), json!({"a": 1})] {
            assert!(send(json!({"content": "a", "clientMessageId": bad})).is_err(), "{bad}");
        }
        assert!(send(json!({"content": "a", "clientMessageId": null})).is_ok());
    }

    #[test]
    fn a_thread_has_its_creator_and_nobody_twice() {
        let command = create(json!({"participants": ["zoe", "bob", "zoe"], "metadata": {"subject": "x"}})).unwrap();
        let people: Vec<&str> = command.participants.iter().map(UserId::as_str).collect();
        assert_eq!(people, ["ann", "bob", "zoe"]);
        let again = create(json!({"participants": ["ann", "zoe", "bob"], "metadata": {"subject": "x"}})).unwrap();
        assert_eq!(again.thread_id, command.thread_id);
        assert_ne!(create(json!({"participants": ["zoe", "bob"]})).unwrap().thread_id, command.thread_id);
    }

    #[test]
    fn the_order_of_metadata_keys_does_not_make_another_thread() {
        let id = |text: &str| {
            let mut body = fields::parse(text.as_bytes()).unwrap();
            create_thread(&mut body, ann(), Timestamp(0)).unwrap().thread_id
        };
        assert_eq!(
            id(r#"{"participants":["bob"],"metadata":{"a":1,"b":{"c":2,"d":3}}}"#),
            id(r#"{"participants":["bob"],"metadata":{"b":{"d":3,"c":2},"a":1}}"#)
        );
    }

    #[test]
    fn participants_are_two_to_five_thousand_ids() {
        let many = |count: usize| (0..count).map(|n| format!("u{n}")).collect::<Vec<_>>();
        assert_eq!(create(json!({"participants": many(4_999)})).unwrap().participants.len(), 5_000);
        for bad in [
            json!({}),
            json!({"participants": []}),
            json!({"participants": ["ann"]}),
            json!({"participants": "bob"}),
            json!({"participants": [{"$ne": 1}]}),
            json!({"participants": ["a.b"]}),
            json!({"participants": ["bob", 7]}),
            json!({"participants": many(5_000)}),
            json!({"participants": many(5_001)}),
        ] {
            assert!(create(bad).is_err());
        }
        assert_eq!(create(json!({"participants": ["bob", 7]})).unwrap_err().error, "participants[1] must be a text");
    }

    #[test]
    fn a_thread_id_that_is_none_is_not_found_and_one_of_another_type_is_invalid() {
        let code = |value: Value| thread_id(&mut object(json!({"threadId": value}))).map_err(|refusal| refusal.code);
        assert!(code(json!("0123456789abcdef01234567")).is_ok());
        assert_eq!(code(json!("thread123")), Err(ErrorCode::NotFound));
        assert_eq!(code(json!({"$ne": null})), Err(ErrorCode::Invalid));
        assert_eq!(code(json!(null)), Err(ErrorCode::Invalid));
    }
}
