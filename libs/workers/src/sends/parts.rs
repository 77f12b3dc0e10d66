//! What sends are built on: the ports, and the sizes of their steps.

use eventflow_bus::port::Broker;
use eventflow_bus::topology::Topology;
use eventflow_ports::{Clock, Directory, ErasedPeople, Inbox, Outbound, Sends};
use std::sync::Arc;
use std::time::Duration;

/// People of a step: one bulk write, and at most so many are told once more after a crash.
const STEP_PEOPLE: u32 = 250;
/// Questions to the store at the same time: half of what its connections carry.
pub(super) const ASKED_AT_ONCE: usize = 16;

/// What sends need.
#[derive(Clone)]
pub struct SendParts {
    /// Keeps sends.
    pub sends: Arc<dyn Sends>,
    /// Knows the people of a segment.
    pub directory: Arc<dyn Directory>,
    /// Keeps notifications and preferences.
    pub inbox: Arc<dyn Inbox>,
    /// Keeps the delivery log.
    pub outbound: Arc<dyn Outbound>,
    /// Remembers who is erased: they are not told anything.
    pub erased: ErasedPeople,
    /// Carries events to the fan-out stage.
    pub broker: Arc<dyn Broker>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// The shards of the fan-out stage.
    pub topology: Topology,
    /// People told in a second, at most: what comes behind them must not wait long.
    pub per_second: u32,
    /// How long sends are kept after their end.
    pub kept: Duration,
}

impl SendParts {
    /// People of a step: at most as many as may be told in a second.
    pub(super) fn step_people(&self) -> u32 {
        self.per_second.clamp(1, STEP_PEOPLE)
    }
}
