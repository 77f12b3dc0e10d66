//! Whose turn it is: messages that arrive live for a socket that is being caught up wait behind those it missed.
//!
//! Nothing is kept of a waiting message but its place; it is read from the store when its turn comes. Afterwards the floors stay:
//! a message that arrives again, by another gateway's or worker's repetition, is known by its place in the thread.

use crate::ws::resume::Resumable;
use eventflow_protocol::ThreadId;
use std::collections::HashMap;

/// What becomes of a message that arrives live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It may be emitted.
    Now,
    /// It waits, or the socket has it.
    NotNow,
}

/// The order of messages of one socket.
#[derive(Debug)]
pub(crate) struct Turns {
    wanted: Resumable,
    is_started: bool,
    is_finished: bool,
    /// The newest message of each thread that the client has.
    floors: HashMap<ThreadId, u64>,
    /// The first and the newest message of each thread that waits.
    waiting: HashMap<ThreadId, (u64, u64)>,
}

impl Turns {
    /// Everything waits until [`Turns::finish`].
    pub(crate) fn new(wanted: Resumable) -> Self {
        Self {
            wanted,
            is_started: false,
            is_finished: false,
            floors: HashMap::new(),
            waiting: HashMap::new(),
        }
    }

    /// What is to be caught up with, once.
    pub(crate) fn start(&mut self) -> Option<Resumable> {
        (!std::mem::replace(&mut self.is_started, true)).then(|| self.wanted.clone())
    }

    /// A message arrives live.
    pub(crate) fn take(&mut self, thread: ThreadId, seq: u64) -> Turn {
        if self.floors.get(&thread).is_some_and(|floor| seq <= *floor) {
            return Turn::NotNow;
        }
        if self.is_finished {
            return Turn::Now;
        }
        let (first, newest) = self.waiting.entry(thread).or_insert((seq, seq));
        (*first, *newest) = (seq.min(*first), seq.max(*newest));
        Turn::NotNow
    }

    /// The client has the thread up to here.
    pub(crate) fn reached(&mut self, thread: ThreadId, seq: u64) {
        let floor = self.floors.entry(thread).or_default();
        *floor = seq.max(*floor);
    }

    /// How far the thread has got, and the first and the newest message that wait.
    pub(crate) fn place(&self, thread: ThreadId) -> (Option<u64>, Option<(u64, u64)>) {
        (self.floors.get(&thread).copied(), self.waiting.get(&thread).copied())
    }

    /// Threads in which messages wait.
    pub(crate) fn waiting(&mut self) -> Vec<ThreadId> {
        let floors = &self.floors;
        self.waiting.retain(|thread, (_, newest)| floors.get(thread).is_none_or(|floor| floor < newest));
        self.waiting.keys().copied().collect()
    }

    /// From now on nothing waits any more.
    pub(crate) fn finish(&mut self) {
        self.is_finished = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::resume::Tag;

    const ONE: ThreadId = ThreadId::from_bytes([1; 12]);
    const OTHER: ThreadId = ThreadId::from_bytes([2; 12]);

    fn turns() -> Turns {
        Turns::new(Resumable { left: Vec::new(), tag: Tag::random() })
    }

    #[test]
    fn live_messages_wait_until_everything_before_them_is_there() {
        let mut turns = turns();
        assert_eq!([5, 6].map(|seq| turns.take(ONE, seq)), [Turn::NotNow; 2]);
        assert_eq!(turns.place(ONE), (None, Some((5, 6))));
        assert_eq!(turns.waiting(), [ONE]);
        turns.reached(ONE, 5);
        assert_eq!(turns.waiting(), [ONE], "one still waits");
        turns.reached(ONE, 6);
        assert!(turns.waiting().is_empty());
        turns.finish();
        assert_eq!([turns.take(ONE, 7), turns.take(OTHER, 1)], [Turn::Now; 2]);
    }

    #[test]
    fn what_the_client_has_is_not_emitted_again() {
        let mut turns = turns();
        turns.reached(ONE, 5);
        assert_eq!(turns.take(ONE, 5), Turn::NotNow);
        assert!(turns.waiting().is_empty());
        turns.finish();
        assert_eq!([4, 5, 6].map(|seq| turns.take(ONE, seq)), [Turn::NotNow, Turn::NotNow, Turn::Now]);
    }

    #[test]
    fn it_starts_once() {
        let mut turns = turns();
        assert!(turns.start().is_some());
        assert!(turns.start().is_none());
    }
}
