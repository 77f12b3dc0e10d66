//! Packets to clients: encoded once, shared by all the sockets that they go to.
//!
//! A [`Packet`] holds the finished text including the Engine.IO type byte, so sending it to one more socket
//! costs a reference count. Recovery: each event carries an [`Offset`], a trailing string argument that the
//! client remembers and presents when it comes back. The offset belongs to the packet, not to the socket: it
//! comes from a counter in the [`Encoder`].

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use rand::RngCore as _;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::budget::Budget;
use crate::codec::socket::{self, PacketKind};
use crate::offset::{Epoch, Offset};

/// What a kept packet takes beside its text: three allocations with their counters.
const KEPT_BYTES: usize = 160;

/// An encoded packet. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Packet(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    text: Utf8Bytes,
    attachments: Box<[Bytes]>,
    offset: Option<Offset>,
    /// While sessions keep it: what they share, so that it is counted once.
    kept: Mutex<Weak<KeptPacket>>,
}

/// A packet that sessions keep. They share it, and it counts against the budget until the last of them has
/// forgotten it.
#[derive(Debug)]
pub(crate) struct KeptPacket {
    pub(crate) packet: Packet,
    /// When the first session began to keep it.
    pub(crate) at: Instant,
    budget: Arc<Budget>,
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
        let attachments = attachments.into_boxed_slice();
        Self(Arc::new(Encoded { text, attachments, offset, kept: Mutex::default() }))
    }

    /// The packet as sessions keep it, counted against the budget as long as one does.
    pub(crate) fn keep(&self, budget: &Arc<Budget>) -> Arc<KeptPacket> {
        let mut shared = self.0.kept.lock();
        shared.upgrade().unwrap_or_else(|| {
            let kept = KeptPacket::new(self.clone(), budget);
            *shared = Arc::downgrade(&kept);
            kept
        })
    }

    pub(crate) fn frame(&self) -> Utf8Bytes {
        self.0.text.clone()
    }

    pub(crate) fn attachments(&self) -> &[Bytes] {
        &self.0.attachments
    }

    /// How many packets of a polling payload it becomes: each attachment is one of its own.
    pub(crate) fn parts(&self) -> usize {
        usize::from(!self.0.text.is_empty()) + self.0.attachments.len()
    }

    /// The first `parts` parts, and the rest as a packet of attachments alone. There have to be more.
    pub(crate) fn split_at(&self, parts: usize) -> (Self, Self) {
        let attachments = parts - usize::from(!self.0.text.is_empty());
        let (first, rest) = self.0.attachments.split_at(attachments);
        (
            Self::new(self.0.text.clone(), first.to_vec(), self.0.offset),
            Self::new(Utf8Bytes::default(), rest.to_vec(), None),
        )
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

impl KeptPacket {
    /// Counts the packet from now on.
    fn new(packet: Packet, budget: &Arc<Budget>) -> Arc<Self> {
        let kept = Arc::new(Self { packet, at: Instant::now(), budget: Arc::clone(budget) });
        budget.add(kept.bytes());
        kept
    }

    /// What it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.packet.len() + KEPT_BYTES
    }
}

impl Drop for KeptPacket {
    fn drop(&mut self) {
        self.budget.subtract(self.bytes());
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
    #[test]
    fn a_packet_counts_once_until_the_last_session_forgets_it() {
        let budget = Budget::new(crate::config::Recovery::default(), Arc::default());
        let packet = Encoder::new().event("n", &"x".repeat(100)).unwrap();
        let first = packet.keep(&budget);
        let second = packet.clone().keep(&budget);
        assert_eq!(budget.used(), packet.len() + KEPT_BYTES);
        drop(first);
        assert_eq!(budget.used(), packet.len() + KEPT_BYTES);
        drop(second);
        assert_eq!(budget.used(), 0);
        let again = packet.keep(&budget);
        assert_eq!(budget.used(), again.bytes());
    }
}
