//! The gate for live messages: while a socket is being caught up, messages that arrive live wait behind those
//! it missed.
//!
//! Of a waiting message only its place is kept; the catch-up reads it from the store when its turn comes.
//! Afterwards the floors stay: a message that arrives again, because another gateway or worker repeats it, is
//! known by its place in the thread.

use crate::ws::sockets::resume_token::LeftSessions;
use eventflow_protocol::ThreadId;
use std::collections::HashMap;

/// Whether a live message may be emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It may be emitted.
    Open,
    /// It waits, or the client has it.
    Closed,
}

/// How far a socket has got in a thread, and what waits for it there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The newest message that the client has.
    pub(crate) floor: Option<u64>,
    /// The live messages that wait.
    pub(crate) waiting: Option<Waiting>,
}

/// The live messages of one thread that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) first: u64,
    pub(crate) newest: u64,
}

/// The order of messages of one socket.
#[derive(Debug)]
pub(crate) struct LiveGate {
    left: LeftSessions,
    is_started: bool,
    is_finished: bool,
    /// The newest message of each thread that the client has.
    floors: HashMap<ThreadId, u64>,
    waiting: HashMap<ThreadId, Waiting>,
}

impl LiveGate {
    /// A closed gate: every message waits until [`LiveGate::open`].
    pub(crate) fn new(left: LeftSessions) -> Self {
        Self { left, is_started: false, is_finished: false, floors: HashMap::new(), waiting: HashMap::new() }
    }

    /// The sessions that the client left for this one.
    pub(crate) fn left(&self) -> &LeftSessions {
        &self.left
    }

    /// The sessions to catch up with; given once, to whoever starts the catch-up.
    pub(crate) fn start(&mut self) -> Option<LeftSessions> {
        if self.is_started {
            return None;
        }
        self.is_started = true;
        Some(self.left.clone())
    }

    /// A message arrives live.
    pub(crate) fn arrive(&mut self, thread: ThreadId, seq: u64) -> Passage {
        if self.floors.get(&thread).is_some_and(|floor| seq <= *floor) {
            return Passage::Closed;
        }
        if self.is_finished {
            return Passage::Open;
        }
        let waiting = self.waiting.entry(thread).or_insert(Waiting { first: seq, newest: seq });
        waiting.first = seq.min(waiting.first);
        waiting.newest = seq.max(waiting.newest);
        Passage::Closed
    }

    /// The client has the thread up to `seq`.
    pub(crate) fn reached(&mut self, thread: ThreadId, seq: u64) {
        let floor = self.floors.entry(thread).or_default();
        *floor = seq.max(*floor);
    }

    /// How far the client has got in the thread.
    pub(crate) fn progress(&self, thread: ThreadId) -> Progress {
        Progress { floor: self.floors.get(&thread).copied(), waiting: self.waiting.get(&thread).copied() }
    }

    /// Threads in which messages wait. Forgets those whose waiting messages the client has by now.
    pub(crate) fn waiting(&mut self) -> Vec<ThreadId> {
        let floors = &self.floors;
        self.waiting.retain(|thread, waiting| floors.get(thread).is_none_or(|floor| *floor < waiting.newest));
        self.waiting.keys().copied().collect()
    }

    /// From now on nothing waits any more.
    pub(crate) fn open(&mut self) {
        self.is_finished = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::sockets::resume_token::SessionTag;

    const ONE: ThreadId = ThreadId::from_bytes([1; 12]);
    const OTHER: ThreadId = ThreadId::from_bytes([2; 12]);

    fn gate() -> LiveGate {
        LiveGate::new(LeftSessions { sessions: Vec::new(), tag: SessionTag::random() })
    }

    #[test]
    fn live_messages_wait_until_everything_before_them_is_there() {
        let mut gate = gate();
        assert_eq!([5, 6].map(|seq| gate.arrive(ONE, seq)), [Passage::Closed; 2]);
        let waiting = Some(Waiting { first: 5, newest: 6 });
        assert_eq!(gate.progress(ONE), Progress { floor: None, waiting });
        assert_eq!(gate.waiting(), [ONE]);
        gate.reached(ONE, 5);
        assert_eq!(gate.waiting(), [ONE], "one still waits");
        gate.reached(ONE, 6);
        assert!(gate.waiting().is_empty());
        gate.open();
        assert_eq!([gate.arrive(ONE, 7), gate.arrive(OTHER, 1)], [Passage::Open; 2]);
    }

    #[test]
    fn what_the_client_has_is_not_emitted_again() {
        let mut gate = gate();
        gate.reached(ONE, 5);
        assert_eq!(gate.arrive(ONE, 5), Passage::Closed);
        assert!(gate.waiting().is_empty());
        gate.open();
        let passages = [4, 5, 6].map(|seq| gate.arrive(ONE, seq));
        assert_eq!(passages, [Passage::Closed, Passage::Closed, Passage::Open]);
    }

    #[test]
    fn it_starts_once() {
        let mut gate = gate();
        assert!(gate.start().is_some());
        assert!(gate.start().is_none());
    }
}
