//! Which sockets look at whom: those that asked for somebody's presence, and those that have a thread open with them.
//!
//! A change of somebody's presence goes to their watchers and to nobody else. Nobody watches themselves by opening a thread: published
//! pages take whatever they hear for the other one's. What one socket looks at is bounded, and the oldest makes room: it is what a screen
//! shows. Adding and removing can be repeated.

use crate::ws::hub::Hub;
use eventflow_protocol::event::Participants;
use eventflow_protocol::{ThreadId, UserId};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet, VecDeque};

/// Threads a socket can have open: more windows than anybody has.
pub(crate) const OPEN_MAX: usize = 50;
/// People a socket can have asked for: five times what one question may name.
pub(crate) const ASKED_MAX: usize = 1_000;
/// In larger threads opening one does not make anybody watch everybody: changes would grow with the square of the thread.
pub(crate) const WATCHED_THREAD_MAX: usize = 100;
/// Threads whose newest delivered message is remembered for a socket that is away.
const KEPT_MAX: usize = 64;

/// What one socket looks at and does; allocated when it first does any of it.
#[derive(Debug, Default)]
pub(crate) struct Looking {
    open: VecDeque<(ThreadId, Box<[UserId]>)>,
    asked: VecDeque<UserId>,
    /// Threads in which it said last that somebody types.
    pub(crate) typing: Vec<ThreadId>,
    kept: HashMap<ThreadId, u64>,
}

impl Looking {
    /// A message is kept for the socket's return.
    pub(crate) fn keep(&mut self, thread: ThreadId, seq: u64) {
        if self.kept.len() < KEPT_MAX || self.kept.contains_key(&thread) {
            let newest = self.kept.entry(thread).or_default();
            *newest = seq.max(*newest);
        }
    }

    /// The newest kept messages by thread, which are on their way now.
    pub(crate) fn take_kept(&mut self) -> HashMap<ThreadId, u64> {
        std::mem::take(&mut self.kept)
    }

    /// Whether the thread is open.
    pub(crate) fn has_open(&self, thread: ThreadId) -> bool {
        self.open.iter().any(|(open, _)| *open == thread)
    }

    /// Everybody it looks at, each once.
    pub(crate) fn watched(&self) -> HashSet<UserId> {
        self.open.iter().flat_map(|(_, people)| people).chain(&self.asked).cloned().collect()
    }

    fn watches(&self, user: &UserId) -> bool {
        self.asked.contains(user) || self.open.iter().any(|(_, people)| people.contains(user))
    }
}

/// Whom `viewer` watches in a thread of these people.
pub(crate) fn watched_in(people: &Participants, viewer: &UserId) -> Box<[UserId]> {
    if people.len() > WATCHED_THREAD_MAX {
        return Box::default();
    }
    people.iter().filter(|user| *user != viewer).cloned().collect()
}

/// The watchers of everybody, and how many sockets have each thread open.
pub(crate) struct Watch<S> {
    watchers: Hub<S>,
    rooms: Mutex<HashMap<ThreadId, u32>>,
}

impl<S: Clone + PartialEq> Watch<S> {
    pub(crate) fn new() -> Self {
        Self { watchers: Hub::new(), rooms: Mutex::default() }
    }

    /// The socket has a thread open and watches `people` by that.
    pub(crate) fn open(&self, looking: &mut Looking, socket: &S, thread: ThreadId, people: Box<[UserId]>) {
        self.close(looking, socket, thread);
        if looking.open.len() == OPEN_MAX
            && let Some(oldest) = looking.open.front().map(|(oldest, _)| *oldest)
        {
            self.close(looking, socket, oldest);
        }
        *self.rooms.lock().entry(thread).or_default() += 1;
        people.iter().for_each(|user| self.watchers.add(user, socket.clone()));
        looking.open.push_back((thread, people));
    }

    /// The socket has the thread open no more.
    pub(crate) fn close(&self, looking: &mut Looking, socket: &S, thread: ThreadId) {
        let Some(index) = looking.open.iter().position(|(open, _)| *open == thread) else { return };
        let Some((_, people)) = looking.open.remove(index) else { return };
        self.leave_room(thread);
        people.iter().for_each(|user| self.forget(looking, socket, user));
    }

    /// The socket asked for these people.
    pub(crate) fn ask(&self, looking: &mut Looking, socket: &S, users: &[UserId]) {
        for user in users.iter().take(ASKED_MAX) {
            if looking.asked.contains(user) {
                continue;
            }
            if looking.asked.len() == ASKED_MAX
                && let Some(oldest) = looking.asked.pop_front()
            {
                self.forget(looking, socket, &oldest);
            }
            looking.asked.push_back(user.clone());
            self.watchers.add(user, socket.clone());
        }
    }

    /// The socket is gone.
    pub(crate) fn leave(&self, looking: &mut Looking, socket: &S) {
        for (thread, people) in std::mem::take(&mut looking.open) {
            self.leave_room(thread);
            for user in people {
                self.watchers.remove(&user, socket);
            }
        }
        for user in std::mem::take(&mut looking.asked) {
            self.watchers.remove(&user, socket);
        }
    }

    /// Calls `act` with each socket that watches `user`.
    pub(crate) fn each(&self, user: &UserId, act: impl FnMut(&S)) {
        self.watchers.each(user, act);
    }

    /// Whether anybody here watches `user`.
    pub(crate) fn has(&self, user: &UserId) -> bool {
        self.watchers.has(user)
    }

    /// How many threads somebody here looks at.
    pub(crate) fn rooms(&self) -> u64 {
        self.rooms.lock().len() as u64
    }

    fn forget(&self, looking: &Looking, socket: &S, user: &UserId) {
        if !looking.watches(user) {
            self.watchers.remove(user, socket);
        }
    }

    fn leave_room(&self, thread: ThreadId) {
        let mut rooms = self.rooms.lock();
        if let Some(sockets) = rooms.get_mut(&thread) {
            *sockets -= 1;
            if *sockets == 0 {
                rooms.remove(&thread);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users<L: FromIterator<UserId>>(names: &[&str]) -> L {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn thread(n: u8) -> ThreadId {
        ThreadId::from_bytes([n; 12])
    }

    fn watchers(watch: &Watch<u32>, name: &str) -> usize {
        let mut count = 0;
        watch.each(&name.parse().unwrap(), |_| count += 1);
        count
    }

    #[test]
    fn somebody_is_watched_as_long_as_there_is_a_reason() {
        let (watch, mut looking) = (Watch::new(), Looking::default());
        watch.open(&mut looking, &1, thread(1), users(&["ann", "bob"]));
        watch.open(&mut looking, &1, thread(2), users(&["bob", "eve"]));
        watch.ask(&mut looking, &1, &users::<Vec<_>>(&["eve", "zoe"]));
        watch.open(&mut looking, &1, thread(2), users(&["bob", "eve"]));
        assert_eq!((watchers(&watch, "bob"), watchers(&watch, "zoe"), watch.rooms()), (1, 1, 2));
        watch.close(&mut looking, &1, thread(1));
        assert_eq!((watchers(&watch, "ann"), watchers(&watch, "bob"), watch.rooms()), (0, 1, 1));
        watch.close(&mut looking, &1, thread(2));
        assert_eq!((watchers(&watch, "bob"), watchers(&watch, "eve"), watch.rooms()), (0, 1, 0));
        watch.leave(&mut looking, &1);
        assert_eq!((watchers(&watch, "eve"), watchers(&watch, "zoe")), (0, 0));
    }

    #[test]
    fn a_large_thread_makes_nobody_watch_everybody() {
        let names: Vec<String> = (0..=WATCHED_THREAD_MAX).map(|n| format!("u{n:04}")).collect();
        let people: Participants = names.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(watched_in(&people, &people[0]).len(), 0);
        assert_eq!(
            watched_in(&people[1..].into(), &people[1]).len(),
            WATCHED_THREAD_MAX - 1,
            "all but oneself"
        );
    }

    #[test]
    fn what_a_socket_looks_at_is_bounded_and_the_oldest_makes_room() {
        let (watch, mut looking) = (Watch::new(), Looking::default());
        for n in 0..u8::try_from(OPEN_MAX).unwrap() + 5 {
            watch.open(&mut looking, &1, thread(n), users(&[&format!("u{n}")]));
        }
        assert_eq!((watch.rooms(), watchers(&watch, "u4"), watchers(&watch, "u5")), (OPEN_MAX as u64, 0, 1));
        for n in 0..=ASKED_MAX {
            watch.ask(&mut looking, &1, &users::<Vec<_>>(&[&format!("a{n}")]));
        }
        assert_eq!((watchers(&watch, "a0"), watchers(&watch, "a1")), (0, 1));
        watch.leave(&mut looking, &1);
        assert_eq!((watch.rooms(), watch.watchers.count()), (0, 0));
    }
}
