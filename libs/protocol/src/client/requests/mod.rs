//! Requests: the body of a REST request (`…Body`), and the argument of an event that a client sends
//! (`…Event`).
//!
//! A value of one of these types is well formed: contents are clean, everything is bounded. Whether the user
//! may do what it asks for is not decided here.

mod dead_letters;
mod drafts;
mod groups;
mod messages;
mod notifications;
mod notify;
mod ops;
mod people;
mod push;
mod reports;
mod scheduled;
mod sync;
mod threads;

pub use dead_letters::{DiscardBody, EditLetterBody, LETTERS_MAX, LetterFilterBody, ReplayBody, RevealBody};
pub use drafts::{DraftBody, DraftEvent, Revision};
pub use groups::{AddMembersBody, ChangeGroupBody, GroupBody, RoleBody};
pub use messages::{
    EditMessageBody, EditMessageEvent, MessageEvent, ReactionBody, ReactionEvent, ReadMessageEvent,
    SendMessageBody, SendMessageEvent,
};
pub use notifications::{
    ChannelsBody, ChannelsByKind, DigestBody, MuteBody, MuteEndBody, PreferencesBody, QuietHoursBody,
};
pub use notify::{ChannelWord, NOTIFIED_MAX, NotificationBody, PriorityWord, RecipientsBody, SegmentBody};
pub use ops::DisconnectBody;
pub use people::{
    ASKED_MAX, AuthEvent, EraseBody, HandshakeAuth, PresenceChoice, PresenceSyncEvent, PresenceUpdateEvent,
    ProfileBody, RevocationBody,
};
pub use push::{DeviceBody, SubscriptionBody, SubscriptionKeys};
pub use reports::{HandledBody, ReportBody};
pub use scheduled::{ScheduledBody, planned};
pub use sync::{SYNCED_MESSAGES_MAX, SYNCED_THREADS_MAX, SyncEvent, SyncLimit, SyncPlace};
pub use threads::{
    CreateThreadBody, PARTICIPANTS_MAX, ReadThreadBody, Seq, ThreadEvent, UnreadThreadBody, UnreadThreadEvent,
};

#[cfg(test)]
mod tests;
