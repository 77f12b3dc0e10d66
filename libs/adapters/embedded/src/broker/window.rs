//! The window of a queue: its first messages, which are in memory, and how many more only the table has.

use super::message::{QueuedMessage, Slot};
use std::collections::VecDeque;

/// Size: most messages of one queue that wait in memory.
pub(super) const WINDOW_MESSAGES: usize = 4_096;
/// Size: most payload bytes of one queue that wait in memory. Some 80 full frames, beyond what a consumer
/// prefetches.
pub(super) const WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// Messages in slot order, and behind them `beyond` more that only the table has.
#[derive(Debug)]
pub(super) struct Window {
    entries: VecDeque<QueuedMessage>,
    bytes: u64,
    loaded: Slot,
    committed: Slot,
    beyond: u64,
}

impl Window {
    /// Nothing in memory, `beyond` messages in the table after `start` and up to `end`.
    pub(super) fn new(start: Slot, end: Slot, beyond: u64) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, loaded: start, committed: end, beyond }
    }

    /// All messages, here and in the table.
    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64 + self.beyond
    }

    /// The oldest message in memory.
    pub(super) fn first(&self) -> Option<&QueuedMessage> {
        self.entries.front()
    }

    /// The oldest message in memory, if it is this one.
    pub(super) fn first_if(&mut self, slot: Slot) -> Option<&mut QueuedMessage> {
        self.entries.front_mut().filter(|entry| entry.slot == slot)
    }

    /// Takes the oldest message in memory.
    pub(super) fn pop(&mut self) -> Option<QueuedMessage> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.message.bytes();
        Some(entry)
    }

    /// Adds the newest message if there is room and no earlier message is missing. Counts it otherwise.
    pub(super) fn append(&mut self, entry: QueuedMessage) {
        let room = self.entries.len() < WINDOW_MESSAGES && self.bytes < WINDOW_BYTES;
        if room && self.beyond == 0 {
            self.loaded = entry.slot;
            self.committed = entry.slot;
            self.push(entry);
        } else {
            self.skip(entry.slot);
        }
    }

    /// Adds the newest message whether there is room or not.
    pub(super) fn push(&mut self, entry: QueuedMessage) {
        self.bytes += entry.message.bytes();
        self.entries.push_back(entry);
    }

    /// Counts the newest message, which only the table has.
    pub(super) fn skip(&mut self, slot: Slot) {
        self.committed = slot;
        self.beyond += 1;
    }

    /// Takes note that a message has left the table without having been in memory.
    pub(super) fn forget_one(&mut self) {
        self.beyond = self.beyond.saturating_sub(1);
    }

    /// Where in the table the messages behind the window are.
    pub(super) fn missing(&self) -> Option<(Slot, Slot)> {
        (self.beyond > 0).then_some((self.loaded, self.committed))
    }

    /// Adds messages that were read behind the window, in a range up to `to`. If the read was not `complete`,
    /// the table has more.
    ///
    /// Safe to repeat because messages that another reader has added already are skipped.
    pub(super) fn fill(&mut self, entries: Vec<QueuedMessage>, to: Slot, complete: bool) {
        for entry in entries {
            if entry.slot > self.loaded {
                self.loaded = entry.slot;
                self.forget_one();
                self.push(entry);
            }
        }
        if complete && to >= self.committed {
            self.loaded = self.loaded.max(to);
            self.beyond = 0;
        }
    }

    /// Returns a message to its place.
    pub(super) fn put_back(&mut self, entry: QueuedMessage) {
        self.bytes += entry.message.bytes();
        let place = self.entries.partition_point(|other| other.slot < entry.slot);
        self.entries.insert(place, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::message::BrokerMessage;
    use bytes::Bytes;
    use eventflow_bus::port::Headers;

    fn entry(slot: i64, bytes: usize) -> QueuedMessage {
        let message = BrokerMessage {
            payload: Bytes::from(vec![0; bytes]),
            headers: Headers::default(),
            reply_to: None,
        };
        QueuedMessage::new(Slot(slot), message)
    }

    fn drain(window: &mut Window) -> Vec<i64> {
        std::iter::from_fn(|| window.pop()).map(|entry| entry.slot.0).collect()
    }

    #[test]
    fn what_returns_takes_its_old_place() {
        let mut window = Window::new(Slot(0), Slot(0), 0);
        (1..=5).for_each(|slot| window.append(entry(slot, 1)));
        let (first, second) = (window.pop().unwrap(), window.pop().unwrap());
        window.put_back(second);
        window.put_back(first);
        assert_eq!(drain(&mut window), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn beyond_the_bound_messages_are_counted_and_read_later_in_order() {
        let mut window = Window::new(Slot(0), Slot(0), 0);
        let size = usize::try_from(WINDOW_BYTES).unwrap();
        window.append(entry(1, size));
        window.append(entry(2, 1));
        window.append(entry(3, 1));
        assert_eq!((window.len(), window.missing()), (3, Some((Slot(1), Slot(3)))));
        assert_eq!(drain(&mut window), [1]);
        window.append(entry(4, 1));
        window.fill(vec![entry(2, 1), entry(3, 1)], Slot(3), true);
        assert_eq!((drain(&mut window), window.missing()), (vec![2, 3], Some((Slot(3), Slot(4)))));
        window.fill(vec![entry(4, 1)], Slot(4), true);
        window.fill(vec![entry(4, 1)], Slot(4), true);
        assert_eq!((drain(&mut window), window.len()), (vec![4], 0));
    }

    #[test]
    fn rows_that_vanished_from_the_table_are_not_waited_for() {
        let mut window = Window::new(Slot(0), Slot(9), 9);
        window.fill(vec![entry(2, 1)], Slot(9), true);
        assert_eq!((window.len(), window.missing()), (1, None));
    }
}
