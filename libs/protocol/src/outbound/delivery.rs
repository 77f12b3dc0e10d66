//! The delivery log: what became of everything that somebody was to be told.
//!
//! A row's id follows from what it says, so that repeating it adds nothing.

use super::{About, Channel, WindowId, derived};
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The person has read it meanwhile.
    Read,
    /// Its sender has taken it back, or the mention.
    TakenBack,
    /// The person has muted the thread.
    Muted,
    /// The person has archived the thread.
    Archived,
    /// The person has left the thread.
    Left,
    /// The person and its sender are kept apart by a block, or the thread is away for the person.
    Blocked,
    /// The person does not want this kind of notification by this channel.
    Preference,
    /// It came before an administrator ended all of the person's logins.
    Revoked,
    /// Nobody knows an e-mail address of the person.
    NoAddress,
    /// The person has no device for push messages.
    NoDevice,
    /// The address bounced, complained or unsubscribed.
    AddressSuppressed,
    /// The person's sockets have told them: they were there when it came, or a client of theirs has reported
    /// it as delivered.
    Online,
    /// Its sender cancelled it.
    Cancelled,
    /// It does not exist any more.
    Gone,
    /// The operator has switched the channel off.
    SwitchedOff,
    /// Its sender chose other channels.
    NotChosen,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 16] = [
        Self::Read,
        Self::TakenBack,
        Self::Muted,
        Self::Archived,
        Self::Left,
        Self::Blocked,
        Self::Preference,
        Self::Revoked,
        Self::NoAddress,
        Self::NoDevice,
        Self::AddressSuppressed,
        Self::Online,
        Self::Cancelled,
        Self::Gone,
        Self::SwitchedOff,
        Self::NotChosen,
    ];

    /// Name of the reason in stores, ids and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::TakenBack => "taken_back",
            Self::Muted => "muted",
            Self::Archived => "archived",
            Self::Left => "left",
            Self::Blocked => "blocked",
            Self::Preference => "preference",
            Self::Revoked => "revoked",
            Self::NoAddress => "no_address",
            Self::NoDevice => "no_device",
            Self::AddressSuppressed => "address_suppressed",
            Self::Online => "online",
            Self::Cancelled => "cancelled",
            Self::Gone => "gone",
            Self::SwitchedOff => "switched_off",
            Self::NotChosen => "not_chosen",
        }
    }
}

/// What became of one thing that somebody was to be told by one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// It opened a window, or its window waits longer.
    Held {
        /// When the window is due.
        until: Timestamp,
        /// What it waits for; `None` in rows of versions that did not say it.
        #[serde(default)]
        waits_for: Option<WaitsFor>,
        /// What the provider answered that it waits for, without addresses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
    },
    /// It joined a window that was open.
    Folded {
        /// The window.
        window_id: WindowId,
    },
    /// It was not sent.
    Suppressed {
        /// Why not.
        reason: Reason,
    },
    /// The provider took it.
    Sent {
        /// Who took it, e.g. `smtp` or `fcm`.
        provider: String,
        /// What the provider answered, without addresses.
        answer: String,
    },
    /// The provider refused it for good.
    Failed {
        /// What the provider answered, without addresses.
        answer: String,
    },
}

impl DeliveryOutcome {
    /// Name of the outcome in stores, ids and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Folded { .. } => "folded",
            Self::Suppressed { .. } => "suppressed",
            Self::Sent { .. } => "sent",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether the outcome says that the item is in a window, rather than how it ended.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Held { .. } | Self::Folded { .. })
    }
}

/// What a window waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// The person may see it by themselves.
    Attention,
    /// The person's digest.
    Digest,
    /// The end of the person's quiet hours.
    QuietHours,
    /// The provider, which put it off, with this `answer`.
    Provider,
}

/// A row of the delivery log. It holds no address and no content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryEntry {
    /// The id. It follows from the other fields but `at`, so a repetition adds no row.
    pub id: Uuid,
    /// The person.
    pub user_id: UserId,
    /// The channel.
    pub channel: Channel,
    /// What it is about.
    pub about: About,
    /// The window that it is in, or was in.
    pub window_id: Option<WindowId>,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// When.
    pub at: Timestamp,
}

impl DeliveryEntry {
    /// An entry with the id that follows from the arguments.
    ///
    /// A person is told something by a channel once, so all entries that say "it is in a window" have one id,
    /// whichever window that is. Other outcomes are told apart by their window and name.
    pub fn new(
        user_id: UserId,
        channel: Channel,
        about: About,
        window_id: Option<WindowId>,
        outcome: DeliveryOutcome,
        at: Timestamp,
    ) -> Self {
        let id = if outcome.is_waiting() {
            Self::waiting_id(&user_id, channel, &about)
        } else {
            let window = window_id.map(|window| window.to_string()).unwrap_or_default();
            derived(&[user_id.as_str(), channel.name(), &about.reference(), &window, outcome.name()])
        };
        Self { id, user_id, channel, about, window_id, outcome, at }
    }

    /// An entry that says that this waits in its window longer than an earlier entry said.
    pub fn held_again(
        user_id: UserId,
        channel: Channel,
        about: About,
        window_id: WindowId,
        (until, waits_for): (Timestamp, WaitsFor),
        at: Timestamp,
    ) -> Self {
        let parts = [window_id.to_string(), until.0.to_string()];
        let id = derived(&[
            user_id.as_str(),
            channel.name(),
            &about.reference(),
            &parts[0],
            "held until",
            &parts[1],
        ]);
        let outcome = DeliveryOutcome::Held { until, waits_for: Some(waits_for), answer: None };
        Self { id, user_id, channel, about, window_id: Some(window_id), outcome, at }
    }

    /// The entry that says that the provider put this off until then, made of the one that would say that it
    /// failed.
    #[must_use]
    pub fn put_off(failed: &Self, until: Timestamp, answer: &str) -> Self {
        let Self { user_id, channel, about, window_id, .. } = failed;
        let window = window_id.map(|window| window.to_string()).unwrap_or_default();
        let until_text = until.0.to_string();
        let parts =
            [user_id.as_str(), channel.name(), &about.reference(), &window, "put off until", &until_text];
        let outcome = DeliveryOutcome::Held { until, waits_for: None, answer: Some(answer.to_owned()) };
        Self { id: derived(&parts), outcome, ..failed.clone() }
    }

    /// The id of the entry that says that this is in a window.
    pub fn waiting_id(user_id: &UserId, channel: Channel, about: &About) -> Uuid {
        derived(&[user_id.as_str(), channel.name(), &about.reference(), "waiting"])
    }

    /// The id of the entry that says that this is in a window once more, because the person was taken for
    /// connected and may not have been.
    pub fn waiting_again_id(user_id: &UserId, channel: Channel, about: &About) -> Uuid {
        derived(&[user_id.as_str(), channel.name(), &about.reference(), "waiting again"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MessageId, ThreadId};

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

    #[test]
    fn the_same_outcome_has_the_same_id_and_another_one_has_not() {
        let entry = |about, outcome, at| {
            DeliveryEntry::new(ann(), Channel::Push, about, None, outcome, Timestamp(at)).id
        };
        let read = || DeliveryOutcome::Suppressed { reason: Reason::Read };
        let held = || DeliveryOutcome::Held { until: Timestamp(1), waits_for: None, answer: None };
        let folded = DeliveryOutcome::Folded { window_id: WindowId::new() };
        assert_eq!(entry(message(1), read(), 1), entry(message(1), read(), 2));
        assert_ne!(entry(message(1), read(), 1), entry(message(2), read(), 1));
        assert_ne!(entry(message(1), read(), 1), entry(message(1), held(), 1));
        assert_eq!(entry(message(1), folded, 1), entry(message(1), held(), 1), "it is in one window");
    }
}
