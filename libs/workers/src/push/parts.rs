//! What the push stage is built from.

use eventflow_ports::outbound::Outbound;
use eventflow_ports::push_devices::PushDevices;
use eventflow_ports::{Clock, Inbox, People, Pusher, Store};
use std::sync::Arc;

/// What the push stage needs.
#[derive(Clone)]
pub struct PushParts {
    /// Keeps windows and the delivery log.
    pub outbound: Arc<dyn Outbound>,
    /// Keeps devices, and what they show.
    pub devices: Arc<dyn PushDevices>,
    /// Sends to push services.
    pub pusher: Arc<dyn Pusher>,
    /// Keeps threads and messages.
    pub store: Arc<dyn Store>,
    /// Keeps notifications and preferences.
    pub inbox: Arc<dyn Inbox>,
    /// Tells what people are called.
    pub people: People,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
}
