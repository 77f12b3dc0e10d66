//! Events: what a server tells a socket. Each is a type with its event name.

mod blocks;
mod messages;
mod name;
mod own;
mod people;
mod receipts;
mod session;
mod threads;

pub use blocks::BlockUpdated;
pub use messages::{
    Echo, MessageDeleted, MessageError, MessagePinned, MessageQueued, MessageReceived, MessageSent,
    MessageUpdated, ReactionReceived,
};
pub use name::ServerEvent;
pub use own::{
    DraftUpdated, NotificationAction, NotificationUpdated, PreferencesUpdated, PresenceChosen,
    ScheduledUpdated,
};
pub use people::{NotificationReceived, PresenceSync, PresenceUpdate};
pub use receipts::{MessageReadUpdate, MessageStatusUpdate};
pub use session::{AuthError, AuthSuccess, ConnectErrorData, EventError, SessionEnded};
pub use threads::{ChangedThread, MembersAdded, ThreadCreated, ThreadLeft, ThreadUpdated, TypingUpdate};
