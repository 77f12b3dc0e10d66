//! A message as this broker keeps it in memory and in the table, and its place in its queue.

use bytes::Bytes;
use eventflow_bus::port::Headers;
use eventflow_bus::topology::SUSPECT_DELIVERIES;

/// Slot: its low bits are the position in the queue, from 1. Enough for 280 million million messages per
/// queue.
const POSITION_BITS: u32 = 48;
/// Slot: its high bits are the number of the queue. The remaining bits of a positive 64-bit number bound the
/// number of queues.
pub(super) const QUEUE_NUMBER_MAX: i64 = (1 << 15) - 1;

/// A message without its place.
#[derive(Clone, Debug)]
pub(super) struct BrokerMessage {
    /// An encoded frame.
    pub(super) payload: Bytes,
    /// The facts beside the payload.
    pub(super) headers: Headers,
    /// The address of whoever waits for a reply.
    pub(super) reply_to: Option<String>,
}

impl BrokerMessage {
    /// Payload size in bytes, which counts towards bounds.
    pub(super) fn bytes(&self) -> u64 {
        self.payload.len() as u64
    }
}

/// The place of a message: queue number and position in one number, which is the row id. So one B-tree
/// without further indexes keeps every queue together and in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(pub(super) i64);

impl Slot {
    /// The slot before the first message of a queue.
    pub(super) fn start(queue: i64) -> Self {
        Self(queue << POSITION_BITS)
    }

    /// The last slot a queue can have.
    pub(super) fn end(queue: i64) -> Self {
        Self(((queue + 1) << POSITION_BITS).wrapping_sub(1))
    }
}

/// A message in its place.
#[derive(Clone, Debug)]
pub(super) struct QueuedMessage {
    /// Its place.
    pub(super) slot: Slot,
    /// Deliveries that ended without an acknowledgement.
    pub(super) deliveries: u32,
    /// Whether it was handed out before.
    pub(super) redelivered: bool,
    /// Whether the table's count includes the next delivery, or the one under way, already.
    pub(super) counted_ahead: bool,
    /// The message itself.
    pub(super) message: BrokerMessage,
}

impl QueuedMessage {
    /// A message that was never handed out.
    pub(super) fn new(slot: Slot, message: BrokerMessage) -> Self {
        Self { slot, deliveries: 0, redelivered: false, counted_ahead: false, message }
    }

    /// Whether it is suspected to kill its consumers.
    pub(super) fn is_suspect(&self) -> bool {
        self.deliveries >= SUSPECT_DELIVERIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slots_of_two_queues_never_mix() {
        assert!(Slot::end(0) < Slot::start(1));
        assert!(Slot::start(QUEUE_NUMBER_MAX) < Slot::end(QUEUE_NUMBER_MAX));
        assert_eq!(Slot::end(QUEUE_NUMBER_MAX), Slot(i64::MAX));
    }
}
