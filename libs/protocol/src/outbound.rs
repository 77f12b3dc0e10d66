//! Outbound notifications: what people are told by e-mail and push, on the way from the stages that notice it
//! to the workers that send it, and the log of what became of it.
//!
//! A [`NotifyJob`] says that somebody may have to be told something. The decision folds it into a [`Window`]:
//! everything that one mail or one push message will say. When a window is due, a [`WindowJob`] goes to the
//! worker of its channel. Each outcome becomes a [`DeliveryEntry`], whose id follows from what it says, so
//! that repeating it adds nothing.

mod delivery;

pub use delivery::{DeliveryEntry, DeliveryOutcome, Reason, WaitsFor};

use crate::{MessageId, NotificationId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// Window: most items. One that is full takes nothing more in, and the next one begins, so that nothing is
/// left out. Its document is written anew with each item, and stays below 50 KB.
pub const WINDOW_ITEMS_MAX: usize = 250;
/// Job: most people named in one [`NotifyJob::Message`], about 20 KB. A thread of 5,000 becomes ten jobs,
/// which several workers share.
pub const ABSENT_MAX: usize = 500;

/// The field of a notification's data that says how urgent it is, and the value for what waits for nothing.
pub const PRIORITY: (&str, &str) = ("priority", "critical");
/// The field of a notification's data that lists the channels which its sender chose, by their names.
pub const DELIVER_BY: &str = "deliverBy";

/// A way to reach somebody who is not looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Push messages to the person's devices.
    Push,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 2] = [Self::Email, Self::Push];

    /// Name of the channel in stores, ids and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Push => "push",
        }
    }
}

/// Work for the decision: somebody may have to be told something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NotifyJob {
    /// A message for people without a live socket, or for people who are away from theirs.
    Message {
        /// The thread.
        thread_id: ThreadId,
        /// The message.
        message_id: MessageId,
        /// The message's place in its thread.
        seq: u64,
        /// Who wrote it.
        sender: UserId,
        /// When the ingress accepted it, or the edit that mentions them.
        at: Timestamp,
        /// The recipients, at most [`ABSENT_MAX`].
        absent: Vec<UserId>,
        /// They have live sockets and are away, so they are told only if their preferences say so.
        #[serde(default)]
        away: bool,
        /// The message mentions them.
        #[serde(default)]
        mention: bool,
    },
    /// A notification is in somebody's inbox.
    Notification {
        /// The owner.
        user_id: UserId,
        /// The notification.
        notification_id: NotificationId,
        /// When the ingress accepted it.
        at: Timestamp,
    },
    /// A person's last device has gone, or none of them is active any more. What came shortly before, or
    /// while they were idle, may not have reached them.
    Departed {
        /// The person.
        user_id: UserId,
        /// From when on messages may not have reached them.
        since: Timestamp,
        /// When the departure was noticed.
        at: Timestamp,
    },
    /// A person has read a thread up to here: what devices show of it is out of date.
    Read {
        /// The reader.
        user_id: UserId,
        /// The thread.
        thread_id: ThreadId,
        /// The read cursor.
        up_to: u64,
    },
    /// A person's preferences have changed: what waits may have to wait no longer.
    PreferencesChanged {
        /// The person.
        user_id: UserId,
        /// When the preferences changed.
        at: Timestamp,
    },
    /// A person has read or deleted notifications: what devices show of them is out of date.
    NotificationsRead {
        /// The reader.
        user_id: UserId,
        /// The notification; `None` for all that are read.
        notification_id: Option<NotificationId>,
        /// When the ingress accepted it.
        read_at: Timestamp,
    },
}

impl NotifyJob {
    /// Identity of the job: equal jobs have equal ids, however often they are published.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Message { message_id, absent, away, mention, at, .. } => {
                let first = absent.first().map_or("", UserId::as_str);
                let kind = if *away { "away" } else { "message" };
                if *mention {
                    // Several edits of a message may each mention somebody.
                    let at = at.0.to_string();
                    return derived(&["mention", kind, &message_id.to_string(), first, &at]);
                }
                derived(&[kind, &message_id.to_string(), first])
            }
            Self::Notification { notification_id, .. } => {
                derived(&["notification", &notification_id.to_string()])
            }
            Self::Departed { user_id, since, .. } => {
                derived(&["departed", user_id.as_str(), &since.0.to_string()])
            }
            Self::Read { user_id, thread_id, up_to } => {
                derived(&["read", user_id.as_str(), &thread_id.to_string(), &up_to.to_string()])
            }
            Self::PreferencesChanged { user_id, at } => {
                derived(&["preferences changed", user_id.as_str(), &at.0.to_string()])
            }
            Self::NotificationsRead { user_id, notification_id, read_at } => {
                let id = notification_id.map(|id| id.to_string()).unwrap_or_default();
                derived(&["notifications read", user_id.as_str(), &id, &read_at.0.to_string()])
            }
        }
    }
}

/// The id of a window, which identifies its mail or push message for ever: the `Message-ID` is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct WindowId(#[schemars(with = "String")] pub Uuid);

impl WindowId {
    /// A fresh id, ascending in time.
    #[allow(clippy::new_without_default, reason = "a default id would be a new one each time")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What somebody is told about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A message of a thread.
    Message {
        /// The thread.
        thread_id: ThreadId,
        /// The message.
        message_id: MessageId,
        /// The message's place in its thread.
        seq: u64,
        /// It is told because it mentions the person. That is told apart from the message itself: an edit may
        /// mention somebody who was told of the message before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        mention: bool,
    },
    /// A notification of the inbox.
    Notification {
        /// The notification.
        notification_id: NotificationId,
    },
}

impl About {
    /// A short text that is equal for equal subjects: `m:`, `@:` for a mention, or `n:`, and the id.
    pub fn reference(&self) -> String {
        match self {
            Self::Message { message_id, mention: true, .. } => format!("@:{message_id}"),
            Self::Message { message_id, mention: false, .. } => format!("m:{message_id}"),
            Self::Notification { notification_id } => format!("n:{notification_id}"),
        }
    }

    /// Whether it is told because a message mentions the person.
    pub fn is_mention(&self) -> bool {
        matches!(self, Self::Message { mention: true, .. })
    }

    /// The thread, if it is a message.
    pub fn thread_id(&self) -> Option<ThreadId> {
        match self {
            Self::Message { thread_id, .. } => Some(*thread_id),
            Self::Notification { .. } => None,
        }
    }
}

/// One item of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What it is about.
    pub about: About,
    /// When the ingress accepted it.
    pub at: Timestamp,
    /// It waits for nothing: no grace, no digest, no quiet hours.
    pub critical: bool,
    /// The person was looking when it came, so their sockets have told them.
    #[serde(default)]
    pub was_online: bool,
}

impl Told {
    /// Which window of a person's channel takes this item. Equal keys share a window.
    ///
    /// E-mail has one window for everything. Push has one a thread, and one for each notification. Whatever
    /// is critical has one of its own, so that it does not take along what waits for the morning.
    pub fn window_key(&self, channel: Channel) -> String {
        match (channel, self.about) {
            (_, about) if self.critical => about.reference(),
            (Channel::Email, _) => "digest".to_owned(),
            (Channel::Push, About::Message { thread_id, .. }) => format!("t:{thread_id}"),
            (Channel::Push, about @ About::Notification { .. }) => about.reference(),
        }
    }
}

/// What one mail or one push message to one person will say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The id.
    pub id: WindowId,
    /// The person.
    pub user_id: UserId,
    /// How the person is told.
    pub channel: Channel,
    /// The thread that the whole window is about; `None` for a digest and for notifications.
    pub thread_id: Option<ThreadId>,
    /// When its first item came.
    pub opened_at: Timestamp,
    /// When it is to be sent.
    pub due_at: Timestamp,
    /// The items, at most [`WINDOW_ITEMS_MAX`], in the order in which they came.
    pub items: Vec<Told>,
    /// How many more items there are: none, but in windows of versions that counted what is beyond the first.
    pub more: u64,
}

impl Window {
    /// The thread that a whole window of this channel is about, given one of its items.
    pub fn thread_of(channel: Channel, item: Option<&Told>) -> Option<ThreadId> {
        match channel {
            Channel::Email => None,
            Channel::Push => item.and_then(|told| told.about.thread_id()),
        }
    }
}

/// Work for an e-mail or push worker: send this window, unless it is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowJob {
    /// The window.
    pub window_id: WindowId,
    /// The person.
    pub user_id: UserId,
}

/// A UUID that follows from these parts, none of which holds a zero byte (version 8: made by the
/// application).
fn derived(parts: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    fn ann() -> UserId {
        "ann".parse().unwrap()
    }

    fn message(n: u8) -> About {
        About::Message {
            thread_id: ThreadId::from_bytes([1; 12]),
            message_id: MessageId::from_bytes([n; 12]),
            seq: u64::from(n),
            mention: false,
        }
    }

    fn notification(n: u8) -> About {
        About::Notification { notification_id: NotificationId::from_bytes([n; 12]) }
    }

    #[test]
    fn jobs_survive_the_way_to_the_worker() {
        let About::Message { thread_id, message_id, seq, .. } = message(2) else { panic!("it is a message") };
        let jobs = [
            NotifyJob::Message {
                thread_id,
                message_id,
                seq,
                sender: ann(),
                at: Timestamp(7),
                absent: vec![ann()],
                away: true,
                mention: true,
            },
            NotifyJob::Notification {
                user_id: ann(),
                notification_id: NotificationId::from_bytes([3; 12]),
                at: Timestamp(7),
            },
            NotifyJob::Departed { user_id: ann(), since: Timestamp(1), at: Timestamp(7) },
            NotifyJob::Read { user_id: ann(), thread_id, up_to: u64::MAX },
            NotifyJob::NotificationsRead { user_id: ann(), notification_id: None, read_at: Timestamp(7) },
        ];
        for job in jobs {
            assert_eq!(codec::decode::<NotifyJob>(&codec::encode(&job).unwrap()).unwrap(), job);
            assert_eq!(job.id(), job.clone().id());
        }
        let job = WindowJob { window_id: WindowId::new(), user_id: ann() };
        assert_eq!(codec::decode::<WindowJob>(&codec::encode(&job).unwrap()).unwrap(), job);
    }

    #[test]
    fn a_mail_gathers_everything_and_a_push_message_one_thread() {
        let told = |about, critical| Told { about, at: Timestamp(0), critical, was_online: false };
        let key = |about, channel| told(about, false).window_key(channel);
        assert_eq!(key(message(1), Channel::Email), key(notification(1), Channel::Email));
        assert_eq!(key(message(1), Channel::Push), key(message(2), Channel::Push));
        assert_ne!(key(message(1), Channel::Push), key(notification(1), Channel::Push));
        assert_ne!(key(notification(1), Channel::Push), key(notification(2), Channel::Push));
        for channel in Channel::ALL {
            let alone = told(notification(1), true).window_key(channel);
            assert_eq!(alone, "n:010101010101010101010101", "what is critical is alone");
        }
    }
}
