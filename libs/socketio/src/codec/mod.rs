//! The two packet formats, as pure functions: text in, packet out, and back.
//!
//! Nothing here knows of connections. Every decoder takes bytes of a stranger: it allocates no more than a
//! small multiple of its input, never panics, and says what is wrong ([`CodecError`]).

pub mod attachments;
pub mod engine;
pub mod socket;

use thiserror::Error;

/// What is wrong with bytes that came from a client.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum CodecError {
    /// There is no packet.
    #[error("empty packet")]
    Empty,
    /// A client may not send a packet of this type.
    #[error("unknown packet type")]
    UnknownType,
    /// A binary packet is not valid base64.
    #[error("invalid base64")]
    Base64,
    /// A payload has more packets than allowed.
    #[error("too many packets in one payload")]
    TooManyPackets,
    /// The number of attachments is missing, malformed or more than allowed.
    #[error("invalid number of attachments")]
    Attachments,
    /// The number of an acknowledgement does not fit.
    #[error("invalid acknowledgement id")]
    AckId,
    /// The JSON is malformed, or not of the form this type of packet needs.
    #[error("invalid payload")]
    Payload,
    /// The event has a name that belongs to the protocol's implementations.
    #[error("reserved event name")]
    ReservedName,
    /// Text came where an attachment was due, or an attachment without a packet it belongs to.
    #[error("attachments and packets out of order")]
    OutOfOrder,
    /// The attachments of one packet are larger than allowed.
    #[error("attachments too large")]
    TooLarge,
}
