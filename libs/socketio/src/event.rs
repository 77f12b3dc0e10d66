//! Events as clients send them.

use bytes::Bytes;
use serde_json::value::RawValue;

/// An event as a client sent it.
#[derive(Debug, Clone)]
pub struct ClientEvent {
    /// Name of the event.
    pub name: String,
    /// Arguments: valid JSON that nobody has read yet. In a binary event a `{"_placeholder":true,"num":n}`
    /// stands for the attachment with that number; the reader checks that it exists.
    pub args: Vec<Box<RawValue>>,
    /// Number for the answer, if the client wants one: see [`Socket::ack`](crate::Socket::ack).
    pub ack: Option<AckId>,
    /// The attachments of a binary event, else empty.
    pub attachments: Vec<Bytes>,
}

/// The number under which a client waits for an answer to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AckId(pub u64);
