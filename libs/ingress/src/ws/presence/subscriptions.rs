//! Presence subscriptions: which sockets follow whom, because they asked for them or have a thread open with
//! them.
//!
//! A change of somebody's presence goes to the sockets that follow them and to nobody else. Nobody follows
//! themselves by opening a thread: published pages take whatever they hear for the other person's presence.
//! What one socket follows is bounded, and the oldest makes room: it is what a screen shows. Adding and
//! removing can be repeated.

use crate::ws::sockets::hub::Hub;
use crate::ws::sockets::subscriptions::{ASKED_MAX, SocketSubscriptions};
use eventflow_protocol::Participants;
use eventflow_protocol::blocks::BlockLists;
use eventflow_protocol::{ThreadId, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;

/// Opening a larger thread does not make anybody follow everybody in it: changes would grow with the square
/// of the thread.
pub(crate) const FOLLOWED_THREAD_MAX: usize = 100;

/// Whom `viewer` follows in a thread of these people: not those from whom a block keeps them apart.
pub(crate) fn followed_in(people: &Participants, viewer: &UserId, lists: &BlockLists) -> Box<[UserId]> {
    if people.len() > FOLLOWED_THREAD_MAX {
        return Box::default();
    }
    people.iter().filter(|user| *user != viewer && !lists.are_apart(viewer, user)).cloned().collect()
}

/// The sockets that follow each person, and how many sockets have each thread open.
pub(crate) struct PresenceSubscriptions<S> {
    followers: Hub<S>,
    open: Mutex<HashMap<ThreadId, u32>>,
}

impl<S: Clone + PartialEq> PresenceSubscriptions<S> {
    /// Nobody follows anybody.
    pub(crate) fn new() -> Self {
        Self { followers: Hub::new(), open: Mutex::default() }
    }

    /// The socket has a thread open and follows `people` for that. `own` are the socket's own subscriptions,
    /// here and below.
    pub(crate) fn open(
        &self,
        own: &mut SocketSubscriptions,
        socket: &S,
        thread: ThreadId,
        people: Box<[UserId]>,
    ) {
        self.close(own, socket, thread);
        if let Some(oldest) = own.thread_to_close() {
            self.close(own, socket, oldest);
        }
        *self.open.lock().entry(thread).or_default() += 1;
        for user in &people {
            self.followers.add(user, socket.clone());
        }
        own.add_open(thread, people);
    }

    /// The socket has the thread open no more.
    pub(crate) fn close(&self, own: &mut SocketSubscriptions, socket: &S, thread: ThreadId) {
        let Some(people) = own.remove_open(thread) else { return };
        self.count_closed(thread);
        for user in &people {
            self.unfollow_without_reason(own, socket, user);
        }
    }

    /// The socket asked for these people.
    pub(crate) fn ask(&self, own: &mut SocketSubscriptions, socket: &S, users: &[UserId]) {
        for user in users.iter().take(ASKED_MAX) {
            if own.has_asked_for(user) {
                continue;
            }
            if let Some(oldest) = own.add_asked(user.clone()) {
                self.unfollow_without_reason(own, socket, &oldest);
            }
            self.followers.add(user, socket.clone());
        }
    }

    /// The socket is gone.
    pub(crate) fn forget_socket(&self, own: &mut SocketSubscriptions, socket: &S) {
        for (thread, people) in own.take_open() {
            self.count_closed(thread);
            for user in people {
                self.followers.remove(&user, socket);
            }
        }
        for user in own.take_asked() {
            self.followers.remove(&user, socket);
        }
    }

    /// The socket follows `user` no more, if it asked for them: they are kept apart from now on.
    pub(crate) fn hide(&self, own: &mut SocketSubscriptions, socket: &S, user: &UserId) {
        if own.hide_asked(user) {
            self.unfollow_without_reason(own, socket, user);
        }
    }

    /// Calls `act` with each socket that follows `user`.
    pub(crate) fn each(&self, user: &UserId, act: impl FnMut(&S)) {
        self.followers.each(user, act);
    }

    /// Whether anybody here follows `user`.
    pub(crate) fn has(&self, user: &UserId) -> bool {
        self.followers.has(user)
    }

    /// How many threads somebody here has open.
    pub(crate) fn open_threads(&self) -> u64 {
        self.open.lock().len() as u64
    }

    /// The socket follows `user` no more, unless another thread or question of it is a reason to.
    fn unfollow_without_reason(&self, own: &SocketSubscriptions, socket: &S, user: &UserId) {
        if !own.includes(user) {
            self.followers.remove(user, socket);
        }
    }

    fn count_closed(&self, thread: ThreadId) {
        let mut open = self.open.lock();
        if let Some(sockets) = open.get_mut(&thread) {
            *sockets -= 1;
            if *sockets == 0 {
                open.remove(&thread);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::sockets::subscriptions::{ASKED_MAX, OPEN_MAX};

    fn users<L: FromIterator<UserId>>(names: &[&str]) -> L {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn thread(n: u8) -> ThreadId {
        ThreadId::from_bytes([n; 12])
    }

    fn followers(subscriptions: &PresenceSubscriptions<u32>, name: &str) -> usize {
        let mut count = 0;
        subscriptions.each(&name.parse().unwrap(), |_| count += 1);
        count
    }

    #[test]
    fn somebody_is_followed_as_long_as_there_is_a_reason() {
        let subscriptions = PresenceSubscriptions::new();
        let mut own = SocketSubscriptions::default();
        subscriptions.open(&mut own, &1, thread(1), users(&["ann", "bob"]));
        subscriptions.open(&mut own, &1, thread(2), users(&["bob", "eve"]));
        subscriptions.ask(&mut own, &1, &users::<Vec<_>>(&["eve", "zoe"]));
        subscriptions.open(&mut own, &1, thread(2), users(&["bob", "eve"]));
        assert_eq!(
            (
                followers(&subscriptions, "bob"),
                followers(&subscriptions, "zoe"),
                subscriptions.open_threads()
            ),
            (1, 1, 2)
        );
        subscriptions.close(&mut own, &1, thread(1));
        assert_eq!(
            (
                followers(&subscriptions, "ann"),
                followers(&subscriptions, "bob"),
                subscriptions.open_threads()
            ),
            (0, 1, 1)
        );
        subscriptions.close(&mut own, &1, thread(2));
        assert_eq!(
            (
                followers(&subscriptions, "bob"),
                followers(&subscriptions, "eve"),
                subscriptions.open_threads()
            ),
            (0, 1, 0)
        );
        subscriptions.forget_socket(&mut own, &1);
        assert_eq!((followers(&subscriptions, "eve"), followers(&subscriptions, "zoe")), (0, 0));
    }

    #[test]
    fn a_large_thread_makes_nobody_follow_everybody() {
        let names: Vec<String> = (0..=FOLLOWED_THREAD_MAX).map(|n| format!("u{n:04}")).collect();
        let people: Participants = names.iter().map(|name| name.parse().unwrap()).collect();
        let nobody = BlockLists::default();
        assert_eq!(followed_in(&people, &people[0], &nobody).len(), 0);
        assert_eq!(
            followed_in(&people[1..].into(), &people[1], &nobody).len(),
            FOLLOWED_THREAD_MAX - 1,
            "all but oneself"
        );
    }

    #[test]
    fn what_a_socket_follows_is_bounded_and_the_oldest_makes_room() {
        let subscriptions = PresenceSubscriptions::new();
        let mut own = SocketSubscriptions::default();
        for n in 0..u8::try_from(OPEN_MAX).unwrap() + 5 {
            subscriptions.open(&mut own, &1, thread(n), users(&[&format!("u{n}")]));
        }
        assert_eq!(
            (subscriptions.open_threads(), followers(&subscriptions, "u4"), followers(&subscriptions, "u5")),
            (OPEN_MAX as u64, 0, 1)
        );
        for n in 0..=ASKED_MAX {
            subscriptions.ask(&mut own, &1, &users::<Vec<_>>(&[&format!("a{n}")]));
        }
        assert_eq!((followers(&subscriptions, "a0"), followers(&subscriptions, "a1")), (0, 1));
        subscriptions.forget_socket(&mut own, &1);
        assert_eq!((subscriptions.open_threads(), subscriptions.followers.count()), (0, 0));
    }
}
