//! Whose presence one socket follows: the people in the threads it has open, and those it asked for. Also
//! whom it asked for in vain, since its user may not see them: if that changes, they are shown.
//!
//! The lists are bounded by [`OPEN_MAX`] and [`ASKED_MAX`]. What leaves a list is given back, so that
//! `presence/subscriptions` can end the subscription where no reason for it is left.

use eventflow_protocol::{ThreadId, UserId};
use std::collections::{HashSet, VecDeque};

/// Threads a socket can have open: more windows than anybody has.
pub(crate) const OPEN_MAX: usize = 50;
/// People a socket can have asked for: five times what one question may name.
pub(crate) const ASKED_MAX: usize = 1_000;

/// The open threads of one socket and the people it asked for, oldest first.
#[derive(Debug, Default)]
pub(crate) struct SocketSubscriptions {
    open: VecDeque<(ThreadId, Box<[UserId]>)>,
    asked: VecDeque<UserId>,
    hidden: VecDeque<UserId>,
}

impl SocketSubscriptions {
    /// Whether the thread is open.
    pub(crate) fn has_open(&self, thread: ThreadId) -> bool {
        self.open.iter().any(|(open, _)| *open == thread)
    }

    /// Everybody the socket follows, each once.
    pub(crate) fn people(&self) -> HashSet<UserId> {
        self.open.iter().flat_map(|(_, people)| people).chain(&self.asked).cloned().collect()
    }

    /// Whether there is still a reason to follow `user`.
    pub(crate) fn includes(&self, user: &UserId) -> bool {
        self.has_asked_for(user) || self.open.iter().any(|(_, people)| people.contains(user))
    }

    /// The thread that has to be closed before another one can be opened.
    pub(crate) fn thread_to_close(&self) -> Option<ThreadId> {
        let oldest = self.open.front().filter(|_| self.open.len() >= OPEN_MAX);
        oldest.map(|(thread, _)| *thread)
    }

    /// Adds an open thread in which the socket follows `people`. There must be room for it.
    pub(crate) fn add_open(&mut self, thread: ThreadId, people: Box<[UserId]>) {
        self.open.push_back((thread, people));
    }

    /// Takes out an open thread, and gives the people that were followed for it.
    pub(crate) fn remove_open(&mut self, thread: ThreadId) -> Option<Box<[UserId]>> {
        let index = self.open.iter().position(|(open, _)| *open == thread)?;
        self.open.remove(index).map(|(_, people)| people)
    }

    /// Whether the socket asked for `user`.
    pub(crate) fn has_asked_for(&self, user: &UserId) -> bool {
        self.asked.contains(user)
    }

    /// Adds somebody the socket asks for, and gives who had to make room for them.
    pub(crate) fn add_asked(&mut self, user: UserId) -> Option<UserId> {
        let is_full = self.asked.len() >= ASKED_MAX;
        let oldest = if is_full { self.asked.pop_front() } else { None };
        self.asked.push_back(user);
        oldest
    }

    /// Notes that the socket asks for these people, whom its user may not be allowed to see. Gives those that
    /// it does not follow for an earlier question.
    pub(crate) fn add_hidden(&mut self, users: &[UserId]) -> Vec<UserId> {
        let asked: HashSet<&UserId> = self.asked.iter().collect();
        let new: Vec<UserId> = users.iter().filter(|user| !asked.contains(user)).cloned().collect();
        self.take_hidden(|user| new.contains(user));
        self.hidden.extend(new.iter().cloned());
        let too_many = self.hidden.len().saturating_sub(ASKED_MAX);
        self.hidden.drain(..too_many);
        new
    }

    /// The socket asked for `user`, whom its user may see no more. `false` if it did not ask.
    pub(crate) fn hide_asked(&mut self, user: &UserId) -> bool {
        let Some(place) = self.asked.iter().position(|asked| asked == user) else { return false };
        self.asked.remove(place);
        self.add_hidden(std::slice::from_ref(user));
        true
    }

    /// The threads that are open.
    pub(crate) fn open_threads(&self) -> Vec<ThreadId> {
        self.open.iter().map(|(thread, _)| *thread).collect()
    }

    /// Whether the socket asked for `user`, whom its user may not see.
    pub(crate) fn is_hidden(&self, user: &UserId) -> bool {
        self.hidden.contains(user)
    }

    /// Takes out those hidden people for whom `is_visible` holds.
    pub(crate) fn take_hidden(&mut self, is_visible: impl Fn(&UserId) -> bool) -> Vec<UserId> {
        let (visible, hidden) =
            std::mem::take(&mut self.hidden).into_iter().partition(|user| is_visible(user));
        self.hidden = hidden;
        Vec::from(visible)
    }

    /// Takes out all open threads with the people in them.
    pub(crate) fn take_open(&mut self) -> VecDeque<(ThreadId, Box<[UserId]>)> {
        std::mem::take(&mut self.open)
    }

    /// Takes out everybody the socket asked for.
    pub(crate) fn take_asked(&mut self) -> VecDeque<UserId> {
        self.hidden.clear();
        std::mem::take(&mut self.asked)
    }
}
