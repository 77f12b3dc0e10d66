//! Engine.IO v4 packets: one type digit and data, over WebSocket one per message, over polling joined by
//! `\x1e`.
//!
//! <https://socket.io/docs/v4/engine-io-protocol/>. Only what a client may send is decoded; a binary message
//! is a WebSocket binary frame, or `b` and base64 in a polling payload.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::CodecError;
use crate::packet::Packet;

/// Stands between two packets of a polling payload.
const SEPARATOR: char = '\u{1e}';

/// Most packets in one polling payload. The size of the body bounds them too, but packets of two bytes would
/// take a large multiple of that in memory.
pub const MAX_PACKETS: usize = 16 * 1024;

/// A packet from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// `1`: the client closes the transport.
    Close,
    /// `2`, with its data: the probe of an upgrade.
    Ping(Utf8Bytes),
    /// `3`: the answer to a ping.
    Pong,
    /// `4`: a message, here without the type.
    Message(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// `5`: the end of an upgrade.
    Upgrade,
    /// `6`: a noop.
    Noop,
}

/// Reads one packet in its text form.
pub fn decode(text: &Utf8Bytes) -> Result<Inbound, CodecError> {
    let kind = text.as_bytes().first().ok_or(CodecError::Empty)?;
    match kind {
        b'1' => Ok(Inbound::Close),
        b'2' => Ok(Inbound::Ping(rest(text))),
        b'3' => Ok(Inbound::Pong),
        b'4' => Ok(Inbound::Message(rest(text))),
        b'5' => Ok(Inbound::Upgrade),
        b'6' => Ok(Inbound::Noop),
        _ => Err(CodecError::UnknownType),
    }
}

/// Reads the body of a polling POST.
pub fn decode_payload(body: &Utf8Bytes) -> Result<Vec<Inbound>, CodecError> {
    let mut packets = Vec::new();
    for part in body.split(SEPARATOR) {
        if packets.len() == MAX_PACKETS {
            return Err(CodecError::TooManyPackets);
        }
        packets.push(match part.strip_prefix('b') {
            Some(base64) => Inbound::Binary(STANDARD.decode(base64).map_err(|_| CodecError::Base64)?.into()),
            None => decode(&slice(body, part))?,
        });
    }
    Ok(packets)
}

/// Writes the body of a polling answer.
pub fn encode_payload(packets: &[Packet]) -> String {
    let mut body = String::with_capacity(packets.iter().map(|packet| packet.len() + 1).sum());
    for packet in packets {
        if !packet.text().is_empty() {
            separate(&mut body);
            body.push_str(packet.text());
        }
        for attachment in packet.attachments() {
            separate(&mut body);
            body.push('b');
            STANDARD.encode_string(attachment, &mut body);
        }
    }
    body
}

fn separate(body: &mut String) {
    if !body.is_empty() {
        body.push(SEPARATOR);
    }
}

/// The text without its one-byte type, sharing the allocation.
fn rest(text: &Utf8Bytes) -> Utf8Bytes {
    slice(text, &text[1..])
}

/// `part` of `whole`, sharing the allocation.
fn slice(whole: &Utf8Bytes, part: &str) -> Utf8Bytes {
    let bytes: &Bytes = whole.as_ref();
    Utf8Bytes::try_from(bytes.slice_ref(part.as_bytes())).expect("a part of a text at character boundaries")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_split_into_text_and_binary_packets() {
        let packets = decode_payload(&"4hello\u{1e}bAQIDBA==\u{1e}1".into()).unwrap();
        let expected = [
            Inbound::Message("hello".into()),
            Inbound::Binary(Bytes::from_static(&[1, 2, 3, 4])),
            Inbound::Close,
        ];
        assert_eq!(packets, expected);
    }

    #[test]
    fn a_payload_with_one_bad_packet_is_bad() {
        for (body, error) in [
            ("", CodecError::Empty),
            ("abc", CodecError::UnknownType),
            ("4a\u{1e}", CodecError::Empty),
            ("b*", CodecError::Base64),
            ("0{}", CodecError::UnknownType),
        ] {
            assert_eq!(decode_payload(&body.into()), Err(error), "{body:?}");
        }
    }

    #[test]
    fn a_payload_of_too_many_packets_is_refused() {
        let body = vec!["3"; MAX_PACKETS + 1].join("\u{1e}");
        assert_eq!(decode_payload(&body.into()), Err(CodecError::TooManyPackets));
    }
}
