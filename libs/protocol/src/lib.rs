//! Every byte that crosses a process boundary, and the rules a value must meet to be one of ours.
//!
//! In comes what a client or a neighbouring process sent; out go typed ids, commands, events and documents. Nothing here does
//! I/O. Encoding is MessagePack with field names between processes ([`codec`]) and JSON towards clients ([`document`]).
//! Fields may be added (a reader ignores what it does not know); a change of meaning needs a new [`codec::VERSION`].

pub mod change;
pub mod client;
pub mod codec;
pub mod command;
pub mod content;
pub mod document;
pub mod error;
pub mod event;
pub mod fingerprint;
pub mod frame;
pub mod id;
pub mod inbox;
pub mod pairing;
pub mod person;
pub mod presence;
pub mod reply;
mod schema;
pub mod timestamp;
pub mod trace;

pub use error::{ErrorBody, ErrorCode};
pub use id::{CommandId, EventId, GatewayId, MessageId, NotificationId, ThreadId, UserId};
pub use timestamp::Timestamp;
pub use trace::TraceContext;
