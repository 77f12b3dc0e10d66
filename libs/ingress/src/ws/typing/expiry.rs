//! Expiry of typing: ends it on the screens of the sockets here although the gateway of the typist is gone.
//!
//! Every start that is delivered is noted with a deadline, every stop takes it away. When the deadline passes
//! without a word, or a message of the typist is delivered, this gateway tells its own sockets that the
//! typist has stopped. Telling it twice is harmless: a page hides what it does not show.

use crate::ws::sockets::Sockets;
use crate::ws::sockets::handle::SocketHandle;
use eventflow_ports::{Apart, Membership, ticks};
use eventflow_protocol::client::events::{ServerEvent as _, TypingUpdate};
use eventflow_protocol::event::TYPING_LIFE;
use eventflow_protocol::{ThreadId, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// After this a start that was not repeated is over: the life of a signal, and as long again as the typist's
/// gateway takes to notice.
const LIFE: Duration = Duration::from_secs(TYPING_LIFE.as_secs() + 2);
/// How often passed deadlines are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// People shown as typing at the same time; as many as may type on one gateway.
const SHOWN_MAX: usize = 50_000;

/// Who is shown as typing to sockets here, and until when.
#[derive(Debug, Default)]
struct ShownTypists(Mutex<HashMap<(ThreadId, UserId), Instant>>);

impl ShownTypists {
    /// An event is on its way to sockets here.
    fn note(&self, payload: &str, now: Instant) {
        let Ok(TypingUpdate { thread_id, user_id, is_typing }) = serde_json::from_str(payload) else {
            return;
        };
        let mut shown = self.0.lock();
        let key = (thread_id, user_id);
        if !is_typing {
            shown.remove(&key);
        } else if shown.len() < SHOWN_MAX || shown.contains_key(&key) {
            shown.insert(key, now + LIFE);
        }
    }

    /// Takes somebody out. `true` if they were shown.
    fn take(&self, thread: ThreadId, typist: &UserId) -> bool {
        self.0.lock().remove(&(thread, typist.clone())).is_some()
    }

    /// Takes out those whose deadline has passed without a word.
    fn take_expired(&self, now: Instant) -> Vec<(ThreadId, UserId)> {
        let mut expired = Vec::new();
        self.0.lock().retain(|key, until| {
            let goes_on = *until > now;
            if !goes_on {
                expired.push(key.clone());
            }
            goes_on
        });
        expired
    }
}

/// Ends typing that nobody ends.
pub(crate) struct TypingExpiry {
    shown: ShownTypists,
    membership: Membership,
    apart: Apart,
    sockets: Sockets,
}

impl TypingExpiry {
    /// Nobody is shown as typing.
    pub(crate) fn new((membership, apart): (Membership, Apart), sockets: Sockets) -> Self {
        Self { shown: ShownTypists::default(), membership, apart, sockets }
    }

    /// A `typing:update` with this JSON body is on its way to sockets here.
    pub(crate) fn note(&self, payload: &str) {
        self.shown.note(payload, Instant::now());
    }

    /// A message was written to sockets here: its sender no longer types it.
    pub(crate) fn sent(&self, thread: ThreadId, sender: &UserId) {
        if self.shown.take(thread, sender) {
            self.tell_stop(thread, sender);
        }
    }

    /// Ends what is over, until it is dropped.
    pub(crate) async fn run(&self) {
        let mut ticks = ticks(LOOK_EVERY);
        loop {
            ticks.tick().await;
            for (thread, typist) in self.shown.take_expired(Instant::now()) {
                self.tell_stop(thread, &typist);
            }
        }
    }

    fn tell_stop(&self, thread: ThreadId, typist: &UserId) {
        // A thread whose members are not remembered any more was not active here for long.
        let Some(people) = self.membership.remembered(thread) else { return };
        let stop = TypingUpdate { is_typing: false, thread_id: thread, user_id: typist.clone() };
        let packet = match self.sockets.encoder.event_beside(TypingUpdate::NAME, &stop) {
            Ok(packet) => packet,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "typing:update cannot be written as JSON"
                );
                return;
            }
        };
        // Their lists were read when the typing was shown; to whom it was not, the stop is no news either.
        let lists = self.apart.remembered(people.iter().chain([typist]));
        let told = people.iter().filter(|user| *user != typist && !lists.are_apart(typist, user));
        for user in told {
            self.sockets.hub.each(user, |SocketHandle(socket)| {
                socket.emit(&packet);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(is_typing: bool) -> String {
        let thread_id = ThreadId::from_bytes([1; 12]);
        let update = TypingUpdate { is_typing, thread_id, user_id: "ann".parse().unwrap() };
        serde_json::to_string(&update).unwrap()
    }

    #[test]
    fn who_is_not_heard_of_again_is_over_once() {
        let shown = ShownTypists::default();
        let start = Instant::now();
        shown.note(&payload(true), start);
        shown.note(&payload(true), start + Duration::from_secs(2));
        assert_eq!(shown.take_expired(start + LIFE), []);
        let expired = shown.take_expired(start + LIFE + Duration::from_secs(2));
        assert_eq!(expired, [(ThreadId::from_bytes([1; 12]), "ann".parse().unwrap())]);
        assert_eq!(shown.take_expired(start + LIFE * 2), []);
    }

    #[test]
    fn who_stopped_is_not_told_of_again() {
        let shown = ShownTypists::default();
        let start = Instant::now();
        shown.note(&payload(true), start);
        shown.note(&payload(false), start);
        assert_eq!(shown.take_expired(start + LIFE), []);
    }
}
