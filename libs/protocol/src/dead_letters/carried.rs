//! What a dead letter carries, and its id.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// What a queue carries, and so its dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carried {
    /// A [`crate::command::Command`].
    Command,
    /// An [`crate::event::Event`].
    Event,
    /// A [`crate::event::GatewayEvent`].
    GatewayEvent,
    /// A [`crate::outbound::NotifyJob`].
    NotifyJob,
    /// A [`crate::outbound::WindowJob`].
    WindowJob,
    /// A [`crate::push::PushJob`].
    PushJob,
    /// A [`crate::presence::DeviceSignal`].
    DeviceSignal,
    /// A broker message that is no frame of envelopes, or comes from a queue that nobody knows.
    Message,
}

impl Carried {
    /// Everything that letters carry.
    pub const ALL: [Self; 8] = [
        Self::Command,
        Self::Event,
        Self::GatewayEvent,
        Self::NotifyJob,
        Self::WindowJob,
        Self::PushJob,
        Self::DeviceSignal,
        Self::Message,
    ];

    /// Its word in ids.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Event => "event",
            Self::GatewayEvent => "gateway_event",
            Self::NotifyJob => "notify_job",
            Self::WindowJob => "window_job",
            Self::PushJob => "push_job",
            Self::DeviceSignal => "device_signal",
            Self::Message => "message",
        }
    }
}

/// The id of a dead letter: what it carries and the id of its envelope. The same work that fails again has
/// the same id, in whichever shard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeadLetterId {
    /// What the letter carries.
    pub carried: Carried,
    /// The id of its envelope.
    pub envelope: Uuid,
}

/// The text is no id of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a dead letter is what it carries, a hyphen and a UUID")]
pub struct NotALetterId;

/// Sets these hashes apart from all other hashes of the same bytes.
const MESSAGE_LABEL: &[u8] = b"eventflow dead message\0";

impl DeadLetterId {
    /// The id of a letter that carries an envelope.
    pub fn of_envelope(carried: Carried, envelope: Uuid) -> Self {
        Self { carried, envelope }
    }

    /// The id of a broker message of this queue that is no frame: equal bytes are one letter.
    pub fn of_message(queue: &str, payload: &[u8]) -> Self {
        let hash = Sha256::new_with_prefix(MESSAGE_LABEL).chain_update(queue).chain_update([0]);
        let hash = hash.chain_update(payload).finalize();
        let bytes: [u8; 16] = std::array::from_fn(|i| hash[i]);
        Self { carried: Carried::Message, envelope: uuid::Builder::from_custom_bytes(bytes).into_uuid() }
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.carried.name(), self.envelope)
    }
}

impl fmt::Debug for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DeadLetterId {
    type Err = NotALetterId;

    fn from_str(text: &str) -> Result<Self, NotALetterId> {
        let (name, uuid) = text.split_once('-').ok_or(NotALetterId)?;
        let carried = Carried::ALL.into_iter().find(|carried| carried.name() == name).ok_or(NotALetterId)?;
        let envelope = Uuid::parse_str(uuid).map_err(|_| NotALetterId)?;
        Ok(Self { carried, envelope })
    }
}

impl TryFrom<String> for DeadLetterId {
    type Error = NotALetterId;

    fn try_from(text: String) -> Result<Self, NotALetterId> {
        text.parse()
    }
}

impl From<DeadLetterId> for String {
    fn from(id: DeadLetterId) -> Self {
        id.to_string()
    }
}
