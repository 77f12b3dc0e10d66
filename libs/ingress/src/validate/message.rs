//! Messages and reactions: a client's JSON in, the parts of a command out.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use crate::validate::attachment;
use crate::validate::key::client_message_id;
use eventflow_protocol::change::{EMOJI_MAX_BYTES, Wish};
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::content::{Content, clean};
use eventflow_protocol::{ThreadId, Timestamp, UserId};

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

    fn ann() -> UserId {
        "ann".parse().unwrap()
    }

    fn send(body: Value) -> Result<SendMessage, Refusal> {
        send_message(&mut object(body), ThreadId::from_bytes([1; 12]), ann(), Timestamp(5))
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
}
