//! Packets to clients: encoded once, shared by all the sockets that they go to.
//!
//! A [`Packet`] holds the finished text including the Engine.IO type byte, so sending it to one more socket
//! costs a reference count. Recovery: each event carries an [`Offset`], a trailing string argument that the
//! client remembers and presents when it comes back. The offset belongs to the packet, not to the socket: it
//! comes from a counter in the [`Encoder`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use rand::RngCore as _;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::codec::socket::{self, PacketKind};
use crate::offset::{Epoch, Offset};

/// An encoded packet. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Packet(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    text: Utf8Bytes,
    attachments: Box<[Bytes]>,
    offset: Option<Offset>,
}

/// Makes packets for one namespace. Clones and [`Encoder::for_namespace`] share the counter of offsets; there
/// has to be one family of encoders per server.
#[derive(Debug, Clone)]
pub struct Encoder {
    namespace: Arc<str>,
    epoch: Epoch,
    last_position: Arc<AtomicU64>,
}

impl Packet {
    /// Size in bytes, including the attachments.
    pub fn len(&self) -> usize {
        self.0.text.len() + self.0.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    /// Always `false`: a packet has at least a type.
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

    /// Its place among the recoverable packets of its encoder. `None` if the packet is never replayed.
    pub fn offset(&self) -> Option<Offset> {
        self.0.offset
    }

    /// The same packet, sent beside the one at `position`. A packet without an offset stays as it is.
    pub(crate) fn beside(&self, position: u64) -> Self {
        let Some(offset) = self.0.offset else { return self.clone() };
        let new = offset.put_beside(position);
        let without = self.text().len() - ending(offset).len();
        let text = format!("{}{}", &self.text()[..without], ending(new));
        Self::new(text.into(), self.0.attachments.to_vec(), Some(new))
    }
}

/// How the text of an event with this offset ends.
fn ending(offset: Offset) -> String {
    format!("\"{offset}\"]")
}

impl Encoder {
    /// An encoder for the namespace `/` with a counter of its own.
    pub fn new() -> Self {
        Self {
            namespace: "/".into(),
            epoch: Epoch::of(rand::rng().next_u32()),
            last_position: Arc::default(),
        }
    }

    /// An encoder for another namespace of the same server.
    #[must_use]
    pub fn for_namespace(&self, namespace: &str) -> Self {
        Self {
            namespace: namespace.into(),
            epoch: self.epoch,
            last_position: Arc::clone(&self.last_position),
        }
    }

    /// The last offset given to a packet. Its position is 0 before the first packet.
    pub fn offset(&self) -> Offset {
        Offset { epoch: self.epoch, position: self.last_position.load(Relaxed), beside: 0 }
    }

    /// An event with one argument. It is replayed if the client misses it.
    pub fn event<T: Serialize + ?Sized>(
        &self,
        name: &str,
        argument: &T,
    ) -> Result<Packet, serde_json::Error> {
        let argument = serde_json::value::to_raw_value(argument)?;
        Ok(self.event_raw(name, &[&argument]))
    }

    /// An event with arguments that are JSON already. It is replayed if the client misses it.
    pub fn event_raw(&self, name: &str, arguments: &[&RawValue]) -> Packet {
        let offset = self.next_offset();
        let text = socket::encode_event(&self.namespace, name, arguments, Some(&offset.to_string()));
        Packet::new(text, Vec::new(), Some(offset))
    }

    /// An event with one argument for one client, outside the order of the packets on their way to it. It is
    /// replayed if the client misses it. Its offset repeats the position of whichever packet was emitted
    /// before it.
    pub fn event_beside<T: Serialize + ?Sized>(
        &self,
        name: &str,
        argument: &T,
    ) -> Result<Packet, serde_json::Error> {
        Ok(self.event(name, argument)?.beside(0))
    }

    /// An event with one argument that is worth nothing later: it has no offset and is never kept or
    /// replayed. The argument should not be a string, which a recovering client would take for an offset.
    pub fn ephemeral<T: Serialize + ?Sized>(
        &self,
        name: &str,
        argument: &T,
    ) -> Result<Packet, serde_json::Error> {
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
        let text = socket::encode(PacketKind::BinaryEvent(attachments.len()), &self.namespace, None, &all);
        Packet::new(text, attachments, None)
    }

    fn next_offset(&self) -> Offset {
        Offset { epoch: self.epoch, position: self.last_position.fetch_add(1, Relaxed) + 1, beside: 0 }
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_in_its_offset_and_an_ephemeral_one_does_not() {
        let encoder = Encoder::new();
        let event = encoder.event("a", &1).unwrap();
        assert_eq!(event.text(), format!(r#"42["a",1,"{}"]"#, encoder.offset()));
        assert_eq!(encoder.ephemeral("a", &1).unwrap().text(), r#"42["a",1]"#);
        let custom = encoder.for_namespace("/custom").event("a", "x").unwrap();
        assert_eq!(custom.text(), format!(r#"42/custom,["a","x","{}"]"#, encoder.offset()));
        assert_eq!(encoder.offset().position(), 2);
    }
}
