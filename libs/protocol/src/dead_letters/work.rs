//! The work in a dead letter: its bytes read as what they carry, its JSON for people, and the way back.

use super::Carried;
use crate::codec::{self, CodecError, without_values};
use crate::command::{Command, Subject};
use crate::event::{Audience, Event, GatewayEvent};
use crate::outbound::{NotifyJob, WindowJob};
use crate::presence::DeviceSignal;
use crate::push::PushJob;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

/// Why a letter cannot be read, or a JSON is none of what it carries.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableWork {
    /// The bytes are none of what the letter carries.
    #[error(transparent)]
    Bytes(#[from] CodecError),
    /// The JSON is none of what the letter carries. The sentence names the field and repeats no contents.
    #[error("body: {0}")]
    Json(String),
    /// It is a broker message that nobody could ever read.
    #[error("it is no frame of envelopes, or it comes from a queue that nobody knows")]
    NoWork,
}

/// What a letter carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// For the persistence workers.
    Command(Box<Command>),
    /// For the fan-out workers.
    Event(Box<Event>),
    /// For a gateway.
    GatewayEvent(Box<GatewayEvent>),
    /// For the decision who is told by e-mail or push.
    NotifyJob(NotifyJob),
    /// For the e-mail workers.
    WindowJob(WindowJob),
    /// For the push workers.
    PushJob(PushJob),
    /// For the presence sweeper.
    DeviceSignal(DeviceSignal),
}

impl Work {
    /// Reads the bytes of an envelope's body.
    pub fn read(carried: Carried, body: &[u8]) -> Result<Self, UnreadableWork> {
        Ok(match carried {
            Carried::Command => Self::Command(codec::decode(body)?),
            Carried::Event => Self::Event(codec::decode(body)?),
            Carried::GatewayEvent => Self::GatewayEvent(codec::decode(body)?),
            Carried::NotifyJob => Self::NotifyJob(codec::decode(body)?),
            Carried::WindowJob => Self::WindowJob(codec::decode(body)?),
            Carried::PushJob => Self::PushJob(codec::decode(body)?),
            Carried::DeviceSignal => Self::DeviceSignal(codec::decode(body)?),
            Carried::Message => return Err(UnreadableWork::NoWork),
        })
    }

    /// Reads what [`Work::json`] wrote, edited or not.
    pub fn from_json(carried: Carried, json: Value) -> Result<Self, UnreadableWork> {
        Ok(match carried {
            Carried::Command => Self::Command(from_value(json)?),
            Carried::Event => Self::Event(from_value(json)?),
            Carried::GatewayEvent => Self::GatewayEvent(from_value(json)?),
            Carried::NotifyJob => Self::NotifyJob(from_value(json)?),
            Carried::WindowJob => Self::WindowJob(from_value(json)?),
            Carried::PushJob => Self::PushJob(from_value(json)?),
            Carried::DeviceSignal => Self::DeviceSignal(from_value(json)?),
            Carried::Message => return Err(UnreadableWork::NoWork),
        })
    }

    /// The work as JSON, with everything that people typed.
    pub fn json(&self) -> Value {
        match self {
            Self::Command(command) => to_value(command),
            Self::Event(event) => to_value(event),
            Self::GatewayEvent(event) => to_value(event),
            Self::NotifyJob(job) => to_value(job),
            Self::WindowJob(job) => to_value(job),
            Self::PushJob(job) => to_value(job),
            Self::DeviceSignal(signal) => to_value(signal),
        }
    }

    /// The work as the body of an envelope.
    pub fn encode(&self) -> Result<Bytes, CodecError> {
        match self {
            Self::Command(command) => codec::encode(command),
            Self::Event(event) => codec::encode(event),
            Self::GatewayEvent(event) => codec::encode(event),
            Self::NotifyJob(job) => codec::encode(job),
            Self::WindowJob(job) => codec::encode(job),
            Self::PushJob(job) => codec::encode(job),
            Self::DeviceSignal(signal) => codec::encode(signal),
        }
    }

    /// What it asks for or tells.
    pub fn kind(&self) -> String {
        match self {
            Self::Command(command) => command.kind().to_owned(),
            Self::Event(_) | Self::NotifyJob(_) => {
                self.json().get("kind").and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            Self::GatewayEvent(event) => event.name.clone(),
            Self::WindowJob(_) | Self::PushJob(PushJob::Window(_)) => "window".to_owned(),
            Self::PushJob(PushJob::Clear(_)) => "clear".to_owned(),
            Self::PushJob(PushJob::ClearNotifications(_)) => "clear_notifications".to_owned(),
            Self::DeviceSignal(_) => "device_signal".to_owned(),
        }
    }

    /// What it is about, where that chooses the shard.
    pub fn subject(&self) -> Option<Subject> {
        match self {
            Self::Command(command) => Some(command.subject()),
            Self::Event(event) => match event.audience() {
                Audience::Thread(thread) => Some(Subject::Thread(thread)),
                // Such an event goes with the thread whose command caused it.
                Audience::User(_) | Audience::Watchers(_) | Audience::Gateways => None,
            },
            Self::GatewayEvent(_)
            | Self::NotifyJob(_)
            | Self::WindowJob(_)
            | Self::PushJob(_)
            | Self::DeviceSignal(_) => None,
        }
    }

    /// Whether this is the other work with other words: it asks for the same thing about the same thread or
    /// person, under the same identity.
    pub fn is_about_the_same(&self, other: &Self) -> bool {
        self.kind() == other.kind()
            && match (self, other) {
                (Self::Command(one), Self::Command(other)) => one.subject() == other.subject(),
                (Self::Event(one), Self::Event(other)) => {
                    one.id() == other.id() && one.audience() == other.audience()
                }
                (Self::GatewayEvent(one), Self::GatewayEvent(other)) => {
                    one.event_id == other.event_id && one.audience == other.audience
                }
                (Self::NotifyJob(one), Self::NotifyJob(other)) => one.id() == other.id(),
                (Self::WindowJob(one), Self::WindowJob(other)) => one == other,
                (Self::PushJob(one), Self::PushJob(other)) => one == other,
                (Self::DeviceSignal(one), Self::DeviceSignal(other)) => {
                    one.user_id == other.user_id && one.device == other.device
                }
                _ => false,
            }
    }
}

fn to_value<T: Serialize>(work: &T) -> Value {
    serde_json::to_value(work).unwrap_or_default()
}

fn from_value<T: serde::de::DeserializeOwned>(json: Value) -> Result<T, UnreadableWork> {
    serde_json::from_value(json).map_err(|error| UnreadableWork::Json(without_values(&error.to_string())))
}
