//! The port to push services: one push to one device, and why it was not taken.
//!
//! A push replaces the one before with the same tag, at the push service and on the device, so that repeating
//! it shows nothing twice.

use async_trait::async_trait;
use eventflow_protocol::push::PushTarget;
use eventflow_protocol::{ThreadId, UserId};
use std::time::Duration;

/// Longest title in Unicode scalar values: one line of a lock screen.
pub const PUSH_TITLE_MAX_CHARS: usize = 80;
/// Longest text in Unicode scalar values: what a lock screen shows. With every character at its longest a
/// push still fits the 4 KB that push services take.
pub const PUSH_TEXT_MAX_CHARS: usize = 240;

/// One push message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Whose devices it goes to. Push services and devices are not told.
    pub user_id: UserId,
    /// What it is about: a thread or a notification. Devices show one push of each tag.
    pub tag: String,
    /// What the device is to do.
    pub act: PushAct,
    /// How much the person has not read, for the number on an app's icon.
    pub badge: u64,
    /// How long the push service keeps it for a device that is off.
    pub ttl: Duration,
    /// How soon the device is to be woken up.
    pub urgency: Urgency,
}

/// What a device is to do.
#[derive(Clone, PartialEq, Eq)]
pub enum PushAct {
    /// Show something.
    Show {
        /// One line, at most [`PUSH_TITLE_MAX_CHARS`].
        title: String,
        /// The text, at most [`PUSH_TEXT_MAX_CHARS`].
        text: String,
        /// The conversation to open.
        thread_id: Option<ThreadId>,
    },
    /// Take away what it shows under the tag, in silence: it was read elsewhere.
    Clear,
}

/// Hides what people wrote: pushes stand in logs.
impl std::fmt::Debug for PushAct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Show { .. } => "Show(***)",
            Self::Clear => "Clear",
        })
    }
}

/// How soon a device is to be woken up (RFC 8030, 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// When the device is awake anyhow.
    Low,
    /// Soon, unless its battery is low.
    Normal,
    /// At once.
    High,
}

/// A push service has taken a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The service: `fcm` or `webpush`.
    pub provider: &'static str,
    /// Its answer, without addresses.
    pub answer: String,
}

/// Why a push was not taken. The texts hold no address and nothing that people wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The device does not exist any more: the app was removed, the subscription was ended.
    #[error("push to a device that is gone: {answer}")]
    Gone {
        /// What the service answered.
        answer: String,
    },
    /// The service will never take this push to this device.
    #[error("push: refused: {answer}")]
    Refused {
        /// What the service answered.
        answer: String,
    },
    /// The service takes no more for now.
    #[error("push: too many: {answer}")]
    Limited {
        /// What the service answered.
        answer: String,
        /// How long it asks to wait.
        after: Option<Duration>,
    },
    /// The service could not be reached, failed, or gave an answer that cannot be read. It may or may not
    /// have the push.
    #[error("push: {answer}")]
    Failed {
        /// What the service answered, or what went wrong.
        answer: String,
        /// How long it asks to wait.
        after: Option<Duration>,
    },
    /// This system has no credentials for this kind of device.
    #[error("push: no provider is configured for {provider}")]
    NoProvider {
        /// The service: `fcm` or `webpush`.
        provider: &'static str,
    },
}

/// Sends pushes.
#[async_trait]
pub trait Pusher: Send + Sync + 'static {
    /// Gives one push to the service of a device. It answers within seconds, whatever the service does.
    async fn push(&self, target: &PushTarget, push: &Push) -> Result<Accepted, PushError>;
}
