//! Is it well formed: a client's JSON in, a command out, or a refusal that names the field.
//!
//! What passes here needs no further checks: contents are clean, ids are ids, everything is bounded. Whether the user may do
//! it is not decided here but in [`crate::commands`].

pub mod inbox;
pub mod people;

pub use inbox::{NOTIFIED_MAX, notification, preferences};
pub use people::{parse_user_id, parse_user_ids, profile, user_ids};

use crate::attachment;
use crate::fields::{self, Object};
use crate::identity::Session;
use crate::metadata;
use crate::refusal::Refusal;
use eventflow_protocol::change::{EMOJI_MAX_BYTES, Wish};
use eventflow_protocol::command::{CLIENT_KEY_MAX_BYTES, CreateThread, SendMessage};
use eventflow_protocol::content::{Content, clean};
use eventflow_protocol::document::Attachment;
use eventflow_protocol::pairing::{self, Leg, Pairing};
use eventflow_protocol::{MessageId, NotificationId, ThreadId, Timestamp, UserId};
use serde_json::Value;

/// Most people in a thread, the creator included: what one fan-out and one membership entry are sized for.
pub const PARTICIPANTS_MAX: usize = 5_000;

/// A message from the fields `content`, `attachments` and `clientMessageId`.
pub fn send_message(
    body: &mut Object,
    thread_id: ThreadId,
    sender_id: UserId,
    at: Timestamp,
) -> Result<SendMessage, Refusal> {
    let content = edit(body)?;
    let attachments = attachment::take_all(body)?;
    let client_message_id = client_message_id(body)?;
    Ok(SendMessage { thread_id, sender_id, content, attachments, client_message_id, pairing: None, at })
}

/// The `attachments` of a message, each as a client would give it.
pub fn attachments(items: Vec<Value>) -> Result<Vec<Attachment>, Refusal> {
    attachment::take_all(&mut Object::from_iter([("attachments".to_owned(), Value::Array(items))]))
}

/// Lets a message without a key be recognised as the twin of one that the same click sent over the other transport.
///
/// `opened_at` is when the connection of a socket leg was opened. A message with a key never pairs.
pub fn paired(send: &mut SendMessage, leg: Leg, session: Session, opened_at: Option<Timestamp>) {
    if send.client_message_id.is_some() {
        return;
    }
    let key =
        pairing::key(&session.0, &send.sender_id, send.thread_id, send.content.as_str(), &send.attachments);
    send.pairing = Some(Pairing { leg, key, opened_at });
}

/// The new text of a message from `content`.
pub fn edit(body: &mut Object) -> Result<Content, Refusal> {
    let content = fields::text(body, "content", "content")?;
    Content::parse(&content).map_err(|error| Refusal::invalid(error.to_string()))
}

/// A sign and what to do with it, from `emoji` and `action` (`add`, `remove` or, if absent, `toggle`).
pub fn reaction(body: &mut Object) -> Result<(String, Wish), Refusal> {
    let emoji = fields::text(body, "emoji", "emoji")?;
    let odd =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '&' | '"' | '\'' | '`');
    if !(1..=EMOJI_MAX_BYTES).contains(&emoji.len()) || emoji.contains(odd) || clean(&emoji) != emoji {
        return Err(Refusal::invalid(format!("emoji must be a sign of 1 to {EMOJI_MAX_BYTES} bytes")));
    }
    let wish = match fields::optional_text(body, "action", "action")?.as_deref() {
        None | Some("toggle") => Wish::Toggle,
        Some("add") => Wish::Add,
        Some("remove") => Wish::Remove,
        Some(_) => return Err(Refusal::invalid("action must be add, remove or toggle")),
    };
    Ok((emoji, wish))
}

/// The `clientMessageId` of a message body, if there is one.
pub fn client_message_id(body: &mut Object) -> Result<Option<String>, Refusal> {
    client_key(body, "clientMessageId")
}

fn client_key(body: &mut Object, field: &str) -> Result<Option<String>, Refusal> {
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

/// The message that an event is about; refused like [`thread_id`].
pub fn message_id(body: &mut Object) -> Result<MessageId, Refusal> {
    parse_message_id(&fields::text(body, "messageId", "messageId")?)
}

/// A message id as a client wrote it.
pub fn parse_message_id(text: &str) -> Result<MessageId, Refusal> {
    text.parse().map_err(|_| Refusal::not_found("message"))
}

/// A notification id as a client wrote it.
pub fn parse_notification_id(text: &str) -> Result<NotificationId, Refusal> {
    text.parse().map_err(|_| Refusal::not_found("notification"))
}

fn participants(body: &mut Object, creator: &UserId) -> Result<Vec<UserId>, Refusal> {
    let mut people = user_ids(body, "participants", PARTICIPANTS_MAX)?;
    people.push(creator.clone());
    people.sort_unstable();
    people.dedup();
    match people.len() {
        0 | 1 => Err(Refusal::invalid("participants must name somebody else")),
        2..=PARTICIPANTS_MAX => Ok(people),
        _ => Err(Refusal::invalid(format!("a thread has at most {PARTICIPANTS_MAX} participants"))),
    }
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
            assert_eq!(
                send(json!({"content": "a", "clientMessageId": good})).unwrap().client_message_id.as_deref(),
                Some(good)
            );
        }
        for bad in [
            json!(""),
            json!("x".repeat(129)),
            json!("a\nb"),
            json!("a\tb"),
            json!("a\u{0}"),
            json!(7),
            json!({"a": 1}),
        ] {
            assert!(send(json!({"content": "a", "clientMessageId": bad})).is_err(), "{bad}");
        }
        assert!(send(json!({"content": "a", "clientMessageId": null})).is_ok());
    }

    #[test]
    fn a_thread_has_its_creator_and_nobody_twice() {
        let command =
            create(json!({"participants": ["zoe", "bob", "zoe"], "metadata": {"subject": "x"}})).unwrap();
        let people: Vec<&str> = command.participants.iter().map(UserId::as_str).collect();
        assert_eq!(people, ["ann", "bob", "zoe"]);
        let again =
            create(json!({"participants": ["ann", "zoe", "bob"], "metadata": {"subject": "x"}})).unwrap();
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
        assert_eq!(
            create(json!({"participants": ["bob", 7]})).unwrap_err().error,
            "participants[1] must be a text"
        );
    }

    #[test]
    fn only_messages_without_a_key_pair_and_only_within_a_login() {
        let pair = |body: Value, session: u8| {
            let mut send = send(body).unwrap();
            paired(&mut send, Leg::Rest, Session([session; 32]), None);
            send.pairing.map(|pairing| pairing.key)
        };
        assert_eq!(pair(json!({"content": "a", "clientMessageId": "k"}), 1), None);
        assert_eq!(pair(json!({"content": "a"}), 1), pair(json!({"content": "a"}), 1));
        assert_ne!(pair(json!({"content": "a"}), 1), pair(json!({"content": "a"}), 2));
        assert_ne!(pair(json!({"content": "a"}), 1), pair(json!({"content": "b"}), 1));
    }

    #[test]
    fn a_reaction_is_one_plain_sign_and_a_wish() {
        let react = |body: Value| reaction(&mut object(body));
        for good in ["👍", "❤️", "👨‍👩‍👧‍👦", "+1", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"] {
            assert_eq!(react(json!({"emoji": good})), Ok((good.to_owned(), Wish::Toggle)), "{good}");
        }
        assert_eq!(react(json!({"emoji": "👍", "action": "remove"})).unwrap().1, Wish::Remove);
        for bad in ["", " ", "a b", "<b>", "a&b", "\"", "x\u{0}", "\u{202E}x", &"👍".repeat(17)] {
            assert!(react(json!({"emoji": bad})).is_err(), "{bad}");
        }
        for bad in [json!({}), json!({"emoji": 1}), json!({"emoji": "👍", "action": "flip"})] {
            assert!(react(bad.clone()).is_err(), "{bad}");
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
