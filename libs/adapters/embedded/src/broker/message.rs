//! A message as this broker keeps it, in memory and in the table, and its place in its queue.

use bytes::Bytes;
use eventflow_bus::port::Headers;
use eventflow_bus::topology::SUSPECT_DELIVERIES;

/// Low bits of a slot: the position in the queue, from 1. Enough for 280 million million messages per queue.
const POSITION_BITS: u32 = 48;
/// Most durable queues: what the remaining bits of a positive 64-bit number can tell apart.
pub(super) const QUEUE_NUMBER_MAX: i64 = (1 << 15) - 1;

/// What is carried.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// An encoded frame.
    pub(super) payload: Bytes,
    /// Facts beside it.
    pub(super) headers: Headers,
    /// Where an answer goes.
    pub(super) reply_to: Option<String>,
}

impl Message {
    /// Bytes of payload, for bounds.
    pub(super) fn bytes(&self) -> u64 {
        self.payload.len() as u64
    }
}

/// The place of a message: queue number and position in one number, which is the row id. So one B-tree without further
/// indexes keeps every queue together and in order.
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
pub(super) struct Entry {
    /// Its place.
    pub(super) slot: Slot,
    /// Deliveries that ended without an acknowledgement.
    pub(super) deliveries: u32,
    /// It was handed out before.
    pub(super) redelivered: bool,
    /// The delivery that comes next, or that is going on, is in the table's count already.
    pub(super) counted_ahead: bool,
    /// What it carries.
    pub(super) message: Message,
}

impl Entry {
    /// A message that was never handed out.
    pub(super) fn new(slot: Slot, message: Message) -> Self {
        Self { slot, deliveries: 0, redelivered: false, counted_ahead: false, message }
    }

    /// Whether it may kill whoever takes it.
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
