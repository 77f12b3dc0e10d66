//! What one person is to be told, and whether a channel tells it.

use super::known::Person;
use super::parts::{Grace, wants};
use eventflow_ports::Hold;
use eventflow_protocol::inbox::Channels;
use eventflow_protocol::outbound::{Channel, DeliveryEntry, DeliveryOutcome, Reason, Told};
use eventflow_protocol::{Timestamp, UserId};
use std::sync::Arc;
use std::time::Duration;

/// What one person is to be told, or why not.
pub(super) struct Wish {
    pub(super) user_id: UserId,
    pub(super) told: Told,
    pub(super) person: Arc<Person>,
    /// The channels by which the person wants to be told this kind of thing.
    pub(super) channels: Channels,
    /// The channels that the sender chose.
    pub(super) chosen: Channels,
    /// Why the person is not told by any channel.
    pub(super) reason: Option<Reason>,
}

impl Wish {
    pub(super) fn reason_against(&self, channel: Channel) -> Option<Reason> {
        let not_chosen = (!wants(self.chosen, channel)).then_some(Reason::NotChosen);
        let unwanted = (!wants(self.channels, channel)).then_some(Reason::Preference);
        self.reason.or(not_chosen).or(unwanted)
    }

    pub(super) fn hold(&self, channel: Channel, grace: Grace, now: Timestamp) -> Hold {
        let grace = if self.told.critical { Duration::ZERO } else { grace.of(channel) };
        let ready = self.told.at.plus(grace).max(now);
        let due_at = self.person.preferences.due_at(channel, self.told.critical, ready);
        let waits_for = self.person.preferences.waits_for(channel, self.told.critical, ready);
        Hold { user_id: self.user_id.clone(), channel, told: self.told, due_at, waits_for, now, again: false }
    }

    /// The holds by these channels, which left it out because the person was taken for connected. Reasons
    /// against it have their rows already, or are found again before it is sent.
    pub(super) fn holds_again(&self, channels: &[Channel], grace: Grace, now: Timestamp) -> Vec<Hold> {
        let can_tell = |channel: &&Channel| {
            self.person.unreachable(**channel).is_none() && self.reason_against(**channel).is_none()
        };
        let hold = |channel: &Channel| Hold { again: true, ..self.hold(*channel, grace, now) };
        channels.iter().filter(can_tell).map(hold).collect()
    }

    pub(super) fn row(&self, channel: Channel, reason: Reason, now: Timestamp) -> DeliveryEntry {
        let outcome = DeliveryOutcome::Suppressed { reason };
        DeliveryEntry::new(self.user_id.clone(), channel, self.told.about, None, outcome, now)
    }
}
