//! Windows of e-mail and push, and the delivery log, as the database keeps them.

use crate::record::values::{count, date, moment, object_id, place};
use eventflow_ports::Hold;
use eventflow_protocol::outbound::{
    About, Channel, DeliveryEntry, DeliveryOutcome, Reason, Told, WaitsFor, Window, WindowId,
};
use eventflow_protocol::{MessageId, NotificationId, ThreadId, UserId};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, Uuid, doc};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The slot of a window that takes items in. The slot of any other window is its id, so that a unique index
/// on (key, slot) lets a key have one open window.
pub(crate) const OPEN: &str = "open";
/// What is escaped in the id of a person as a part of a key.
const NOT_IN_KEYS: &AsciiSet = &AsciiSet::EMPTY.add(b'|').add(b'%');

/// A document of `outboundWindows`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WindowRecord {
    #[serde(rename = "_id")]
    pub(crate) id: Uuid,
    /// The person, the channel and the key of the items.
    pub(crate) key: String,
    user_id: UserId,
    channel: Channel,
    pub(crate) opened_at: DateTime,
    pub(crate) due_at: DateTime,
    /// Until when its taker has it.
    #[serde(default)]
    pub(crate) taken_until: Option<DateTime>,
    /// A taker did not let go of it in time, so its mail may have been sent.
    #[serde(default)]
    pub(crate) left: bool,
    /// The mail that its recipient may have.
    #[serde(default)]
    mail: Option<Document>,
    /// The window into which its items move.
    #[serde(default)]
    pub(crate) moves_to: Option<Uuid>,
    /// Windows whose items it has taken in. They are deleted before it is.
    #[serde(default)]
    pub(crate) moved: Vec<Uuid>,
    pub(crate) items: Vec<ItemRecord>,
    /// All items.
    pub(crate) count: i64,
    /// The rows of the log with which the window was closed. Whoever finds them moves them to the log.
    #[serde(default)]
    pub(crate) closed_with: Option<Vec<DeliveryRecord>>,
}

/// An item of a window.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemRecord {
    reference: String,
    about: AboutRecord,
    at: DateTime,
    critical: bool,
    #[serde(default)]
    was_online: bool,
}

/// A document of `deliveries`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryRecord {
    #[serde(rename = "_id")]
    pub(crate) id: Uuid,
    user_id: UserId,
    channel: Channel,
    reference: String,
    about: AboutRecord,
    window_id: Option<Uuid>,
    outcome: OutcomeRecord,
    at: DateTime,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum AboutRecord {
    Message {
        thread_id: ThreadId,
        message_id: ObjectId,
        seq: i64,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        mention: bool,
    },
    Notification {
        notification_id: ObjectId,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum OutcomeRecord {
    Held {
        until: DateTime,
        waits_for: Option<WaitsFor>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
    },
    Folded {
        window_id: Uuid,
    },
    Suppressed {
        reason: Reason,
    },
    Sent {
        provider: String,
        answer: String,
    },
    Failed {
        answer: String,
    },
}

/// The id of a window as the database's own type.
pub(crate) fn window_uuid(id: WindowId) -> Uuid {
    Uuid::from_bytes(id.0.into_bytes())
}

/// The database's own type as the id of a window.
pub(crate) fn window_id(id: Uuid) -> WindowId {
    WindowId(uuid::Uuid::from_bytes(id.bytes()))
}

/// Which window takes an item in: the person, the channel and the item's key.
pub(crate) fn key_of(hold: &Hold) -> String {
    let (user, told) = (key_part(&hold.user_id), hold.told.window_key(hold.channel));
    format!("{user}|{}|{told}", hold.channel.name())
}

/// Where the keys of one person's windows are, so that an index finds them.
pub(crate) fn keys_of(user: &UserId) -> Document {
    // The sign behind the one between the parts.
    let user = key_part(user);
    doc! { "$gte": format!("{user}|"), "$lt": format!("{user}}}") }
}

/// An id as a part of a key: without the sign between the parts, or the keys of `a` and `a|email` would mix.
fn key_part(user: &UserId) -> Cow<'_, str> {
    utf8_percent_encode(user.as_str(), NOT_IN_KEYS).into()
}

impl WindowRecord {
    /// The window that the record keeps.
    pub(crate) fn window(self) -> Window {
        let items: Vec<Told> = self.items.into_iter().map(Told::from).collect();
        Window {
            id: window_id(self.id),
            user_id: self.user_id,
            channel: self.channel,
            thread_id: Window::thread_of(self.channel, items.first()),
            opened_at: moment(self.opened_at),
            due_at: moment(self.due_at),
            more: count(self.count).saturating_sub(items.len() as u64),
            items,
        }
    }

    /// Whether its mail or push message may have been sent, so that it can say nothing else.
    pub(crate) fn is_perhaps_sent(&self) -> bool {
        self.left || self.mail.is_some()
    }

    /// The rows that say that the items are in this window. A caller that died may not have written them.
    pub(crate) fn waiting(&self) -> Vec<DeliveryRecord> {
        let folded = |item: &ItemRecord| {
            let id = window_id(self.id);
            let outcome = DeliveryOutcome::Folded { window_id: id };
            let about = About::from(item.about.clone());
            let user_id = self.user_id.clone();
            let entry =
                DeliveryEntry::new(user_id, self.channel, about, Some(id), outcome, moment(self.opened_at));
            DeliveryRecord::from(&entry)
        };
        self.items.iter().map(folded).collect()
    }
}

impl From<&Told> for ItemRecord {
    fn from(told: &Told) -> Self {
        Self {
            reference: told.about.reference(),
            about: AboutRecord::from(told.about),
            at: date(told.at),
            critical: told.critical,
            was_online: told.was_online,
        }
    }
}

impl From<ItemRecord> for Told {
    fn from(item: ItemRecord) -> Self {
        Self {
            about: item.about.into(),
            at: moment(item.at),
            critical: item.critical,
            was_online: item.was_online,
        }
    }
}

impl From<About> for AboutRecord {
    fn from(about: About) -> Self {
        match about {
            About::Message { thread_id, message_id, seq, mention } => {
                Self::Message { thread_id, message_id: object_id(message_id), seq: place(seq), mention }
            }
            About::Notification { notification_id } => {
                Self::Notification { notification_id: object_id(notification_id) }
            }
        }
    }
}

impl From<AboutRecord> for About {
    fn from(about: AboutRecord) -> Self {
        match about {
            AboutRecord::Message { thread_id, message_id, seq, mention } => Self::Message {
                thread_id,
                message_id: MessageId::from_bytes(message_id.bytes()),
                seq: count(seq),
                mention,
            },
            AboutRecord::Notification { notification_id } => {
                Self::Notification { notification_id: NotificationId::from_bytes(notification_id.bytes()) }
            }
        }
    }
}

impl From<&DeliveryEntry> for DeliveryRecord {
    fn from(entry: &DeliveryEntry) -> Self {
        Self {
            id: Uuid::from_bytes(entry.id.into_bytes()),
            user_id: entry.user_id.clone(),
            channel: entry.channel,
            reference: entry.about.reference(),
            about: entry.about.into(),
            window_id: entry.window_id.map(window_uuid),
            outcome: OutcomeRecord::from(&entry.outcome),
            at: date(entry.at),
        }
    }
}

impl From<DeliveryRecord> for DeliveryEntry {
    fn from(record: DeliveryRecord) -> Self {
        Self {
            id: uuid::Uuid::from_bytes(record.id.bytes()),
            user_id: record.user_id,
            channel: record.channel,
            about: record.about.into(),
            window_id: record.window_id.map(window_id),
            outcome: record.outcome.into(),
            at: moment(record.at),
        }
    }
}

impl From<&DeliveryOutcome> for OutcomeRecord {
    fn from(outcome: &DeliveryOutcome) -> Self {
        match outcome {
            DeliveryOutcome::Held { until, waits_for, answer } => {
                Self::Held { until: date(*until), waits_for: *waits_for, answer: answer.clone() }
            }
            DeliveryOutcome::Folded { window_id } => Self::Folded { window_id: window_uuid(*window_id) },
            DeliveryOutcome::Suppressed { reason } => Self::Suppressed { reason: *reason },
            DeliveryOutcome::Sent { provider, answer } => {
                Self::Sent { provider: provider.clone(), answer: answer.clone() }
            }
            DeliveryOutcome::Failed { answer } => Self::Failed { answer: answer.clone() },
        }
    }
}

impl From<OutcomeRecord> for DeliveryOutcome {
    fn from(outcome: OutcomeRecord) -> Self {
        match outcome {
            OutcomeRecord::Held { until, waits_for, answer } => {
                Self::Held { until: moment(until), waits_for, answer }
            }
            OutcomeRecord::Folded { window_id: id } => Self::Folded { window_id: window_id(id) },
            OutcomeRecord::Suppressed { reason } => Self::Suppressed { reason },
            OutcomeRecord::Sent { provider, answer } => Self::Sent { provider, answer },
            OutcomeRecord::Failed { answer } => Self::Failed { answer },
        }
    }
}
