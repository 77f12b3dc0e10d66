//! What happened, on its way from the persistence worker over the fan-out worker and a gateway to sockets.
//!
//! An event's id follows from what was stored, so announcing it again is recognised by whoever acts on it. An event never
//! carries the list of its recipients: membership is looked up where it is needed.

use crate::document::{Message, Thread};
use crate::{EventId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Something that happened in a thread.
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
}

impl Event {
    /// Its identity: the same however often it is announced.
    pub fn id(&self) -> EventId {
        match self {
            Self::ThreadCreated { thread } => EventId::thread_created(thread.id),
            Self::MessageStored { message, .. } => EventId::message_stored(message.id),
        }
    }

    /// The thread it belongs to; its participants hear of it.
    pub fn thread_id(&self) -> ThreadId {
        match self {
            Self::ThreadCreated { thread } => thread.id,
            Self::MessageStored { message, .. } => message.thread_id,
        }
    }

    /// When the ingress accepted what caused it.
    pub fn accepted_at(&self) -> Timestamp {
        match self {
            Self::ThreadCreated { thread } => thread.created_at,
            Self::MessageStored { message, .. } => message.created_at,
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
    /// Whose participants hear it.
    pub thread_id: ThreadId,
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
}

/// Everybody in a thread, sorted; cheap to share.
pub type Participants = std::sync::Arc<[UserId]>;
