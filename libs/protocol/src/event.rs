//! Events: what happened, on the way from the persistence worker over the fan-out worker and a gateway to
//! sockets.
//!
//! An event's id follows from what was stored or from the command that caused it, so whoever acts on an event
//! recognises it when it is announced again. An event never carries the list of its recipients: whoever needs
//! them looks the membership up.

mod audience;
mod gateway;
mod meaning;

pub use self::audience::{Audience, CameBack};
pub use self::gateway::{DeliveredMessage, GatewayEvent, Unquoted};
use crate::change::{Cursor, Effect, Receipted};
use crate::codec::{self, CodecError};
use crate::document::{Message, Thread, ThreadStatus};
use crate::drafts::Draft;
use crate::frame::Envelope;
use crate::group::Group;
use crate::inbox::{Notification, NotificationChange, Preferences};
use crate::person::Revocation;
use crate::scheduled::ScheduledMessage;
use crate::{CommandId, EventId, GatewayId, NotificationId, ThreadId, Timestamp, TraceContext, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "most events are stored messages, which are the largest")]
pub enum Event {
    /// A thread was created.
    ThreadCreated {
        /// The thread as it is stored.
        thread: Thread,
        /// The thread existed: somebody who had left it came back, or people were added.
        #[serde(default)]
        back: Option<CameBack>,
    },
    /// A person has left a thread, or was removed from it.
    ParticipantLeft {
        /// The thread.
        thread_id: ThreadId,
        /// Who is not in it any more.
        user_id: UserId,
        /// Who removed them; `None` if they left.
        #[serde(default)]
        removed_by: Option<UserId>,
        /// How many people are in the thread now.
        participant_count: u64,
        /// The command that caused the event.
        command: CommandId,
        /// When the ingress accepted the command.
        at: Timestamp,
    },
    /// People were added to a group.
    MembersAdded {
        /// The group.
        thread_id: ThreadId,
        /// Who was added.
        added: Vec<UserId>,
        /// The group as it is now.
        group: Group,
        /// Who added them.
        by: UserId,
        /// How many people are in the thread now.
        participant_count: u64,
        /// The command that caused the event.
        command: CommandId,
        /// When the ingress accepted the command.
        at: Timestamp,
    },
    /// A group has another name, another picture or other owners.
    GroupChanged {
        /// The group's thread.
        thread_id: ThreadId,
        /// The group as it is now.
        group: Group,
        /// The command that caused the event.
        command: CommandId,
        /// When the ingress accepted the command.
        at: Timestamp,
    },
    /// A message was stored.
    MessageStored {
        /// The message as it is stored.
        message: Message,
        /// A process that died stored the message and may have announced it already.
        #[serde(default)]
        repeated: bool,
    },
    /// A message was edited, taken back or reacted to.
    MessageChanged {
        /// The message as it is now.
        message: Box<Message>,
        /// What happened to it.
        effect: Effect,
        /// Who changed it.
        by: UserId,
        /// The emoji, if the change was a reaction.
        emoji: Option<String>,
        /// Whom an edit mentions who was not mentioned before it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentioned: Vec<UserId>,
        /// The command that caused the event.
        command: CommandId,
        /// When the ingress accepted the command.
        at: Timestamp,
    },
    /// A person's delivered or read cursor in a thread rose.
    CursorAdvanced {
        /// The thread.
        thread_id: ThreadId,
        /// The person.
        user_id: UserId,
        /// Which of the person's cursors rose.
        cursor: Cursor,
        /// Where the cursor is now.
        up_to: u64,
        /// The newest messages whose receipts changed.
        messages: Vec<Receipted>,
        /// The command that caused the event.
        command: CommandId,
        /// When the ingress accepted the command.
        at: Timestamp,
    },
    /// A thread looks different to one person.
    ThreadChanged {
        /// The thread.
        thread_id: ThreadId,
        /// The person.
        user_id: UserId,
        /// How many messages are left to read, if that changed.
        unread_count: Option<u64>,
        /// Whether listings show the thread, if that changed.
        status: Option<ThreadStatus>,
        /// The command that caused the event.
        command: CommandId,
        /// When the ingress accepted the command.
        at: Timestamp,
    },
    /// A person has blocked somebody, or has ended that. The one who is blocked hears nothing of it.
    BlockChanged {
        /// Who blocks.
        user_id: UserId,
        /// Who is blocked.
        other: UserId,
        /// Whether the block holds now.
        is_blocked: bool,
        /// The threads that are away for who blocks while it holds.
        threads: Vec<ThreadId>,
        /// The command that caused the event.
        command: CommandId,
        /// When the ingress accepted the command.
        at: Timestamp,
    },
    /// A person has saved or deleted a draft on one of their devices.
    DraftSaved {
        /// The draft as it is stored.
        draft: Box<Draft>,
        /// The command that caused the event.
        command: CommandId,
        /// When the ingress accepted the command.
        at: Timestamp,
    },
    /// A message waits for its time, was changed, or waits no more.
    ScheduledChanged {
        /// The scheduled message as it is kept.
        scheduled: Box<ScheduledMessage>,
        /// The command that caused the event.
        command: CommandId,
        /// When the ingress accepted the command, or the message was sent.
        at: Timestamp,
    },
    /// A notification is in somebody's inbox.
    NotificationStored {
        /// The notification as it is stored.
        notification: Box<Notification>,
        /// How many notifications its owner has not read by now; `None` if the store could not say.
        #[serde(default)]
        unread_count: Option<u64>,
    },
    /// A person has read or deleted notifications.
    NotificationsChanged {
        /// The owner.
        user_id: UserId,
        /// The notification; `None` for all that were stored before `at`.
        notification_id: Option<NotificationId>,
        /// What happened to them.
        change: NotificationChange,
        /// How many notifications the owner has not read by now; `None` if the store could not say.
        unread_count: Option<u64>,
        /// The command that caused the event.
        command: CommandId,
        /// When the ingress accepted the command.
        at: Timestamp,
    },
    /// The decision tells a person of a thread by e-mail or push, of which the fan-out stage does not know:
    /// it took the person for connected. No client hears of it, and nobody stores it.
    ToldOutside {
        /// The thread.
        thread_id: ThreadId,
        /// The person.
        user_id: UserId,
        /// A fresh id, since no command caused the event.
        command: CommandId,
        /// When it was decided.
        at: Timestamp,
    },
    /// A person has set how they want to be notified.
    PreferencesChanged {
        /// The person.
        user_id: UserId,
        /// The preferences as they are stored.
        preferences: Box<Preferences>,
        /// The command that caused the event.
        command: CommandId,
    },
    /// A person has chosen on one device how they want to be seen, for all their devices. Nobody stores it.
    PresenceChosen {
        /// The person.
        user_id: UserId,
        /// Whether they want to be shown as away although active.
        wants_away: bool,
        /// A fresh id, since no command caused the event.
        command: CommandId,
        /// When the gateway heard of it.
        at: Timestamp,
    },
    /// Somebody types, or has stopped. Nobody stores it, and it is worth nothing after [`TYPING_LIFE`].
    Typing {
        /// The thread.
        thread_id: ThreadId,
        /// The person.
        user_id: UserId,
        /// Whether the person types.
        is_typing: bool,
        /// A fresh id, since no command caused the event.
        command: CommandId,
        /// When the gateway heard of it.
        at: Timestamp,
    },
    /// A gateway cannot tell the registry who is connected to it. No client hears of it, and nobody stores
    /// it: for a while the fan-out stage sends everything to every gateway.
    GatewayUnlisted {
        /// The gateway.
        gateway: GatewayId,
        /// A fresh id, since no command caused the event.
        command: CommandId,
        /// When the gateway found out.
        at: Timestamp,
    },
    /// Credentials no longer hold: gateways close the sockets that stand on them.
    Revoked {
        /// The credentials.
        revocation: Revocation,
        /// The command that caused the event.
        command: CommandId,
    },
}

/// How long a typing signal holds. Published clients repeat it at every key and stop after 3 s.
pub const TYPING_LIFE: Duration = Duration::from_secs(6);

impl Event {
    /// The event's id: the same however often the event is announced.
    pub fn id(&self) -> EventId {
        match self {
            Self::ThreadCreated { thread, back: None } => EventId::thread_created(thread.id),
            Self::ThreadCreated { back: Some(back), .. } => EventId::caused_by(back.command, "came back"),
            Self::ParticipantLeft { command, .. } => EventId::caused_by(*command, "participant left"),
            Self::MembersAdded { command, .. } => EventId::caused_by(*command, "members added"),
            Self::GroupChanged { command, .. } => EventId::caused_by(*command, "group changed"),
            Self::MessageStored { message, .. } => EventId::message_stored(message.id),
            Self::MessageChanged { command, .. } => EventId::caused_by(*command, "message changed"),
            Self::CursorAdvanced { command, .. } => EventId::caused_by(*command, "cursor advanced"),
            // One command changes a thread for several people if it takes back what they have not read.
            Self::ThreadChanged { command, user_id, .. } => {
                EventId::caused_by(*command, &format!("thread changed for {user_id}"))
            }
            Self::BlockChanged { command, .. } => EventId::caused_by(*command, "block changed"),
            Self::DraftSaved { command, .. } => EventId::caused_by(*command, "draft saved"),
            // One command may end a message twice: it was not sent, and then it was stored after all.
            Self::ScheduledChanged { command, scheduled, .. } => {
                EventId::caused_by(*command, &format!("scheduled message {}", scheduled.state.name()))
            }
            Self::NotificationStored { notification, .. } => EventId::notification_stored(notification.id),
            // One command reads several notifications if it reads the thread that they are about.
            Self::NotificationsChanged { command, notification_id: Some(id), .. } => {
                EventId::caused_by(*command, &format!("notification {id} changed"))
            }
            Self::NotificationsChanged { command, notification_id: None, .. } => {
                EventId::caused_by(*command, "notifications changed")
            }
            Self::ToldOutside { command, .. } => EventId::caused_by(*command, "told outside"),
            Self::PreferencesChanged { command, .. } => EventId::caused_by(*command, "preferences changed"),
            Self::PresenceChosen { command, .. } => EventId::caused_by(*command, "presence chosen"),
            Self::Typing { command, .. } => EventId::caused_by(*command, "typing"),
            Self::GatewayUnlisted { command, .. } => EventId::caused_by(*command, "gateway unlisted"),
            Self::Revoked { command, .. } => EventId::caused_by(*command, "revoked"),
        }
    }

    /// The event on its way to the fan-out stage, under its own id.
    pub fn envelope(&self, trace: Option<TraceContext>) -> Result<Envelope, CodecError> {
        Ok(Envelope { id: self.id().0, attempt: 0, body: codec::encode(self)?, trace })
    }

    /// Who hears of the event.
    pub fn audience(&self) -> Audience {
        match self {
            Self::ThreadCreated { thread, .. } => Audience::Thread(thread.id),
            Self::ParticipantLeft { thread_id, .. }
            | Self::MembersAdded { thread_id, .. }
            | Self::GroupChanged { thread_id, .. } => Audience::Thread(*thread_id),
            Self::MessageStored { message, .. } => Audience::Thread(message.thread_id),
            Self::MessageChanged { message, .. } => Audience::Thread(message.thread_id),
            Self::CursorAdvanced { thread_id, .. } | Self::Typing { thread_id, .. } => {
                Audience::Thread(*thread_id)
            }
            Self::ThreadChanged { user_id, .. }
            | Self::BlockChanged { user_id, .. }
            | Self::NotificationsChanged { user_id, .. }
            | Self::PreferencesChanged { user_id, .. }
            | Self::PresenceChosen { user_id, .. } => Audience::User(user_id.clone()),
            Self::DraftSaved { draft, .. } => Audience::User(draft.user_id.clone()),
            Self::ScheduledChanged { scheduled, .. } => Audience::User(scheduled.message.sender_id.clone()),
            Self::NotificationStored { notification, .. } => Audience::User(notification.user_id.clone()),
            Self::Revoked { .. } | Self::ToldOutside { .. } | Self::GatewayUnlisted { .. } => {
                Audience::Gateways
            }
        }
    }

    /// When the ingress accepted what caused it.
    pub fn accepted_at(&self) -> Timestamp {
        match self {
            Self::ThreadCreated { thread, back } => back.map_or(thread.created_at, |back| back.at),
            Self::MessageStored { message, .. } => message.created_at,
            Self::NotificationStored { notification, .. } => notification.created_at,
            Self::PreferencesChanged { preferences, .. } => preferences.updated_at.unwrap_or_default(),
            Self::Revoked { revocation, .. } => revocation.at,
            Self::MessageChanged { at, .. }
            | Self::CursorAdvanced { at, .. }
            | Self::ThreadChanged { at, .. }
            | Self::BlockChanged { at, .. }
            | Self::DraftSaved { at, .. }
            | Self::ScheduledChanged { at, .. }
            | Self::NotificationsChanged { at, .. }
            | Self::ToldOutside { at, .. }
            | Self::PresenceChosen { at, .. }
            | Self::ParticipantLeft { at, .. }
            | Self::MembersAdded { at, .. }
            | Self::GroupChanged { at, .. }
            | Self::Typing { at, .. }
            | Self::GatewayUnlisted { at, .. } => *at,
        }
    }
}
