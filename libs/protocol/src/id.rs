//! Ids. A value of one of these types is well formed, because it was checked when it was made.
//!
//! Documents (threads, messages, notifications) have 12-byte object ids in hexadecimal, as the published
//! schema says; commands and events have UUIDs. A message's id is derived from its command's id, so storing
//! one command twice hits the same primary key.

mod user;

pub use user::{USER_ID_MAX_BYTES, USER_ID_RULE, UserId};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use uuid::Uuid;

/// Length of a document id in hexadecimal digits (a 12-byte `ObjectId`).
pub const OBJECT_ID_DIGITS: usize = 24;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is not 24 lower- or upper-case hexadecimal digits.
    #[error("a document id is 24 hexadecimal digits")]
    NotAnObjectId,
    /// The text is not what [`USER_ID_RULE`] says.
    #[error("{USER_ID_RULE}")]
    NotAUserId,
}

/// A 12-byte document id, written as 24 lower-case hexadecimal digits. `Kind` keeps ids of threads, messages
/// and notifications apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String", bound = "Kind: Clone")]
pub struct DocumentId<Kind> {
    bytes: [u8; 12],
    kind: PhantomData<fn() -> Kind>,
}

/// Marks ids of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfThread {}

/// Marks ids of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfMessage {}

/// Marks ids of notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfNotification {}

/// Marks ids of devices that pushes go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfPushDevice {}

/// Marks ids of sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfSend {}

/// Marks ids of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfReport {}

/// Marks ids of scheduled messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfScheduled {}

/// The id of a scheduled message.
pub type ScheduledId = DocumentId<OfScheduled>;
/// Marks ids of uploaded files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfAttachment {}

/// The id of an uploaded file.
pub type AttachmentId = DocumentId<OfAttachment>;
/// The id of a send to many people.
pub type SendId = DocumentId<OfSend>;
/// The id of a notification.
pub type NotificationId = DocumentId<OfNotification>;
/// The id of a thread.
pub type ThreadId = DocumentId<OfThread>;
/// The id of a device that pushes go to.
pub type PushDeviceId = DocumentId<OfPushDevice>;
/// The id of a message.
pub type MessageId = DocumentId<OfMessage>;

impl<Kind> DocumentId<Kind> {
    /// The 12 bytes, for adapters with a native type for them.
    pub fn bytes(&self) -> [u8; 12] {
        self.bytes
    }

    /// An id from the 12 bytes that an adapter stored.
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self { bytes, kind: PhantomData }
    }
}

/// Marks kinds of documents whose id follows from the command that makes them.
pub trait CommandMade {}
impl CommandMade for OfMessage {}
impl CommandMade for OfNotification {}
impl CommandMade for OfSend {}
impl CommandMade for OfScheduled {}

impl ThreadId {
    /// The id of the thread of these people with this metadata. Equal input gives an equal id, whoever
    /// creates the thread and however often.
    ///
    /// `participants` in any order; `metadata` is the canonical JSON of the free-form metadata (keys sorted,
    /// as `serde_json::Value` prints them). SHA-256, first 12 bytes: a collision would need a 96-bit second
    /// preimage.
    pub fn derive(participants: &[UserId], metadata: &str) -> Self {
        let mut sorted: Vec<&str> = participants.iter().map(UserId::as_str).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut hash = Sha256::new();
        for participant in sorted {
            hash.update(participant);
            hash.update([0]);
        }
        hash.update(metadata);
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&hash.finalize()[..12]);
        Self::from_bytes(bytes)
    }
}

impl AttachmentId {
    /// A fresh id that nobody can guess: the first 12 bytes of a `UUIDv4`, 90 of whose bits are random.
    pub fn fresh() -> Self {
        let uuid = Uuid::new_v4();
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&uuid.as_bytes()[..12]);
        Self::from_bytes(bytes)
    }
}

impl PushDeviceId {
    /// The id of the device with this address at its push service. SHA-256, first 12 bytes, as for threads.
    pub fn of_address(address: &str) -> Self {
        let hash = Sha256::new_with_prefix(b"eventflow push device\0").chain_update(address).finalize();
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&hash[..12]);
        Self::from_bytes(bytes)
    }
}

impl<Kind: CommandMade> From<CommandId> for DocumentId<Kind> {
    /// Seconds of the command's `UUIDv7`, then its low 8 bytes (62 of them random): the `ObjectId` layout,
    /// ascending in time.
    fn from(command: CommandId) -> Self {
        let uuid = command.0.as_bytes();
        let milliseconds = uuid[..6].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let seconds = u32::try_from(milliseconds / 1_000).unwrap_or(u32::MAX);
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..].copy_from_slice(&uuid[8..]);
        Self::from_bytes(bytes)
    }
}

impl<Kind> std::str::FromStr for DocumentId<Kind> {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0; 12];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| IdError::NotAnObjectId)?;
        Ok(Self::from_bytes(bytes))
    }
}

impl<Kind> TryFrom<String> for DocumentId<Kind> {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl<Kind> From<DocumentId<Kind>> for String {
    fn from(id: DocumentId<Kind>) -> Self {
        hex::encode(id.bytes)
    }
}

impl<Kind> fmt::Display for DocumentId<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.bytes))
    }
}

impl<Kind> fmt::Debug for DocumentId<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The id of a command. The ingress gives it, and it stays the same through every retry, replay and
/// redelivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub Uuid);

/// The id of an event. It is derived from what the event made, so announcing the event twice shows as one
/// event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl CommandId {
    /// A fresh id, ascending in time.
    #[allow(clippy::new_without_default, reason = "a default id would be a new one each time")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl EventId {
    /// The event that this thread was created.
    pub fn thread_created(thread: ThreadId) -> Self {
        Self::tagged(thread.bytes(), *b"thr+")
    }

    /// The event that this message was stored.
    pub fn message_stored(message: MessageId) -> Self {
        Self::tagged(message.bytes(), *b"msg+")
    }

    /// The event that this notification was stored.
    pub fn notification_stored(notification: NotificationId) -> Self {
        Self::tagged(notification.bytes(), *b"ntf+")
    }

    /// An event that a command caused; `what` tells the events of one command apart.
    pub fn caused_by(command: CommandId, what: &str) -> Self {
        let hash = Sha256::new_with_prefix(command.0.as_bytes()).chain_update(what).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        Self(Uuid::from_bytes(bytes))
    }

    fn tagged(document: [u8; 12], tag: [u8; 4]) -> Self {
        let mut bytes = [0; 16];
        bytes[..12].copy_from_slice(&document);
        bytes[12..].copy_from_slice(&tag);
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of one run of one gateway process. A restarted gateway has another id, because its sockets are
/// gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GatewayId(Arc<str>);

impl GatewayId {
    /// A fresh id.
    #[allow(clippy::new_without_default, reason = "a default id would be a new one each time")]
    pub fn new() -> Self {
        Self(Uuid::now_v7().simple().to_string().into())
    }

    /// The id as text, as it appears in the gateway's queue name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for GatewayId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for GatewayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_of_the_same_people_and_subject_has_one_id() {
        let (ann, bob): (UserId, UserId) = ("ann".parse().unwrap(), "bob".parse().unwrap());
        let id = ThreadId::derive(&[ann.clone(), bob.clone()], "{}");
        assert_eq!(id, ThreadId::derive(&[bob.clone(), ann.clone(), bob.clone()], "{}"));
        assert_ne!(id, ThreadId::derive(&[ann, bob], r#"{"subject":"x"}"#));
        assert_eq!(id.to_string().parse::<ThreadId>(), Ok(id));
    }

    #[test]
    fn the_thread_of_people_with_plain_ids_has_the_id_that_it_always_had() {
        let people = ["ann", "b:o@b-1"].map(|id| id.parse().unwrap());
        // Stored threads have this id.
        assert_eq!(ThreadId::derive(&people, "{}").to_string(), "7a74fa87d639bca37be3d6d0");
        // The end of each id is hashed too.
        let [left, right] = [["a", "b c"], ["a b", "c"]].map(|ids| ids.map(|id| id.parse().unwrap()));
        assert_ne!(ThreadId::derive(&left, "{}"), ThreadId::derive(&right, "{}"));
    }

    #[test]
    fn message_ids_follow_their_command_and_rise_with_time() {
        let command = CommandId::new();
        assert_eq!(MessageId::from(command), MessageId::from(command));
        assert_ne!(MessageId::from(command), MessageId::from(CommandId::new()));
        let early = CommandId("018d0000-0000-7000-8000-000000000000".parse().unwrap());
        assert!(MessageId::from(early) < MessageId::from(command));
    }
}
