//! What the decision needs, and the small rules about channels that its files share.

use eventflow_bus::port::Broker;
use eventflow_bus::topology::Topology;
use eventflow_ports::{Clock, Directory, ErasedPeople, Inbox, Outbound, PresenceStore, PushDevices, Store};
use eventflow_protocol::inbox::Channels;
use eventflow_protocol::outbound::Channel;
use std::sync::Arc;
use std::time::Duration;

/// How long people have, from the moment something is stored, to see it before they are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// Until a mail.
    pub email: Duration,
    /// Until a push message.
    pub push: Duration,
}

impl Grace {
    pub(super) fn of(self, channel: Channel) -> Duration {
        match channel {
            Channel::Email => self.email,
            Channel::Push => self.push,
        }
    }
}

/// What the decision needs.
#[derive(Clone)]
pub struct DecisionParts {
    /// Keeps windows and the delivery log.
    pub outbound: Arc<dyn Outbound>,
    /// Keeps threads and messages.
    pub store: Arc<dyn Store>,
    /// Keeps notifications and preferences.
    pub inbox: Arc<dyn Inbox>,
    /// Remembers who is erased: nothing is told to them, and nothing noted of them.
    pub erased: ErasedPeople,
    /// Knows where mail reaches people.
    pub directory: Arc<dyn Directory>,
    /// Knows who has a device for pushes.
    pub devices: Arc<dyn PushDevices>,
    /// Knows who is there.
    pub presence: Arc<dyn PresenceStore>,
    /// Carries what is cleared to the push workers, and who was told to the fan-out stage.
    pub broker: Arc<dyn Broker>,
    /// The shards of the fan-out stage.
    pub topology: Topology,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// How long people have to see it by themselves.
    pub grace: Grace,
}

/// Whether the channel is on.
pub(crate) fn wants(channels: Channels, channel: Channel) -> bool {
    match channel {
        Channel::Email => channels.email,
        Channel::Push => channels.push,
    }
}
