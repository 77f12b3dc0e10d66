//! Answers about the delivery log.

use crate::client::shape::Success;
use crate::outbound::{About, Channel, DeliveryEntry, DeliveryOutcome, Reason, WaitsFor, WindowId};
use crate::{MessageId, NotificationId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of the delivery log: `GET /notifications/{id}/deliveries`, `GET /users/{id}/deliveries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveriesAnswer {
    /// What became of it, newest first.
    pub deliveries: Vec<ListedDelivery>,
    /// The `cursor` that asks for the next page; `null` if this page was not full.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
}

/// What became of one message or notification that somebody was to be told by one channel. Only the fields of
/// its outcome are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedDelivery {
    /// What the provider answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The channel.
    pub channel: Channel,
    /// The message that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The notification that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_id: Option<NotificationId>,
    /// What became of it.
    pub outcome: DeliveryWord,
    /// Who took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Why it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The thread of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// What sort of thing it is.
    #[serde(rename = "type")]
    pub kind: DeliveredKind,
    /// When it is to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The person.
    pub user_id: UserId,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<WaitsFor>,
    /// The mail or push message that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_id: Option<WindowId>,
}

/// What sort of thing somebody was to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveredKind {
    /// A message.
    Message,
    /// A message that mentions the person.
    Mention,
    /// A notification of the inbox.
    Notification,
}

/// What became of something that somebody was to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryWord {
    /// It waits until the time in the field `until`. `waitsFor` says for what. There is another row if it has
    /// to wait longer.
    Held,
    /// It joined others that wait.
    Folded,
    /// It was not sent, for the `reason`.
    Suppressed,
    /// The `provider` took it, with this `answer`.
    Sent,
    /// The provider refused it for good, with this `answer`, and it is not tried again; or the provider was
    /// asked seven times, and an operator can replay it.
    Failed,
}

impl DeliveryWord {
    /// The word, in answers and in stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Folded => "folded",
            Self::Suppressed => "suppressed",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

impl From<&DeliveryOutcome> for DeliveryWord {
    fn from(outcome: &DeliveryOutcome) -> Self {
        match outcome {
            DeliveryOutcome::Held { .. } => Self::Held,
            DeliveryOutcome::Folded { .. } => Self::Folded,
            DeliveryOutcome::Suppressed { .. } => Self::Suppressed,
            DeliveryOutcome::Sent { .. } => Self::Sent,
            DeliveryOutcome::Failed { .. } => Self::Failed,
        }
    }
}

impl From<DeliveryEntry> for ListedDelivery {
    fn from(entry: DeliveryEntry) -> Self {
        let (kind, message_id, notification_id) = match entry.about {
            About::Message { message_id, mention: false, .. } => {
                (DeliveredKind::Message, Some(message_id), None)
            }
            About::Message { message_id, mention: true, .. } => {
                (DeliveredKind::Mention, Some(message_id), None)
            }
            About::Notification { notification_id } => {
                (DeliveredKind::Notification, None, Some(notification_id))
            }
        };
        let plain = Self {
            answer: None,
            at: entry.at,
            channel: entry.channel,
            message_id,
            notification_id,
            outcome: DeliveryWord::from(&entry.outcome),
            provider: None,
            reason: None,
            thread_id: entry.about.thread_id(),
            kind,
            until: None,
            user_id: entry.user_id,
            waits_for: None,
            window_id: entry.window_id,
        };
        match entry.outcome {
            DeliveryOutcome::Folded { .. } => plain,
            DeliveryOutcome::Held { until, waits_for, answer } => {
                let waits_for = answer.as_ref().map(|_| WaitsFor::Provider).or(waits_for);
                Self { until: Some(until), waits_for, answer, ..plain }
            }
            DeliveryOutcome::Suppressed { reason } => Self { reason: Some(reason), ..plain },
            DeliveryOutcome::Sent { provider, answer } => {
                Self { provider: Some(provider), answer: Some(answer), ..plain }
            }
            DeliveryOutcome::Failed { answer } => Self { answer: Some(answer), ..plain },
        }
    }
}
