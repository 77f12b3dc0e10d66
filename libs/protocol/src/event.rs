//! What happened, on its way from the persistence worker over the fan-out worker and a gateway to sockets.
//!
//! An event's id follows from what was stored or from the command that caused it, so announcing it again is recognised by whoever
//! acts on it. An event never carries the list of its recipients: membership is looked up where it is needed.

use crate::change::{Cursor, Effect, Receipted};
use crate::document::{Identified as _, Message, Thread, ThreadStatus};
use crate::inbox::Notification;
use crate::person::Revocation;
use crate::{CommandId, EventId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A conversation exists now.
    ThreadCreated {
        /// As stored.
        thread: Thread,
    },
    /// Something was said and is stored.
    MessageStored {
        /// As stored.
        message: Message,
        /// It was stored by a process that died, which may have announced it already.
        #[serde(default)]
        repeated: bool,
    },
    /// A message was edited, taken back or reacted to.
    MessageChanged {
        /// As it is now.
        message: Box<Message>,
        /// What happened.
        effect: Effect,
        /// Who did it.
        by: UserId,
        /// The sign, if it was a reaction.
        emoji: Option<String>,
        /// What caused it.
        command: CommandId,
        /// When it was accepted.
        at: Timestamp,
    },
    /// Somebody has got or read a thread further.
    CursorAdvanced {
        /// Where.
        thread_id: ThreadId,
        /// Who.
        user_id: UserId,
        /// Which cursor.
        cursor: Cursor,
        /// Where it is now.
        up_to: u64,
        /// Newest messages whose receipts changed.
        messages: Vec<Receipted>,
        /// What caused it.
        command: CommandId,
        /// When it was accepted.
        at: Timestamp,
    },
    /// A thread looks different to one person.
    ThreadChanged {
        /// Which.
        thread_id: ThreadId,
        /// To whom.
        user_id: UserId,
        /// What is left to read, if that changed.
        unread_count: Option<u64>,
        /// Whether it is shown, if that changed.
        status: Option<ThreadStatus>,
        /// What caused it.
        command: CommandId,
        /// When it was accepted.
        at: Timestamp,
    },
    /// Somebody was told something.
    NotificationStored {
        /// As stored.
        notification: Box<Notification>,
    },
    /// Somebody types, or has stopped. Not stored; worth nothing after [`TYPING_LIFE_MS`].
    Typing {
        /// Where.
        thread_id: ThreadId,
        /// Who.
        user_id: UserId,
        /// Whether they type.
        is_typing: bool,
        /// A fresh id.
        command: CommandId,
        /// When.
        at: Timestamp,
    },
    /// Credentials no longer hold: sockets that stand on them are to be closed.
    Revoked {
        /// Which.
        revocation: Revocation,
        /// What caused it.
        command: CommandId,
    },
}

/// How long a typing signal holds, in milliseconds. Published clients repeat it at every key and stop after 3 s.
pub const TYPING_LIFE_MS: i64 = 6_000;

/// Who hears of something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub enum Audience {
    /// The participants of a thread.
    Thread(ThreadId),
    /// One person.
    User(UserId),
    /// Sockets that look at this person.
    Watchers(UserId),
    /// No client: gateways act on it themselves.
    Gateways,
}

impl Event {
    /// Its identity: the same however often it is announced.
    pub fn id(&self) -> EventId {
        match self {
            Self::ThreadCreated { thread } => EventId::thread_created(thread.id),
            Self::MessageStored { message, .. } => EventId::message_stored(message.id),
            Self::MessageChanged { command, .. } => EventId::caused_by(*command, "message changed"),
            Self::CursorAdvanced { command, .. } => EventId::caused_by(*command, "cursor advanced"),
            Self::ThreadChanged { command, .. } => EventId::caused_by(*command, "thread changed"),
            Self::NotificationStored { notification } => EventId::notification_stored(notification.id),
            Self::Typing { command, .. } => EventId::caused_by(*command, "typing"),
            Self::Revoked { command, .. } => EventId::caused_by(*command, "revoked"),
        }
    }

    /// Who hears of it.
    pub fn audience(&self) -> Audience {
        match self {
            Self::ThreadCreated { thread } => Audience::Thread(thread.id),
            Self::MessageStored { message, .. } => Audience::Thread(message.thread_id),
            Self::MessageChanged { message, .. } => Audience::Thread(message.thread_id),
            Self::CursorAdvanced { thread_id, .. } | Self::Typing { thread_id, .. } => {
                Audience::Thread(*thread_id)
            }
            Self::ThreadChanged { user_id, .. } => Audience::User(user_id.clone()),
            Self::NotificationStored { notification } => Audience::User(notification.user_id.clone()),
            Self::Revoked { .. } => Audience::Gateways,
        }
    }

    /// When the ingress accepted what caused it.
    pub fn accepted_at(&self) -> Timestamp {
        match self {
            Self::ThreadCreated { thread } => thread.created_at,
            Self::MessageStored { message, .. } => message.created_at,
            Self::NotificationStored { notification } => notification.created_at,
            Self::Revoked { revocation, .. } => revocation.at,
            Self::MessageChanged { at, .. }
            | Self::CursorAdvanced { at, .. }
            | Self::ThreadChanged { at, .. }
            | Self::Typing { at, .. } => *at,
        }
    }
}

/// An event on its way to one gateway, already in the form its sockets get.
///
/// The client's JSON is written once by the fan-out worker and shared by every gateway and socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event; a gateway delivers each id once.
    pub event_id: EventId,
    /// Who hears it.
    pub audience: Audience,
    /// The client event's name, e.g. `message:received`.
    pub name: String,
    /// The client event's only argument, as JSON text.
    pub payload: String,
    /// When the ingress accepted what caused the event.
    #[serde(default)]
    pub accepted_at: Timestamp,
    /// A process that died may have delivered it already.
    #[serde(default)]
    pub repeated: bool,
    /// Participants of the thread may have changed: forget what is cached of it.
    #[serde(default)]
    pub membership_changed: bool,
    /// Only worth something now: not kept for sockets that are away.
    #[serde(default)]
    pub ephemeral: bool,
    /// Somebody of the audience who does not hear it (who types need not be told).
    #[serde(default)]
    pub except: Option<UserId>,
    /// For a message: what a receipt of its delivery needs.
    #[serde(default)]
    pub message: Option<DeliveredMessage>,
    /// For [`Audience::Gateways`].
    #[serde(default)]
    pub revocation: Option<Revocation>,
}

/// What a gateway has to know of a message to say that it was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredMessage {
    /// Its place.
    pub seq: u64,
    /// Who needs no receipt.
    pub sender_id: UserId,
}

/// What clients hear of a stored message: the event's name and its argument as JSON text.
pub fn received(message: &Message) -> Result<(&'static str, String), serde_json::Error> {
    Ok(("message:received", format!("{{\"message\":{}}}", message.shown_text()?)))
}

impl Delivery {
    /// A delivery of this event to this audience, with nothing special about it.
    pub fn new(
        event_id: EventId,
        audience: Audience,
        name: &str,
        payload: String,
        accepted_at: Timestamp,
    ) -> Self {
        Self {
            event_id,
            audience,
            name: name.to_owned(),
            payload,
            accepted_at,
            repeated: false,
            membership_changed: false,
            ephemeral: false,
            except: None,
            message: None,
            revocation: None,
        }
    }
}

/// Everybody in a thread, sorted; cheap to share.
pub type Participants = std::sync::Arc<[UserId]>;
