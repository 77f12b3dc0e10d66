//! Every byte that crosses a process boundary, and the rules that a value must meet.
//!
//! The crate turns what a client or a neighbouring process sent into typed ids, commands, events and
//! documents. It does no I/O. Between processes the encoding is MessagePack with field names ([`codec`]);
//! towards clients it is JSON ([`client`]). Fields may be added, because a reader ignores fields that it does
//! not know. A change of meaning needs a new [`codec::VERSION`].

pub mod blocks;
pub mod change;
pub mod client;
pub mod codec;
pub mod command;
pub mod content;
pub mod dead_letters;
pub mod document;
pub mod drafts;
mod due;
pub mod erasure;
pub mod error;
pub mod event;
pub mod fingerprint;
pub mod frame;
pub mod free_form;
pub mod group;
pub mod hello;
pub mod id;
pub mod inbox;
pub mod language;
pub mod mail;
pub mod mentions;
pub mod outbound;
pub mod pairing;
pub mod participants;
pub mod person;
pub mod preferences;
pub mod presence;
pub mod push;
pub mod quote;
pub mod reply;
pub mod reports;
pub mod reshard;
pub mod schedule;
pub mod scheduled;
mod schema;
pub mod search;
pub mod sends;
pub mod timestamp;
pub mod trace;
pub mod unsubscribe;
pub mod uploads;
pub mod wording;

pub use error::{ErrorBody, ErrorCode};
pub use id::{
    AttachmentId, CommandId, EventId, GatewayId, MessageId, NotificationId, PushDeviceId, ScheduledId,
    SendId, ThreadId, UserId,
};
pub use mail::MailAddress;
pub use participants::Participants;
pub use timestamp::Timestamp;
pub use trace::TraceContext;
