//! Events: what a server tells a socket. Each is a type with its event name.

mod messages;
mod people;
mod receipts;
mod session;
mod threads;

pub use messages::{
    Echo, MessageDeleted, MessageError, MessageQueued, MessageReceived, MessageSent, MessageUpdated,
    ReactionReceived,
};
pub use people::{NotificationReceived, PresenceSync, PresenceUpdate};
pub use receipts::{MessageReadUpdate, MessageStatusUpdate};
pub use session::{AuthError, AuthSuccess, ConnectErrorData, EventError};
pub use threads::{ChangedThread, ThreadCreated, ThreadUpdated, TypingUpdate};

use crate::client::answers::SyncAnswer;
use serde::Serialize;

/// The only argument of an event that a server sends.
pub trait ServerEvent: Serialize {
    /// The event's name, e.g. `message:received`.
    const NAME: &'static str;
}

impl ServerEvent for SyncAnswer {
    const NAME: &'static str = "sync";
}
