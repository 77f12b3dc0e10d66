//! Socket.IO v5 packets: `<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]` inside an Engine.IO
//! message.
//!
//! <https://socket.io/docs/v4/socket-io-protocol/>. Decoding checks what the reference decoder checks: an
//! event is an array with a name that is not reserved, an acknowledgement is an array, CONNECT has an object
//! or nothing. Arguments stay unparsed JSON. Encoding writes the Engine.IO type `4` in front, so that the
//! result can be sent as it is.

use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::CodecError;

/// Names that implementations use for their own events. The reference decoder refuses them too.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// A packet from a client.
#[derive(Debug, Clone)]
pub struct DecodedPacket {
    /// The namespace, `/` if there was none.
    pub namespace: Box<str>,
    /// The content of the packet.
    pub body: PacketBody,
    /// Number of attachments that follow.
    pub attachments: usize,
}

/// The content of a packet from a client.
#[derive(Debug, Clone)]
pub enum PacketBody {
    /// Asks to join the namespace, with a JSON object.
    Connect(Option<Box<RawValue>>),
    /// Leaves the namespace.
    Disconnect,
    /// An event, its arguments and the number to answer it under.
    Event {
        /// The name.
        name: String,
        /// The arguments.
        args: Vec<Box<RawValue>>,
        /// The number under which the client waits for the answer.
        ack: Option<u64>,
    },
    /// An answer to an event of the server. The server never asks for one, so it is checked and dropped.
    Ack,
}

/// Types of packets to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    /// An event.
    Event,
    /// An answer.
    Ack,
    /// An event with this many attachments.
    BinaryEvent(usize),
    /// An answer with this many attachments.
    BinaryAck(usize),
}

/// Reads a packet; `text` is without the Engine.IO type.
pub fn decode(text: &str, max_attachments: usize) -> Result<DecodedPacket, CodecError> {
    let kind = *text.as_bytes().first().ok_or(CodecError::Empty)?;
    if !matches!(kind, b'0'..=b'3' | b'5' | b'6') {
        return Err(CodecError::UnknownType);
    }
    let (attachments, rest) = match kind {
        b'5' | b'6' => split_attachments(&text[1..], max_attachments)?,
        _ => (0, &text[1..]),
    };
    let (namespace, rest) = split_namespace(rest);
    let (id, json) = split_id(rest)?;
    let body = match kind {
        b'0' => PacketBody::Connect(object(json)?),
        b'1' => PacketBody::Disconnect,
        b'2' | b'5' => event(json, id)?,
        _ => answer(json, id)?,
    };
    Ok(DecodedPacket { namespace: namespace.into(), body, attachments })
}

/// Writes an event without attachments. The offset becomes the last argument.
pub(crate) fn encode_event(
    namespace: &str,
    name: &str,
    arguments: &[&RawValue],
    offset: Option<&str>,
) -> Utf8Bytes {
    let name = serde_json::value::to_raw_value(name).expect("a string is valid JSON");
    let offset =
        offset.map(|offset| serde_json::value::to_raw_value(offset).expect("a string is valid JSON"));
    let mut all = Vec::with_capacity(arguments.len() + 2);
    all.push(&*name);
    all.extend_from_slice(arguments);
    all.extend(offset.as_deref());
    encode(PacketKind::Event, namespace, None, &all)
}

/// Writes an event or an answer. `elements` are the elements of the array.
pub(crate) fn encode(
    kind: PacketKind,
    namespace: &str,
    id: Option<u64>,
    elements: &[&RawValue],
) -> Utf8Bytes {
    let size: usize = elements.iter().map(|element| element.get().len() + 1).sum();
    let mut text = String::with_capacity(size + namespace.len() + 40);
    match kind {
        PacketKind::Event => text.push_str("42"),
        PacketKind::Ack => text.push_str("43"),
        PacketKind::BinaryEvent(count) => push_binary(&mut text, "45", count),
        PacketKind::BinaryAck(count) => push_binary(&mut text, "46", count),
    }
    push_namespace(&mut text, namespace);
    if let Some(id) = id {
        text.push_str(&id.to_string());
    }
    text.push('[');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(element.get());
    }
    text.push(']');
    text.into()
}

/// Writes a CONNECT answer.
pub(crate) fn encode_connect(namespace: &str, id: &str, private_id: Option<&str>) -> Utf8Bytes {
    #[derive(serde::Serialize)]
    struct Joined<'a> {
        sid: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        pid: Option<&'a str>,
    }
    let joined = Joined { sid: id, pid: private_id };
    let mut text = String::from("40");
    push_namespace(&mut text, namespace);
    text.push_str(&serde_json::to_string(&joined).expect("strings are valid JSON"));
    text.into()
}

/// Writes a refusal of a CONNECT.
pub(crate) fn encode_connect_error(namespace: &str, message: &str, data: Option<&RawValue>) -> Utf8Bytes {
    #[derive(serde::Serialize)]
    struct Refused<'a> {
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a RawValue>,
    }
    let mut text = String::from("44");
    push_namespace(&mut text, namespace);
    text.push_str(
        &serde_json::to_string(&Refused { message, data }).expect("strings and JSON are valid JSON"),
    );
    text.into()
}

/// Writes a DISCONNECT.
pub(crate) fn encode_disconnect(namespace: &str) -> Utf8Bytes {
    let mut text = String::from("41");
    push_namespace(&mut text, namespace);
    text.into()
}

fn push_binary(text: &mut String, kind: &str, attachments: usize) {
    text.push_str(kind);
    text.push_str(&attachments.to_string());
    text.push('-');
}

fn push_namespace(text: &mut String, namespace: &str) {
    if namespace != "/" {
        text.push_str(namespace);
        text.push(',');
    }
}

fn split_attachments(text: &str, max: usize) -> Result<(usize, &str), CodecError> {
    let (digits, rest) = text.split_once('-').ok_or(CodecError::Attachments)?;
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let count = digits.parse().map_err(|_| CodecError::Attachments)?;
    if all_digits && count <= max { Ok((count, rest)) } else { Err(CodecError::Attachments) }
}

/// Splits off the namespace. It starts with a slash and ends at a comma or at the end of the text; anything
/// behind a `?` is no part of it.
fn split_namespace(text: &str) -> (&str, &str) {
    if !text.starts_with('/') {
        return ("/", text);
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    (namespace.split_once('?').map_or(namespace, |(path, _)| path), rest)
}

fn split_id(text: &str) -> Result<(Option<u64>, &str), CodecError> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 {
        return Ok((None, text));
    }
    let id = text[..end].parse().map_err(|_| CodecError::AckId)?;
    Ok((Some(id), &text[end..]))
}

fn object(json: &str) -> Result<Option<Box<RawValue>>, CodecError> {
    if json.is_empty() {
        return Ok(None);
    }
    let value: Box<RawValue> = serde_json::from_str(json).map_err(|_| CodecError::Payload)?;
    if value.get().starts_with('{') { Ok(Some(value)) } else { Err(CodecError::Payload) }
}

fn event(json: &str, ack: Option<u64>) -> Result<PacketBody, CodecError> {
    let mut elements: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| CodecError::Payload)?;
    if elements.is_empty() {
        return Err(CodecError::Payload);
    }
    let name = name_of(elements.remove(0))?;
    let args = elements.into_iter().map(ToOwned::to_owned).collect();
    Ok(PacketBody::Event { name, args, ack })
}

/// The name of an event. The reference decoder accepts numbers as names too, and half an emoji, which
/// JavaScript writes as `\ud83d`: text in Rust has U+FFFD in its place.
fn name_of(element: &RawValue) -> Result<String, CodecError> {
    let text = element.get();
    let name = match text.as_bytes().first() {
        Some(b'"') => lossy_text(text)?,
        Some(b'-' | b'0'..=b'9') => text.to_owned(),
        _ => return Err(CodecError::Payload),
    };
    if RESERVED.contains(&name.as_str()) { Err(CodecError::ReservedName) } else { Ok(name) }
}

/// A JSON string. As bytes, it may contain lone surrogates.
fn lossy_text(json: &str) -> Result<String, CodecError> {
    let text: serde_bytes::ByteBuf = serde_json::from_str(json).map_err(|_| CodecError::Payload)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn answer(json: &str, id: Option<u64>) -> Result<PacketBody, CodecError> {
    let _: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| CodecError::Payload)?;
    id.map(|_| PacketBody::Ack).ok_or(CodecError::AckId)
}
