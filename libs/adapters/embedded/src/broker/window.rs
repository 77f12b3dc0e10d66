//! The head of a queue that is in memory, and how much lies behind it in the table.

use super::message::{Entry, Slot};
use std::collections::VecDeque;

/// Most messages of one queue that wait in memory.
pub(super) const WINDOW_MESSAGES: usize = 4_096;
/// Most payload bytes of one queue that wait in memory: some 80 full frames, ahead of what a consumer prefetches.
pub(super) const WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// Messages in slot order; behind them, `beyond` more that only the table has.
#[derive(Debug)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
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
    pub(super) fn first(&self) -> Option<&Entry> {
        self.entries.front()
    }

    /// The oldest message in memory, if it is this one.
    pub(super) fn first_if(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.entries.front_mut().filter(|entry| entry.slot == slot)
    }

    /// Takes the oldest message in memory.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.message.bytes();
        Some(entry)
    }

    /// Adds the newest message if there is room and nothing before it is missing; else only counts it.
    pub(super) fn append(&mut self, entry: Entry) {
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
    pub(super) fn push(&mut self, entry: Entry) {
        self.bytes += entry.message.bytes();
        self.entries.push_back(entry);
    }

    /// Counts the newest message, which only the table has.
    pub(super) fn skip(&mut self, slot: Slot) {
        self.committed = slot;
        self.beyond += 1;
    }

    /// A message that only the table had has left it.
    pub(super) fn forget_one(&mut self) {
        self.beyond = self.beyond.saturating_sub(1);
    }

    /// Where in the table the messages behind the window are.
    pub(super) fn missing(&self) -> Option<(Slot, Slot)> {
        (self.beyond > 0).then_some((self.loaded, self.committed))
    }

    /// Adds what was read behind the window, in a range up to `to`. If it was not `complete`, the rest still lies behind.
    ///
    /// Safe to repeat: what another reader already brought is passed over.
    pub(super) fn fill(&mut self, entries: Vec<Entry>, to: Slot, complete: bool) {
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
    pub(super) fn put_back(&mut self, entry: Entry) {
        self.bytes += entry.message.bytes();
        let place = self.entries.partition_point(|other| other.slot < entry.slot);
        self.entries.insert(place, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::message::Message;
    use bytes::Bytes;
    use eventflow_bus::port::Headers;

    fn entry(slot: i64, bytes: usize) -> Entry {
        let message =
            Message { payload: Bytes::from(vec![0; bytes]), headers: Headers::default(), reply_to: None };
        Entry::new(Slot(slot), message)
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
