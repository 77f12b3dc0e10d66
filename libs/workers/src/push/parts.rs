//! What the push stage is built from.

use crate::notify::again::AgainParts;
use eventflow_ports::outbound::Outbound;
use eventflow_ports::push_devices::PushDevices;
use eventflow_ports::{Clock, People, Pusher};
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
    /// Tells what people are called.
    pub people: People,
    /// What the second decision reads.
    pub again: AgainParts,
}

impl PushParts {
    /// Tells the time of day.
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.again.clock
    }
}
