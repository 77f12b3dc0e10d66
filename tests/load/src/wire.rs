//! Wire: Engine.IO v4 and Socket.IO v5 over WebSocket text frames, written by hand for the client's side.
//!
//! It decodes as little as possible. A packet borrows from its frame, events other than `message:received`
//! are never parsed, and of a message it reads only the fields that the ledger needs. Formats: the Engine.IO
//! protocol (packet types 0–6) and the Socket.IO protocol (packet types 0–4) pages of socket.io.

use serde::Deserialize;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The answer to a heartbeat ping.
pub const PONG: &str = "3";

/// One packet from the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Engine.IO open, with its JSON.
    Open(&'a str),
    /// Engine.IO ping, which the client answers with [`PONG`].
    Ping,
    /// Answer to Socket.IO CONNECT, with its JSON.
    Connected(&'a str),
    /// Socket.IO `CONNECT_ERROR`, with its JSON.
    Rejected(&'a str),
    /// Socket.IO DISCONNECT, or Engine.IO close.
    Disconnected,
    /// An event, with its JSON array.
    Event(&'a str),
    /// The answer to the packet with this id, with its JSON array.
    Ack(u32, &'a str),
    /// Any other packet, which the client ignores.
    Other,
}

impl<'a> Packet<'a> {
    /// Parses a text frame.
    pub fn parse(frame: &'a str) -> Self {
        let (kind, rest) = frame.split_at(frame.len().min(1));
        match kind {
            "0" => Self::Open(rest),
            "1" => Self::Disconnected,
            "2" => Self::Ping,
            "4" => Self::parse_message(rest),
            _ => Self::Other,
        }
    }

    fn parse_message(text: &'a str) -> Self {
        let (kind, rest) = text.split_at(text.len().min(1));
        match kind {
            "0" => Self::Connected(rest),
            "1" => Self::Disconnected,
            "2" => Self::Event(rest.trim_start_matches(|c: char| c.is_ascii_digit())),
            "3" => Self::parse_ack(rest).unwrap_or(Self::Other),
            "4" => Self::Rejected(rest),
            _ => Self::Other,
        }
    }

    fn parse_ack(rest: &'a str) -> Option<Self> {
        let (id, _) = rest.split_once('[')?;
        Some(Self::Ack(id.parse().ok()?, &rest[id.len()..]))
    }
}

/// Content of the Engine.IO open packet.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// Time between pings, in milliseconds.
    pub ping_interval: u64,
    /// Time by which a ping may be late, in milliseconds.
    pub ping_timeout: u64,
}

/// Content of the answer to Socket.IO CONNECT.
#[derive(Debug, Deserialize)]
pub struct Connected {
    /// Private session id for resuming; absent if the server keeps no state.
    pub pid: Option<String>,
}

/// The message inside `message:received`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message<'a> {
    /// Thread of the message.
    #[serde(borrow)]
    pub thread_id: Cow<'a, str>,
    /// Sequence number of the message in its thread, from 1.
    pub seq: u32,
    /// Text of the message, which starts with the tag.
    #[serde(borrow)]
    pub content: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Received<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

/// The message of an event; `None` if the event is not `message:received`, and `Some(Err)` if the message
/// does not have the expected shape.
pub fn received(event: &str) -> Option<Result<Message<'_>, serde_json::Error>> {
    let rest = event.strip_prefix(r#"["message:received","#)?;
    let mut json = serde_json::Deserializer::from_str(rest);
    Some(Received::deserialize(&mut json).map(|received| received.message))
}

/// The offset of an event: its last argument, if that is a string.
pub fn offset(event: &str) -> Option<&str> {
    let text = event.strip_suffix(r#""]"#)?;
    let start = text.rfind('"')?;
    text[..start].ends_with(',').then(|| &text[start + 1..])
}

/// How the server answered a send.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The message is stored with this `seq`.
    Stored(u32),
    /// The broker has the message, and it will be stored.
    Queued,
    /// The message was refused for now and may be sent again. Holds the code.
    Retryable(Cow<'a, str>),
    /// The message was refused for good. Holds the code.
    Failed(Cow<'a, str>),
}

/// Codes after which the same `clientMessageId` may be sent again.
const RETRYABLE: [&str; 3] = ["unavailable", "timeout", "overloaded"];

#[derive(Deserialize)]
struct AckBody<'a> {
    success: bool,
    message: Option<AckMessage>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct AckMessage {
    seq: u32,
}

/// Reads the answer to a `message:send`.
pub fn answer(ack: &str) -> Answer<'_> {
    let Ok((body,)) = serde_json::from_str::<(AckBody<'_>,)>(ack) else {
        return Answer::Failed(Cow::Borrowed("unreadable answer"));
    };
    match (body.success, body.message, body.status.as_deref()) {
        (true, Some(message), _) => Answer::Stored(message.seq),
        (true, None, Some("queued")) => Answer::Queued,
        (true, None, _) => Answer::Failed(Cow::Borrowed("success without a message")),
        (false, ..) => {
            let code = body.code.unwrap_or(Cow::Borrowed("no code"));
            if RETRYABLE.contains(&&*code) { Answer::Retryable(code) } else { Answer::Failed(code) }
        }
    }
}

/// Builds the CONNECT packet. With `resume` = (`pid`, `offset`) it asks for the old session.
pub fn connect(token: &str, resume: Option<(&str, &str)>) -> String {
    let auth = match resume {
        Some((pid, offset)) => serde_json::json!({ "token": token, "pid": pid, "offset": offset }),
        None => serde_json::json!({ "token": token }),
    };
    format!("40{auth}")
}

/// Builds a `message:send` packet that asks for an answer under `n`. The three strings must contain nothing
/// that JSON escapes.
pub fn send(n: u32, thread: &str, client_message_id: &str, content: &str) -> String {
    let mut frame = String::with_capacity(96 + thread.len() + client_message_id.len() + content.len());
    write!(
        frame,
        r#"42{n}["message:send",{{"threadId":"{thread}","content":"{content}","clientMessageId":"{client_message_id}"}}]"#
    )
    .expect("writing to a string cannot fail");
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_type_is_recognised() {
        assert_eq!(Packet::parse(r#"0{"sid":"x"}"#), Packet::Open(r#"{"sid":"x"}"#));
        assert_eq!(Packet::parse("2"), Packet::Ping);
        assert_eq!(Packet::parse(r#"40{"sid":"a"}"#), Packet::Connected(r#"{"sid":"a"}"#));
        assert_eq!(Packet::parse(r#"44{"message":"no"}"#), Packet::Rejected(r#"{"message":"no"}"#));
        assert_eq!(Packet::parse("41"), Packet::Disconnected);
        assert_eq!(Packet::parse("1"), Packet::Disconnected);
        assert_eq!(Packet::parse(r#"42["a",1]"#), Packet::Event(r#"["a",1]"#));
        assert_eq!(Packet::parse(r#"427["a",1]"#), Packet::Event(r#"["a",1]"#));
        assert_eq!(Packet::parse(r#"4317[{"success":true}]"#), Packet::Ack(17, r#"[{"success":true}]"#));
        for odd in ["", "4", "43", "43x[]", "6", "bAA", "45"] {
            assert_eq!(Packet::parse(odd), Packet::Other, "{odd:?}");
        }
    }

    #[test]
    fn a_received_message_is_read_with_and_without_an_offset() {
        let with = r#"["message:received",{"message":{"_id":"i","id":"i","threadId":"t","seq":3,"senderId":"u","content":"hi \"you\""}},"o-7"]"#;
        let message = received(with).unwrap().unwrap();
        assert_eq!((&*message.thread_id, message.seq, &*message.content), ("t", 3, "hi \"you\""));
        assert_eq!(offset(with), Some("o-7"));
        let without = r#"["message:received",{"message":{"threadId":"t","seq":3,"content":"x"}}]"#;
        assert!(received(without).unwrap().is_ok());
        assert_eq!(offset(without), None);
    }

    #[test]
    fn other_events_are_not_parsed_but_give_their_offset() {
        assert!(received(r#"["presence:changed",{},"o-8"]"#).is_none());
        assert_eq!(offset(r#"["presence:changed",{},"o-8"]"#), Some("o-8"));
        assert_eq!(offset(r#"["ready"]"#), None);
        assert_eq!(offset(r#"["x",{"a":"b"}]"#), None);
    }

    #[test]
    fn a_message_without_a_seq_is_an_error() {
        assert!(received(r#"["message:received",{"message":{"threadId":"t"}}]"#).unwrap().is_err());
    }

    #[test]
    fn answers_are_told_apart() {
        assert_eq!(answer(r#"[{"success":true,"message":{"seq":9,"id":"x"}}]"#), Answer::Stored(9));
        assert_eq!(answer(r#"[{"success":true,"status":"queued","commandId":"c"}]"#), Answer::Queued);
        let unavailable = answer(r#"[{"success":false,"error":"later","code":"unavailable"}]"#);
        assert_eq!(unavailable, Answer::Retryable("unavailable".into()));
        assert_eq!(
            answer(r#"[{"success":false,"error":"no","code":"forbidden"}]"#),
            Answer::Failed("forbidden".into())
        );
        assert_eq!(answer("[]"), Answer::Failed("unreadable answer".into()));
    }

    #[test]
    fn what_is_sent_is_json() {
        let frame = send(5, "t1", "r-1-5", "hello");
        let body: serde_json::Value = serde_json::from_str(frame.strip_prefix("425").unwrap()).unwrap();
        assert_eq!(body[1]["clientMessageId"], "r-1-5");
        assert_eq!(connect("tok", Some(("p", "o"))), r#"40{"offset":"o","pid":"p","token":"tok"}"#);
    }
}
