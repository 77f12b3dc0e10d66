//! Packets to clients: encoded once, shared by all the sockets they go to.
//!
//! A [`Packet`] holds the finished text including the Engine.IO type byte, so sending it to one more socket costs a
//! reference count. For connection state recovery each event carries an offset, a trailing string argument that the
//! client remembers and presents when it comes back. The offset is a property of the packet, not of the socket: it
//! comes from a counter in the [`Encoder`], in base 36.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::codec::socket::{self, Kind};

/// An encoded packet. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Packet(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    text: Utf8Bytes,
    attachments: Box<[Bytes]>,
    offset: Option<Offset>,
}

/// Position of a packet in the stream of all recoverable packets of one encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offset(NonZeroU64);

/// Makes packets for one namespace. Clones and [`Encoder::for_namespace`] share the counter of offsets; there has to
/// be one family of encoders per server.
#[derive(Debug, Clone)]
pub struct Encoder {
    namespace: Arc<str>,
    last_offset: Arc<AtomicU64>,
}

impl Packet {
    /// Size in bytes, attachments included.
    pub fn len(&self) -> usize {
        self.0.text.len() + self.0.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    /// Never: a packet has at least a type.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The text as it goes over the wire, starting with the Engine.IO type.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    pub(crate) fn control(text: impl Into<Utf8Bytes>) -> Self {
        Self::new(text.into(), Vec::new(), None)
    }

    pub(crate) fn new(text: Utf8Bytes, attachments: Vec<Bytes>, offset: Option<Offset>) -> Self {
        Self(Arc::new(Encoded { text, attachments: attachments.into_boxed_slice(), offset }))
    }

    pub(crate) fn frame(&self) -> Utf8Bytes {
        self.0.text.clone()
    }

    pub(crate) fn attachments(&self) -> &[Bytes] {
        &self.0.attachments
    }

    pub(crate) fn offset(&self) -> Option<Offset> {
        self.0.offset
    }
}

impl Encoder {
    /// An encoder for the namespace `/` with a counter of its own.
    pub fn new() -> Self {
        Self { namespace: "/".into(), last_offset: Arc::default() }
    }

    /// An encoder for another namespace of the same server.
    #[must_use]
    pub fn for_namespace(&self, namespace: &str) -> Self {
        Self { namespace: namespace.into(), last_offset: Arc::clone(&self.last_offset) }
    }

    /// An event with one argument, to be replayed if the client misses it.
    pub fn event<T: Serialize + ?Sized>(&self, name: &str, argument: &T) -> Result<Packet, serde_json::Error> {
        let argument = serde_json::value::to_raw_value(argument)?;
        Ok(self.event_raw(name, &[&argument]))
    }

    /// An event with arguments that are JSON already, to be replayed if the client misses it.
    pub fn event_raw(&self, name: &str, arguments: &[&RawValue]) -> Packet {
        let offset = self.next_offset();
        let text = socket::encode_event(&self.namespace, name, arguments, Some(&offset.encode()));
        Packet::new(text, Vec::new(), Some(offset))
    }

    /// An event with one argument that is worth nothing later: it has no offset, is not kept and never replayed. The
    /// argument should not be a string, which a recovering client would take for an offset.
    pub fn ephemeral<T: Serialize + ?Sized>(&self, name: &str, argument: &T) -> Result<Packet, serde_json::Error> {
        let argument = serde_json::value::to_raw_value(argument)?;
        Ok(self.ephemeral_raw(name, &[&argument]))
    }

    /// [`Encoder::ephemeral`] with arguments that are JSON already; the last one should not be a string.
    pub fn ephemeral_raw(&self, name: &str, arguments: &[&RawValue]) -> Packet {
        let text = socket::encode_event(&self.namespace, name, arguments, None);
        Packet::new(text, Vec::new(), None)
    }

    /// An ephemeral event with attachments. The arguments refer to them as `{"_placeholder":true,"num":n}`.
    pub fn ephemeral_binary(&self, name: &str, arguments: &[&RawValue], attachments: Vec<Bytes>) -> Packet {
        let name = serde_json::value::to_raw_value(name).expect("a string is valid JSON");
        let mut all = vec![&*name];
        all.extend_from_slice(arguments);
        let text = socket::encode(Kind::BinaryEvent(attachments.len()), &self.namespace, None, &all);
        Packet::new(text, attachments, None)
    }

    fn next_offset(&self) -> Offset {
        let number = self.last_offset.fetch_add(1, Relaxed) + 1;
        Offset(NonZeroU64::new(number).expect("a counter of 64 bits does not come around"))
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Offset {
    /// Base 36, lower case.
    pub(crate) fn encode(self) -> String {
        let mut digits = Vec::with_capacity(13);
        let mut rest = self.0.get();
        while rest > 0 {
            let digit = u32::try_from(rest % 36).expect("less than 36");
            digits.push(char::from_digit(digit, 36).expect("a digit in base 36"));
            rest /= 36;
        }
        digits.iter().rev().collect()
    }

    /// Reads an offset as a client sent it.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        u64::from_str_radix(text, 36).ok().and_then(NonZeroU64::new).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_read_back_as_themselves() {
        for number in [1, 35, 36, 1_000_000, u64::MAX] {
            let offset = Offset(NonZeroU64::new(number).unwrap());
            assert_eq!(Offset::decode(&offset.encode()), Some(offset));
        }
        assert_eq!(Offset::decode("0"), None);
        assert_eq!(Offset::decode("ä"), None);
    }

    #[test]
    fn an_event_ends_in_its_offset_and_an_ephemeral_one_does_not() {
        let encoder = Encoder::new();
        assert_eq!(encoder.event("a", &1).unwrap().text(), r#"42["a",1,"1"]"#);
        assert_eq!(encoder.ephemeral("a", &1).unwrap().text(), r#"42["a",1]"#);
        let custom = encoder.for_namespace("/custom").event("a", "x").unwrap();
        assert_eq!(custom.text(), r#"42/custom,["a","x","2"]"#);
    }
}
